//! The best of many: one value, kept with the key that made it win.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::Provenance;

/// Keeps the value of the greatest key; none is less than any. Equal keys are told apart by the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::dataset) struct Best<K, V>(Option<(K, V)>);

impl<K, V> Best<K, V> {
    /// Holds nothing.
    pub(in crate::dataset) const fn none() -> Self {
        Self(None)
    }
}

impl<K: Ord + Clone, V: Ord> Best<K, V> {
    /// Holds one value.
    pub(in crate::dataset) fn one(key: K, value: V) -> Self {
        Self(Some((key, value)))
    }

    /// Holds a value if it is told.
    pub(in crate::dataset) fn told(key: &K, value: Option<V>) -> Self {
        Self(value.map(|value| (key.clone(), value)))
    }

    /// Keeps the better of two.
    pub(in crate::dataset) fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// Takes the other if it is better.
    pub(in crate::dataset) fn raise(&mut self, other: Self) {
        if other > *self {
            *self = other;
        }
    }

    /// Returns the value.
    pub(in crate::dataset) fn value(&self) -> Option<&V> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Returns the key that won.
    pub(in crate::dataset) fn key(&self) -> Option<&K> {
        self.0.as_ref().map(|(key, _)| key)
    }
}

/// A place among all answers, and what the clock said then.
type Place = (i64, Timestamp);

/// The time from the first observation to the last, in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::dataset) struct Span {
    /// The first.
    pub(in crate::dataset) first: Place,
    /// The last.
    pub(in crate::dataset) last: Place,
}

impl Span {
    pub(in crate::dataset) fn at(seen: &Provenance) -> Self {
        let place = (seen.sequence, seen.observed_at);
        Self { first: place, last: place }
    }

    pub(in crate::dataset) fn merge(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}
