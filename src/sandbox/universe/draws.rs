//! Draws that look random and are the same for good: a small generator of our own, whole numbers only.

/// Draws numbers from a seed, a purpose and a number; equal beginnings give equal draws on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// Begins the draws for one purpose.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        Self(mix(mix(seed ^ hash(purpose)) ^ number))
    }

    /// Draws 64 bits (splitmix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Draws a number below a bound; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Draws a span of seconds below a bound.
    pub(crate) fn seconds(&mut self, bound: i64) -> i64 {
        self.below(bound.unsigned_abs()).cast_signed()
    }

    /// Says yes once in so many times, on average.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Draws a number below a bound, small ones far more often: each of `halvings` levels is as likely as the others.
    pub(crate) fn skewed(&mut self, bound: u64, halvings: u64) -> u64 {
        let range = bound >> self.below(halvings);
        self.below(range.max(1))
    }

    /// Picks one of several; the list must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// Draws a fraction from 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws lower-case hex digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.text(b"0123456789abcdef", digits)
    }

    /// Draws letters and digits as tokens and file names have them.
    pub(crate) fn token(&mut self, length: usize) -> String {
        self.text(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}

/// Hashes a text (64-bit FNV-1a).
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_never_change() {
        let mut draws = Draws::new(7, "note", 0);
        assert_eq!([draws.next(), draws.below(1000), draws.skewed(1000, 6)], [10_750_787_856_758_478_152, 70, 893]);
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn purposes_and_numbers_do_not_share_draws() {
        let first = Draws::new(7, "note", 0).next();
        for mut other in [Draws::new(8, "note", 0), Draws::new(7, "user", 0), Draws::new(7, "note", 1)] {
            assert_ne!(other.next(), first);
        }
    }

    #[test]
    fn small_numbers_come_more_often_when_skewed() {
        let mut draws = Draws::new(1, "skew", 0);
        let low = (0..2000).filter(|_| draws.skewed(64, 5) < 8).count();
        assert!(low > 700, "{low} of 2000 in the lowest eighth");
        assert!((0..2000).all(|_| draws.below(5) < 5));
        assert_eq!((draws.below(0), draws.skewed(0, 3)), (0, 0));
    }
}
