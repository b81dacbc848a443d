//! Records that are a row each: answers add them, and none is replaced.

use std::cmp::Reverse;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::error::ArrowError;
use jiff::Timestamp;

use super::columns::{Times, time, times};
use super::gather::{Gathered, Place, Sources};
use super::{Family, Member, Rank, Tables};
use crate::dataset::facts::Facts;
use crate::dataset::parquet::is_full_batch;
use crate::dataset::partition::PartitionSpec;
use crate::dataset::tables::{FolderWriter, TableWriter};
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::{Outline, PartitionedBy, Row};

/// What a table holds that only grows.
pub(in crate::dataset) trait Growing: Sized + 'static {
    /// The name of its family in files.
    const NAME: &'static str;
    /// The observations that its rows are taken from.
    type Observed: Row;
    /// The table.
    type Row: Row;
    /// The columns of a record; none for all that observations have.
    const COLUMNS: Option<&'static [&'static str]>;
    /// The columns that have another name in the table, with that name.
    const RENAMED: &'static [(&'static str, &'static str)] = &[];
    /// Whether the key gives the date of the answer.
    const HAS_HOME: bool = true;
    /// Columns that are read row by row, beside the date of the answer.
    type Columns;

    /// Finds these columns.
    fn columns(batch: &RecordBatch) -> Result<Self::Columns, ArrowError>;

    /// Says which admitted observations are records; none for all.
    fn is_record(_observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        Ok(None)
    }

    /// Returns the rank of a record among those of its key; the greatest wins.
    fn rank(_columns: &Self::Columns, _observed_at: i64, _row: usize) -> Rank<'_> {
        (0, 0, "", Reverse(0))
    }

    /// Adds what a record says to the sums of its folder.
    fn sum(_columns: &Self::Columns, _observed_at: Option<Timestamp>, _row: usize, _facts: &mut Facts) {}

    /// Makes the rows of some records.
    fn rows(records: &RecordBatch, outline: &Outline) -> Result<RecordBatch, ArrowError> {
        renamed(records, Self::RENAMED).batch::<Self::Row>(outline)
    }
}

/// The family of such a table.
#[derive(Debug)]
pub(in crate::dataset) struct Each<G>(PhantomData<G>);

/// The columns of a record that are read row by row.
#[derive(Debug)]
pub(in crate::dataset) struct GrowingColumns<C> {
    observed_at: Times,
    own: C,
}

impl<G: Growing> Member<Each<G>> {
    fn answered_at(&self) -> Option<Timestamp> {
        time(&self.columns().observed_at, self.row)
    }
}

impl<G: Growing> Family for Each<G> {
    const NAME: &'static str = G::NAME;
    type Observed = G::Observed;
    /// The columns by which the table is sorted are the first of those by which the observations are.
    const KEY: usize = <G::Row as Row>::SORTED_BY.len();
    const COLUMNS: Option<&'static [&'static str]> = G::COLUMNS;
    type Columns = GrowingColumns<G::Columns>;
    type Winners = usize;
    type Tables = GrowingTable<G>;

    fn columns(batch: &RecordBatch) -> Result<Self::Columns, ArrowError> {
        Ok(GrowingColumns { observed_at: times(batch, "observed_at")?, own: G::columns(batch)? })
    }

    fn is_record(observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        G::is_record(observed)
    }

    fn rank(columns: &Self::Columns, row: usize) -> Rank<'_> {
        G::rank(&columns.own, columns.observed_at.value(row), row)
    }

    fn winners(group: &[Member<Self>]) -> usize {
        group.len().saturating_sub(1)
    }

    fn kept(winner: &usize, keep: &mut Vec<usize>) {
        keep.push(*winner);
    }

    fn folder(group: &[Member<Self>], winner: &usize, spec: &PartitionSpec) -> String {
        observed_date(spec, group.get(*winner).and_then(Member::answered_at))
    }

    fn home(group: &[Member<Self>], spec: &PartitionSpec) -> Option<String> {
        G::HAS_HOME.then(|| observed_date(spec, group.first().and_then(Member::answered_at)))
    }

    fn sum(group: &[Member<Self>], winner: &usize, facts: &mut Facts) {
        if let Some(winner) = group.get(*winner) {
            G::sum(&winner.columns().own, winner.answered_at(), winner.row, facts);
        }
    }
}

/// The table of such a family in the making.
pub(in crate::dataset) struct GrowingTable<G: Growing> {
    outline: Outline,
    sources: Sources<Each<G>>,
    places: Vec<Place>,
    /// Bytes of text in the rows that wait.
    text: usize,
    table: TableWriter<G::Row>,
}

impl<G: Growing> Tables<Each<G>> for GrowingTable<G> {
    fn new(outline: &Outline, out: &FolderWriter<'_>) -> Result<Self, WriteError> {
        let sources = Sources::default();
        Ok(Self { outline: outline.clone(), sources, places: Vec::new(), text: 0, table: out.table()? })
    }

    fn push(
        &mut self,
        group: &[Member<Each<G>>],
        winner: &usize,
        out: &mut FolderWriter<'_>,
    ) -> Result<(), WriteError> {
        let Some(winner) = group.get(*winner) else { return Ok(()) };
        let text = winner.text();
        if is_full_batch(self.places.len(), self.text, text) {
            self.flush(out)?;
        }
        self.text += text;
        self.places.push(self.sources.place(winner));
        Ok(())
    }

    fn finish(mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        self.flush(out)?;
        out.finish(self.table)
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<G::Row>()
    }
}

impl<G: Growing> GrowingTable<G> {
    /// Gathers the rows that wait, and writes them.
    fn flush(&mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let rows = G::rows(&self.sources.records(&self.places)?, &self.outline)?;
        (self.text, self.places) = (0, Vec::new());
        self.sources.clear();
        out.write(&mut self.table, &rows)
    }
}

fn observed_date(spec: &PartitionSpec, time: Option<Timestamp>) -> String {
    let by = PartitionedBy::ObservedDate;
    time.map_or_else(|| spec.folder_of_nothing(by), |time| spec.folder(by, time))
}

/// Takes the columns of a table from records that have them under the same or another name.
pub(super) fn renamed(records: &RecordBatch, names: &[(&str, &str)]) -> Gathered {
    let mut columns = Gathered::default();
    for (field, column) in records.schema().fields().iter().zip(records.columns()) {
        let name = names.iter().find(|(own, _)| own == field.name()).map_or(field.name().as_str(), |(_, name)| *name);
        columns.add(name, Arc::clone(column));
    }
    columns
}
