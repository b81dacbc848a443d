//! What re-reading a dataset finds.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// One thing to tell of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// What is to be told of it; safe to show.
    pub what: String,
}

/// What was read, what of it is damaged, and what else is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// How much was read, by what it is called.
    pub read: Vec<(&'static str, u64)>,
    /// Files that do not hold what they should.
    pub damage: Vec<Finding>,
    /// Files that are no damage and are not what a command in good order leaves.
    pub notes: Vec<Finding>,
}

impl Inspection {
    /// Tells of damage.
    pub fn damage(&mut self, file: &Path, what: impl std::fmt::Display) {
        self.damage.push(Finding { file: file.to_owned(), what: super::shown(&what.to_string(), 200) });
    }

    /// Tells of something that is no damage.
    pub fn note(&mut self, file: &Path, what: impl std::fmt::Display) {
        self.notes.push(Finding { file: file.to_owned(), what: super::shown(&what.to_string(), 200) });
    }
}
