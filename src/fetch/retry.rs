//! How often, after how long, and at what expense a failed call is sent again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Says how patient a run is. The delays are full jitter over a doubling bound.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts of a call that fail without being billed.
    pub free_attempts: u32,
    /// Attempts of a call that may have been billed.
    pub billable_attempts: u32,
    /// The bound of the first delay.
    pub first_delay: Duration,
    /// The bound of every later delay.
    pub longest_delay: Duration,
    /// Different calls in a row without a readable answer after which the vendor counts as down.
    pub outage: u32,
    /// A vendor that throttles for longer without a single answer has stopped.
    pub longest_throttle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            free_attempts: 5,
            billable_attempts: 3,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            outage: 10,
            longest_throttle: Duration::from_secs(600),
        }
    }
}

impl Patience {
    /// Returns the delay before the next attempt, after `failed` attempts; `seed` makes it the same each time.
    pub fn delay(&self, failed: u32, seed: u64) -> Duration {
        let bounds = ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .without_max_times()
            .build();
        let bound = bounds.into_iter().nth(failed.saturating_sub(1).min(16) as usize).unwrap_or(self.longest_delay);
        bound.mul_f64(fraction(seed ^ u64::from(failed)))
    }
}

/// What a vendor's answers pay for: a retry costs as much as five answers bring in.
///
/// Retries that it cannot pay for all go last, and one at a time while it is empty. None is given up for that.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: u32,
}

impl Bucket {
    /// The most that it holds, and what it begins with.
    const FULL: u32 = 50;
    /// What a retry costs.
    const RETRY: u32 = 5;

    /// Makes a full bucket.
    pub const fn full() -> Self {
        Self { tokens: Self::FULL }
    }

    /// Notes a helpful answer.
    pub fn earn(&mut self) {
        self.tokens = (self.tokens + 1).min(Self::FULL);
    }

    /// Tells whether so many retries could be paid for.
    pub const fn pays_for(self, retries: usize) -> bool {
        retries <= (self.tokens / Self::RETRY) as usize
    }

    /// Pays for a retry; one that goes although there is nothing to pay with is free.
    pub fn pay(&mut self) {
        self.tokens = self.tokens.checked_sub(Self::RETRY).unwrap_or(self.tokens);
    }
}

/// Spreads a number over 0..1 (splitmix64).
fn fraction(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_under_their_bound() {
        let patience = Patience::default();
        for (failed, bound) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)] {
            let delays: Vec<Duration> = (0..200).map(|seed| patience.delay(failed, seed)).collect();
            let longest = delays.iter().max().unwrap();
            assert!(*longest <= Duration::from_secs(bound), "{failed}: {longest:?}");
            assert!(*longest > Duration::from_secs(bound).mul_f64(0.9), "{failed}: {longest:?}");
            assert!(*delays.iter().min().unwrap() < Duration::from_secs(bound).mul_f64(0.1));
        }
    }
    #[test]
    fn ten_retries_are_free_and_five_answers_pay_for_one_more() {
        let mut bucket = Bucket::full();
        let paid = |bucket: &mut Bucket| {
            let mut retries = 0;
            while bucket.pays_for(1) {
                bucket.pay();
                retries += 1;
            }
            retries
        };
        assert_eq!(paid(&mut bucket), 10);
        (0..4).for_each(|_| bucket.earn());
        bucket.pay();
        assert_eq!(paid(&mut bucket), 0, "four answers pay for none");
        bucket.earn();
        assert_eq!(paid(&mut bucket), 1, "the one that went for nothing took nothing");
        (0..1000).for_each(|_| bucket.earn());
        assert_eq!(paid(&mut bucket), 10, "it holds ten at most");
    }
}
