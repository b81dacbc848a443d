//! The best of many: one value, kept with the key that made it win.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Keeps the value of the greatest key; none is less than any. Equal keys are told apart by the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Best<K, V>(Option<(K, V)>);

impl<K: Ord + Clone, V: Ord> Best<K, V> {
    /// Holds one value.
    pub(super) fn one(key: K, value: V) -> Self {
        Self(Some((key, value)))
    }

    /// Holds a value if it is told.
    pub(super) fn told(key: &K, value: Option<V>) -> Self {
        Self(value.map(|value| (key.clone(), value)))
    }

    /// Keeps the better of two.
    pub(super) fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// Takes the other if it is better.
    pub(super) fn raise(&mut self, other: Self) {
        if other > *self {
            *self = other;
        }
    }

    /// Returns the value.
    pub(super) fn value(&self) -> Option<&V> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Returns the key that won.
    pub(super) fn key(&self) -> Option<&K> {
        self.0.as_ref().map(|(key, _)| key)
    }
}

/// The time from the first observation to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    /// The first.
    pub(super) first: Timestamp,
    /// The last.
    pub(super) last: Timestamp,
}

impl Span {
    pub(super) fn at(time: Timestamp) -> Self {
        Self { first: time, last: time }
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}
