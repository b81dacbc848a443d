//! One count over time: exact and rounded spellings of it.

use super::{Family, Member, last};
use crate::model::Count;

/// The newest exact and the newest approximate observation of a count, by their places in the group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Newest {
    pub(super) exact: Option<usize>,
    pub(super) approximate: Option<usize>,
}

impl Newest {
    /// Finds them in a group.
    pub(super) fn of<F: Family>(group: &[Member<F>], count: impl Fn(&Member<F>) -> Option<Count>) -> Self {
        let newest = |is_approximate: bool| {
            last(group, |member| count(member).is_some_and(|count| count.is_approximate() == is_approximate))
        };
        Self { exact: newest(false), approximate: newest(true) }
    }

    /// Returns the count to show: the newest, but no rounded one that the newest exact one rounds to.
    pub(super) fn shown(self, count: impl Fn(usize) -> Option<Count>) -> Option<Count> {
        let exact = self.exact.and_then(&count);
        let newer = self.approximate.filter(|_| self.approximate > self.exact).and_then(&count);
        match (exact, newer) {
            (Some(exact), Some(newer)) if newer.rounds(exact.value) => Some(exact),
            (exact, newer) => newer.or(exact),
        }
    }

    /// Returns the newest of both.
    pub(super) fn newest(self) -> Option<usize> {
        self.exact.max(self.approximate)
    }
}
