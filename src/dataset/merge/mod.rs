//! The merge: what all answers together say. Each group of columns is taken whole from its best observation.
//!
//! ```text
//! observations ──select()──▶ records, sorted by key ──groups()──▶ a group a key ──winners()──▶ tables, and the records kept
//! ```
//!
//! The records kept of a key are those that win any group of columns. Taking maxima is commutative, associative and
//! idempotent, so no order, repetition or split of the answers changes a row, and what is kept merges like the whole.

mod authors;
mod calls;
mod columns;
mod counts;
mod gather;
mod groups;
mod growing;
mod metrics;
mod note_tables;
mod notes;
mod records;

#[cfg(test)]
mod clock_laws;
#[cfg(test)]
pub(super) mod in_memory;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod rules_laws;

use std::cmp::{Ordering, Reverse};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::error::ArrowError;

pub(super) use self::authors::Authors;
pub(super) use self::calls::{Calls, Hits, Rejects};
pub(super) use self::gather::{Place, Sources, text_bytes};
pub(super) use self::groups::{Batches, Stream, groups};
pub(super) use self::metrics::{AuthorMetrics, NoteMetrics};
pub(super) use self::notes::Notes;
use self::records::Records;
pub(super) use self::records::{Member, Schema, sorted};
use super::facts::Facts;
use super::partition::PartitionSpec;
use super::tables::FolderWriter;
use super::writer::WriteError;
use crate::flatten::tables::{Outline, Row};

/// The version of the rule. What an earlier build kept under another one is merged again. Raise it whenever what is kept of
/// a key, or how it is stored, changes.
pub(super) const MERGE_VERSION: u32 = 4;

/// Orders the records of a key: by sequence, then by clock, call and, first on the page last, by position.
pub(super) type Rank<'a> = (i64, i64, &'a str, Reverse<i32>);

/// A kind of record: what a key is, which records of a key win, which tables they fill.
pub(super) trait Family: Sized + 'static {
    /// Its name in files.
    const NAME: &'static str;
    /// The observations that its records are taken from.
    type Observed: Row;
    /// How many of the columns by which the observations are sorted make the key. The tables are sorted by it, too.
    const KEY: usize;
    /// The columns of a record; none for all that observations have.
    const COLUMNS: Option<&'static [&'static str]> = None;
    /// The columns that are read row by row.
    type Columns;
    /// Which records of a key win.
    type Winners;
    /// The tables of a folder in the making.
    type Tables: Tables<Self>;

    /// Finds the columns that are read row by row.
    fn columns(batch: &RecordBatch) -> Result<Self::Columns, ArrowError>;

    /// Says which admitted observations are records; none for all.
    fn is_record(_observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        Ok(None)
    }

    /// Returns the rank of a record among those of its key. Records of equal rank are ordered by all their values.
    fn rank(_columns: &Self::Columns, _row: usize) -> Rank<'_> {
        (0, 0, "", Reverse(0))
    }

    /// Finds the winners among the records of a key: in the order of their ranks, each once, at least one.
    fn winners(group: &[Member<Self>]) -> Self::Winners;

    /// Lists the places in the group of the records that are kept, in any order.
    fn kept(winners: &Self::Winners, keep: &mut Vec<usize>);

    /// Returns the folder inside its tables' folders in which the rows lie.
    fn folder(group: &[Member<Self>], winners: &Self::Winners, spec: &PartitionSpec) -> String;

    /// Returns the folder that the key alone gives, where most rows lie; none if it gives none. What lies elsewhere is a
    /// stray, as is all without a home. A key moves only to or from its home, or to where new records place it.
    fn home(group: &[Member<Self>], spec: &PartitionSpec) -> Option<String>;

    /// Adds what the winners say to the sums of their folder.
    fn sum(_group: &[Member<Self>], _winners: &Self::Winners, _facts: &mut Facts) {}
}

/// The tables of one folder, filled key after key.
pub(super) trait Tables<F: Family>: Sized {
    /// Begins the tables.
    fn new(outline: &Outline, out: &FolderWriter<'_>) -> Result<Self, WriteError>;

    /// Adds the rows of a key.
    fn push(&mut self, group: &[Member<F>], winners: &F::Winners, out: &mut FolderWriter<'_>)
    -> Result<(), WriteError>;

    /// Writes what is left.
    fn finish(self, out: &mut FolderWriter<'_>) -> Result<(), WriteError>;

    /// Ends the tables once all folders are there.
    fn end(snapshot: &super::writer::SnapshotWriter) -> Result<(), WriteError>;
}

/// The place in a group of the record with the greatest key of those that have one; the later of equals.
fn best<F: Family, K: Ord>(group: &[Member<F>], key: impl Fn(&Member<F>) -> Option<K>) -> Option<usize> {
    let keyed = group.iter().enumerate().filter_map(|(at, member)| Some((key(member)?, at)));
    keyed.max().map(|(_, at)| at)
}

/// The place in a group of the last record of which something holds.
fn last<F: Family>(group: &[Member<F>], holds: impl Fn(&Member<F>) -> bool) -> Option<usize> {
    group.iter().rposition(holds)
}

/// Compares members by rank alone.
fn by_rank<F: Family>(own: &Member<F>, other: &Member<F>) -> Ordering {
    own.rank().cmp(&other.rank())
}
