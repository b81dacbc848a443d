//! The rate limit: so many calls a minute on average, after as many at once.

use std::time::{Duration, Instant};

/// A bucket that a minute fills; each call takes one.
#[derive(Debug)]
pub(super) struct Pace {
    a_minute: f64,
    left: f64,
    filled_at: Instant,
}

impl Pace {
    pub(super) fn new(a_minute: u32, now: Instant) -> Self {
        Self { a_minute: f64::from(a_minute), left: f64::from(a_minute), filled_at: now }
    }

    /// Takes a call out of the bucket; says how long to wait where it is empty.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.left = (self.left + passed * self.a_minute / 60.0).min(self.a_minute);
        self.filled_at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) * 60.0 / self.a_minute));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_empties_and_fills_again() {
        let start = Instant::now();
        let mut pace = Pace::new(3, start);
        assert!((0..3).all(|_| pace.take(start).is_ok()));
        assert_eq!(pace.take(start), Err(Duration::from_secs(20)));
        assert!(pace.take(start + Duration::from_secs(21)).is_ok());
        assert!(pace.take(start + Duration::from_secs(22)).is_err());
        assert_eq!((0..9).filter(|_| pace.take(start + Duration::from_hours(1)).is_ok()).count(), 3);
    }
}
