//! Whether a note is there: what was shown, what was stated, and what kept quiet.

use super::best::Best;
use crate::model::Provenance;

/// So many runs in a row must ask for a note and get nothing until it counts as gone.
const EMPTY_RUNS: usize = 3;

/// What answers tell of a note being there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Life {
    /// Whether the newest answer that shows the note or states that it is gone does the latter.
    pub(super) is_gone: Best<Provenance, bool>,
    /// The newest empty detail of each of the three newest runs that had one, the newest first.
    pub(super) empties: Vec<(Provenance, String)>,
}

impl Life {
    /// Holds what one answer tells.
    pub(super) fn told(seen: &Provenance, is_gone: Option<bool>) -> Self {
        Self { is_gone: Best::told(seen, is_gone), empties: Vec::new() }
    }

    /// Holds a detail that a run asked for and that showed nothing.
    pub(super) fn of_empty(seen: Provenance, run_id: String) -> Self {
        Self { is_gone: Best::none(), empties: vec![(seen, run_id)] }
    }

    /// Joins two.
    pub(super) fn merge(self, other: Self) -> Self {
        let mut empties = [self.empties, other.empties].concat();
        empties.sort_by(|own, other| other.cmp(own));
        let mut runs: Vec<String> = Vec::new();
        empties.retain(|(_, run)| {
            let is_new = runs.len() < EMPTY_RUNS && !runs.contains(run);
            if is_new {
                runs.push(run.clone());
            }
            is_new
        });
        Self { is_gone: self.is_gone.merge(other.is_gone), empties }
    }

    /// Tells whether an answer shows the note or states that it is gone.
    pub(super) fn is_told(&self) -> bool {
        self.is_gone.value().is_some()
    }

    /// Says why the note is gone; none if it is there. Only what was shown can be gone for want of answers.
    pub(super) fn gone(&self) -> Option<&'static str> {
        if *self.is_gone.value()? {
            return Some("stated");
        }
        let (first, _) = self.empties.get(EMPTY_RUNS - 1)?;
        (Some(first) > self.is_gone.key()).then_some("empty")
    }
}
