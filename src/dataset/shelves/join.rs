//! Many sorted streams of records, joined to one; records of one key are merged.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::file::ShelfError;

/// Records in the order of their keys.
pub(super) type Sorted<'a, K, V> = Box<dyn Iterator<Item = Result<(K, V), ShelfError>> + 'a>;

/// Joins sorted streams.
pub(super) struct Join<'a, K, V> {
    streams: Vec<Sorted<'a, K, V>>,
    heads: BinaryHeap<Head<K, V>>,
    merge: fn(V, V) -> V,
    /// What a stream could not give.
    error: Option<ShelfError>,
}

/// The next record of a stream; the greatest head is that of the smallest key.
struct Head<K, V> {
    key: K,
    value: V,
    stream: usize,
}

impl<K: Ord, V> Ord for Head<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(other.stream.cmp(&self.stream))
    }
}

impl<K: Ord, V> PartialOrd for Head<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, V> PartialEq for Head<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K: Ord, V> Eq for Head<K, V> {}

impl<'a, K: Ord, V> Join<'a, K, V> {
    pub(super) fn new(streams: Vec<Sorted<'a, K, V>>, merge: fn(V, V) -> V) -> Self {
        let count = streams.len();
        let mut join = Self { streams, heads: BinaryHeap::with_capacity(count), merge, error: None };
        (0..count).for_each(|stream| join.advance(stream));
        join
    }

    fn advance(&mut self, stream: usize) {
        match self.streams.get_mut(stream).and_then(Iterator::next) {
            Some(Ok((key, value))) => self.heads.push(Head { key, value, stream }),
            Some(Err(error)) => self.error = Some(error),
            None => {}
        }
    }
}

impl<K: Ord, V> Iterator for Join<'_, K, V> {
    type Item = Result<(K, V), ShelfError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            self.heads.clear();
            return Some(Err(error));
        }
        let Head { key, mut value, stream } = self.heads.pop()?;
        self.advance(stream);
        while self.heads.peek().is_some_and(|head| head.key == key) {
            let Some(same) = self.heads.pop() else { break };
            value = (self.merge)(value, same.value);
            self.advance(same.stream);
        }
        Some(Ok((key, value)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_join_is_what_one_map_of_all_would_be(maps in prop::collection::vec(prop::collection::btree_map(0_u8..20, 0_u32..9, 0..12), 0..6)) {
            let streams = maps.iter().map(|map| -> Sorted<'_, u8, u32> { Box::new(map.clone().into_iter().map(Ok)) });
            let joined: Vec<_> = Join::new(streams.collect(), u32::max).map(Result::unwrap).collect();
            let mut all = std::collections::BTreeMap::new();
            for (key, value) in maps.into_iter().flatten() {
                let own = all.entry(key).or_insert(value);
                *own = value.max(*own);
            }
            prop_assert_eq!(joined, all.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_stream_cannot_give_ends_the_join() {
        let broken = || -> Sorted<'_, u8, u8> {
            let error = ShelfError::Damaged { path: "x".into() };
            Box::new([Ok((1, 1)), Err(error)].into_iter())
        };
        let whole = || -> Sorted<'_, u8, u8> { Box::new((0..5).map(|at| Ok((at, at)))) };
        let joined: Vec<_> = Join::new(vec![whole(), broken()], u8::max).collect();
        assert!(joined.last().unwrap().is_err() && joined.len() < 5);
    }
}
