//! One count of a note over time: exact and rounded spellings of it.

use super::best::Best;
use crate::model::{Count, Provenance};

/// Keeps the newest exact and the newest approximate observation of a count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) exact: Best<Provenance, i64>,
    pub(super) approximate: Best<Provenance, Count>,
}

impl Counted {
    /// Holds one observation, if it tells the count.
    pub(super) fn told(seen: &Provenance, count: Option<Count>) -> Self {
        let (approximate, exact) =
            (count.filter(|count| count.is_approximate()), count.filter(|count| count.unit == 1));
        Self { exact: Best::told(seen, exact.map(|count| count.value)), approximate: Best::told(seen, approximate) }
    }

    /// Holds nothing.
    pub(super) const fn none() -> Self {
        Self { exact: Best::none(), approximate: Best::none() }
    }

    /// Takes what another holds where it is newer.
    pub(super) fn raise(&mut self, other: Self) {
        self.exact.raise(other.exact);
        self.approximate.raise(other.approximate);
    }

    /// Returns the count to show: the newest, but no rounded one that the newest exact one rounds to.
    pub(super) fn shown(&self) -> Option<Count> {
        let exact = self.exact.value().copied().map(Count::exact);
        let newer = self.approximate.value().filter(|_| self.approximate.key() > self.exact.key()).copied();
        match (exact, newer) {
            (Some(exact), Some(newer)) if newer.rounds(exact.value) => Some(exact),
            (exact, newer) => newer.or(exact),
        }
    }

    /// Returns the newest observation that tells the count.
    pub(super) fn newest(&self) -> Option<&Provenance> {
        self.exact.key().max(self.approximate.key())
    }
}
