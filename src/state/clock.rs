//! The clock by which answers are dated and age.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// So much may a moment lie ahead of the clock: clocks are set, and two machines never agree. What lies further ahead was
/// dated by a clock that was wrong, then or now, and its age is unknown.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Returns the last moment that is not ahead of the clock.
pub fn latest_credible(now: Timestamp) -> Timestamp {
    now.checked_add(SLACK).unwrap_or(Timestamp::MAX)
}

/// Tells the time: the machine's by default, or one that its owner moves, so that weeks pass in a second.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since 1970; none is the machine's own clock.
    moved: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// Makes a clock that stands at a moment until it is moved; clones move together.
    pub fn standing(at: Timestamp) -> Self {
        Self { moved: Some(Arc::new(AtomicI64::new(at.as_microsecond()))) }
    }

    /// Moves a clock that stands; the machine's own is left as it is.
    pub fn set(&self, at: Timestamp) {
        if let Some(moved) = &self.moved {
            moved.store(at.as_microsecond(), Ordering::Relaxed);
        }
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        let moved = self.moved.as_ref().map(|moved| moved.load(Ordering::Relaxed));
        // What was stored came from a timestamp.
        moved.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or_else(Timestamp::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moment_beyond_the_slack_is_ahead() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(latest_credible(at(1000)), at(1300));
        assert_eq!(latest_credible(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_clock_stands_until_it_is_moved() {
        let (first, second) = (Timestamp::from_second(1).unwrap(), Timestamp::from_second(2).unwrap());
        let clock = Clock::standing(first);
        let other = clock.clone();
        assert_eq!(other.now(), first);
        clock.set(second);
        assert_eq!(other.now(), second);
        let machine = Clock::default();
        machine.set(first);
        assert!(machine.now() > second);
    }
}
