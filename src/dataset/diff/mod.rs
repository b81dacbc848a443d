//! Two snapshots compared: notes and authors that are new, gone or changed.

mod growth;
mod rows;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use self::growth::Growth;
pub(super) use self::table::{Care, table_diff};
use super::manifest::{FILE_NAME, Manifest, ManifestError};
use super::snapshots::{is_whole, kept, latest, snapshot_folder};
use crate::disk::{DiskError, doing};
use crate::flatten::tables::{AuthorRow, NoteRow, Row};
use crate::model::sha256_hex;

/// Everything in which two snapshots differ. Equal snapshots give equal text, on any machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The snapshot that is compared with.
    pub before: Side,
    /// The snapshot that is compared.
    pub after: Side,
    /// Rows of each table.
    pub rows: BTreeMap<String, RowCount>,
    /// The notes.
    pub notes: TableDiff,
    /// The authors.
    pub authors: TableDiff,
}

/// Names a snapshot beyond doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its number.
    pub snapshot: u64,
    /// The SHA-256 of its manifest, in hex; the manifest has those of all files.
    pub manifest_sha256: String,
    /// The version of its columns.
    pub schema_version: u32,
}

/// Rows of one table in both snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCount {
    /// In the snapshot that is compared with.
    pub before: u64,
    /// In the snapshot that is compared.
    pub after: u64,
}

/// In what the rows of one table differ. Addresses, tokens and times of observation are left out: they differ with
/// every answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TableDiff {
    /// Rows that only the later snapshot has.
    pub new: Ids,
    /// Rows that only the earlier one has. Notes that vanish from the platform keep theirs.
    pub gone: Ids,
    /// Rows that both have, otherwise.
    pub changed: Ids,
    /// Notes that are gone from the platform (`is_gone`) in the later snapshot alone; they are among the changed.
    pub vanished: Ids,
    /// Notes that are gone from the platform in the earlier one alone.
    pub returned: Ids,
    /// How many rows changed in each column; columns without changes are left out.
    pub columns: BTreeMap<String, u64>,
    /// How counts grew in the rows that both have.
    pub growth: BTreeMap<String, Growth>,
    /// Columns that only one of them has, or has with another type: they are not compared.
    pub not_compared: BTreeSet<String>,
}

/// Ids, counted; the smallest of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ids {
    /// How many there are.
    pub count: u64,
    /// The first of them, or all, as it was asked for.
    pub ids: BTreeSet<String>,
}

impl Ids {
    fn add(&mut self, id: &str, most: usize) {
        self.count += 1;
        if self.ids.len() < most || self.ids.last().is_some_and(|last| id < last.as_str()) {
            self.ids.insert(id.to_owned());
        }
        if self.ids.len() > most {
            self.ids.pop_last();
        }
    }
}

/// Says why two snapshots cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A manifest cannot be read.
    #[error(transparent)]
    Manifest(ManifestError),
    /// A file does not hold what its manifest says.
    #[error("the table file `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No such snapshot stands.
    #[error("there is no snapshot {snapshot:06}")]
    Absent {
        /// What was asked for.
        snapshot: u64,
        /// Those that stand.
        kept: BTreeSet<u64>,
    },
    /// There are no two snapshots to compare.
    #[error("there is no snapshot before the latest to compare with")]
    Alone,
}

/// Finds which two snapshots are meant: the latest, and the one before it that is kept, where none is named.
pub fn compared(dataset: &Path, before: Option<u64>, after: Option<u64>) -> Result<(u64, u64), DiffError> {
    let after = after.map_or_else(|| latest(dataset)?.ok_or(DiffError::Alone), Ok)?;
    let before = before.or_else(|| kept(dataset).ok()?.range(..after).next_back().copied()).ok_or(DiffError::Alone)?;
    Ok((before, after))
}

/// Compares two snapshots; of each list at most `most` ids are told.
///
/// # Errors
///
/// See [`DiffError`]. What is read is checked first, so that damage is never told as a change.
pub fn diff(dataset: &Path, before: u64, after: u64, most: usize) -> Result<Diff, DiffError> {
    let read = |number| {
        let side = read_side(dataset, number);
        side.map_err(|error| gone_meanwhile(dataset, &[number], error))
    };
    let ((before_side, old), (after_side, new)) = (read(before)?, read(after)?);
    let folders = [before, after].map(|number| snapshot_folder(dataset, number));
    let (old, new) = ((folders[0].as_path(), &old), (folders[1].as_path(), &new));
    let table = |name, key| {
        let told = table_diff(name, key, old, new, Care { most, check: true });
        told.map_err(|error| gone_meanwhile(dataset, &[before, after], error))
    };
    let (notes, authors) = (table(NoteRow::TABLE, "note_id")?, table(AuthorRow::TABLE, "author_id")?);
    let mut rows: BTreeMap<String, RowCount> = BTreeMap::new();
    for (name, entry) in &old.1.tables {
        rows.entry(name.clone()).or_default().before = entry.rows;
    }
    for (name, entry) in &new.1.tables {
        rows.entry(name.clone()).or_default().after = entry.rows;
    }
    Ok(Diff { before: before_side, after: after_side, rows, notes, authors })
}

fn read_side(dataset: &Path, snapshot: u64) -> Result<(Side, Manifest), DiffError> {
    let path = snapshot_folder(dataset, snapshot).join(FILE_NAME);
    let bytes = doing("read", &path, fs::read(&path))?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|source| DiffError::Manifest(ManifestError::Damaged { path, source }))?;
    let side = Side { snapshot, manifest_sha256: sha256_hex(&bytes), schema_version: manifest.schema_version };
    Ok((side, manifest))
}

/// Says that a snapshot is not there, where that is why it cannot be read: a build may remove it meanwhile.
fn gone_meanwhile(dataset: &Path, snapshots: &[u64], error: DiffError) -> DiffError {
    match (snapshots.iter().find(|number| !is_whole(dataset, **number)), kept(dataset)) {
        (Some(snapshot), Ok(kept)) => DiffError::Absent { snapshot: *snapshot, kept },
        _ => error,
    }
}
