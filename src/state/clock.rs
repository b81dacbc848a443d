//! The clock by which answers are dated and age.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

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
