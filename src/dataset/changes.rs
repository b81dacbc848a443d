//! What a snapshot brings: notes that are new, notes that changed.

use std::collections::BTreeSet;
use std::path::Path;

use super::diff::{Care, table_diff};
use super::manifest::Manifest;
use crate::flatten::tables::{NoteRow, Row as _};

/// How many notes a snapshot has that the one before had not, or had otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) new: u64,
    pub(super) changed: u64,
    /// Which are new; none if they are too many to be listed.
    pub(super) new_ids: Option<BTreeSet<String>>,
}

/// New notes that are listed at most: some 10 MB.
const MOST_LISTED: usize = 50_000;

/// Compares two snapshots; only the files that differ are read. None where one of them cannot be.
pub(super) fn changes(before: (&Path, &Manifest), after: (&Path, &Manifest)) -> Option<Changes> {
    // The older files are read as they are: damage is told elsewhere.
    let told = table_diff(NoteRow::TABLE, "note_id", before, after, Care { most: MOST_LISTED, check: false }).ok()?;
    let new_ids = (told.new.count <= MOST_LISTED as u64).then_some(told.new.ids);
    Some(Changes { new: told.new.count, changed: told.changed.count, new_ids })
}
