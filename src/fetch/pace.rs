//! When a vendor may be asked: slots, calls a minute, pauses. One per vendor.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use super::retry::Patience;

/// The longest announced pause that is waited for.
pub(crate) const LONGEST_ANNOUNCED: Duration = Duration::from_secs(300);

/// Says whether a call may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may; a slot is taken.
    Go,
    /// Not before this moment.
    At(Instant),
    /// Not before another call comes back.
    Full,
}

/// Decides when one vendor may be asked again.
///
/// The guards stand in this order: slots, pause, calls a minute. A throttle pauses all calls and halves the slots; each
/// full round of answers without one gives a slot back.
#[derive(Debug)]
pub struct Pace {
    slots: u32,
    in_flight: u32,
    limit: f64,
    paused_until: Option<Instant>,
    first_pause: Duration,
    next_pause: Duration,
    longest_pause: Duration,
    throttled_at: Option<Instant>,
    minute: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
}

impl Pace {
    /// Makes a pace of so many slots and calls a minute; pauses grow as the patience's delays do.
    pub fn new(slots: u32, requests_per_minute: Option<u32>, patience: &Patience) -> Self {
        let per_minute = requests_per_minute.and_then(NonZeroU32::new);
        // A small burst, so that the minute's calls do not arrive in one second.
        let minute = per_minute.map(|calls| {
            let burst = NonZeroU32::new((calls.get() / 60).clamp(1, 5)).unwrap_or(NonZeroU32::MIN);
            RateLimiter::direct(Quota::per_minute(calls).allow_burst(burst))
        });
        Self {
            slots: slots.max(1),
            in_flight: 0,
            limit: f64::from(slots.max(1)),
            paused_until: None,
            first_pause: patience.first_delay,
            next_pause: patience.first_delay,
            longest_pause: patience.longest_delay,
            throttled_at: None,
            minute,
            clock: DefaultClock::default(),
        }
    }

    /// Asks for a slot; on [`Permit::Go`] it is taken until [`Pace::came_back`].
    pub fn ask(&mut self, now: Instant) -> Permit {
        if f64::from(self.in_flight) >= self.limit.floor().max(1.0) {
            return Permit::Full;
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Permit::At(until);
        }
        if let Some(minute) = &self.minute
            && let Err(later) = minute.check()
        {
            return Permit::At(now + later.wait_time_from(self.clock.now()));
        }
        self.in_flight += 1;
        Permit::Go
    }

    /// Gives a slot back.
    pub fn came_back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Returns how many calls are on their way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Slows down: pauses for what the vendor announced, else for a growing time, and halves the slots once a pause.
    pub fn throttled(&mut self, now: Instant, announced: Option<Duration>) {
        self.throttled_at.get_or_insert(now);
        if !self.is_paused(now) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.pause(now);
        }
        if let Some(wait) = announced {
            // A pause that stands is never shortened.
            let until = now + wait.min(LONGEST_ANNOUNCED);
            self.paused_until = Some(self.paused_until.map_or(until, |standing| standing.max(until)));
        }
    }

    /// Lets through one call at a time, with growing pauses: the vendor fails for every call. Tells whether a pause began.
    pub fn ailing(&mut self, now: Instant) -> bool {
        self.limit = 1.0;
        let begins = !self.is_paused(now);
        if begins {
            self.pause(now);
        }
        begins
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }

    fn pause(&mut self, now: Instant) {
        self.paused_until = Some(now + self.next_pause);
        self.next_pause = (self.next_pause * 2).min(self.longest_pause);
    }

    /// Speeds up a little: the vendor answered.
    pub fn answered(&mut self) {
        self.throttled_at = None;
        self.next_pause = self.first_pause;
        self.limit = (self.limit + 1.0 / self.limit).min(f64::from(self.slots));
    }

    /// Tells for how long the vendor has throttled without a single answer.
    pub fn throttled_for(&self, now: Instant) -> Duration {
        self.throttled_at.map_or(Duration::ZERO, |since| now - since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_never_exceeded() {
        let now = Instant::now();
        let mut pace = Pace::new(2, None, &Patience::default());
        assert_eq!((pace.ask(now), pace.ask(now), pace.ask(now)), (Permit::Go, Permit::Go, Permit::Full));
        pace.came_back();
        assert_eq!(pace.ask(now), Permit::Go);
    }

    #[test]
    fn a_throttle_pauses_everything_and_halves_the_slots() {
        let now = Instant::now();
        let mut pace = Pace::new(8, None, &Patience::default());
        pace.throttled(now, None);
        // Seven more throttles of the same burst change nothing.
        for _ in 0..7 {
            pace.throttled(now, None);
        }
        assert_eq!(pace.ask(now), Permit::At(now + Duration::from_secs(1)));
        let later = now + Duration::from_secs(1);
        let granted = (0..8).filter(|_| pace.ask(later) == Permit::Go).count();
        assert_eq!(granted, 4);
        pace.throttled(later, None);
        (0..4).for_each(|_| pace.came_back());
        assert_eq!(pace.ask(later), Permit::At(later + Duration::from_secs(2)));
    }

    #[test]
    fn an_announced_pause_is_kept_and_never_shortened() {
        let now = Instant::now();
        let mut pace = Pace::new(8, None, &Patience::default());
        pace.throttled(now, Some(Duration::from_secs(20)));
        pace.throttled(now, Some(Duration::from_secs(5)));
        assert_eq!(pace.ask(now), Permit::At(now + Duration::from_secs(20)));
        pace.throttled(now, Some(Duration::from_secs(86_400)));
        assert_eq!(pace.ask(now), Permit::At(now + LONGEST_ANNOUNCED));
    }

    #[test]
    fn answers_give_the_slots_back_one_a_round() {
        let now = Instant::now();
        let mut pace = Pace::new(4, None, &Patience::default());
        pace.throttled(now, None);
        (0..30).for_each(|_| pace.answered());
        let later = now + Duration::from_secs(60);
        assert_eq!((0..9).filter(|_| pace.ask(later) == Permit::Go).count(), 4);
    }

    #[test]
    fn calls_a_minute_are_spread() {
        let now = Instant::now();
        let mut pace = Pace::new(100, Some(60), &Patience::default());
        assert_eq!(pace.ask(now), Permit::Go);
        assert!(matches!(pace.ask(now), Permit::At(_)));
    }
}
