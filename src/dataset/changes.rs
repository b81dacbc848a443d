//! What a snapshot brings: notes that are new, notes that changed.

use std::path::Path;

use super::diff::{Care, table_diff};
use super::manifest::Manifest;
use crate::flatten::tables::{NoteRow, Row as _};

/// How many notes a snapshot has that the one before had not, or had otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) new: u64,
    pub(super) changed: u64,
}

/// Compares two snapshots; only the files that differ are read. None where one of them cannot be.
pub(super) fn changes(before: (&Path, &Manifest), after: (&Path, &Manifest)) -> Option<Changes> {
    // The older files are read as they are: damage is told elsewhere.
    let told = table_diff(NoteRow::TABLE, "note_id", before, after, Care { most: 0, check: false }).ok()?;
    Some(Changes { new: told.new.count, changed: told.changed.count })
}
