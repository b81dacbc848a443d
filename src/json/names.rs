//! Whether an object may repeat a name.

/// The names of one object so far, as a Bloom filter of one hash: most objects have no duplicate.
#[derive(Default)]
pub(super) struct NameFilter([u64; 16]);

impl NameFilter {
    /// Returns true if the name may have been added before.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let hash = name.as_bytes().chunks(8).fold(name.len() as u64, |hash, chunk| {
            let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let Some(word) = self.0.get_mut((hash >> 60) as usize) else { return true };
        let bit = 1 << (hash >> 54 & 63);
        let is_known = *word & bit != 0;
        *word |= bit;
        is_known
    }
}
