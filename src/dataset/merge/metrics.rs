//! The counts of notes and authors over time: a row for each observation that has any.

use std::cmp::Reverse;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{is_not_null, or};
use arrow::error::ArrowError;

use super::Rank;
use super::authors::COUNTS as AUTHOR_COUNTS;
use super::columns::{Counts, Numbers, column, numbers};
use super::growing::{Each, Growing, renamed};
use super::notes::COUNTS as NOTE_COUNTS;
use crate::flatten::tables::{AuthorMetricRow, NoteMetricRow, Outline, Row};
use crate::observations::{ObservedAuthorRow, ObservedNoteRow};

/// A table of counts: of one answer, those of the first place on the page.
pub(in crate::dataset) trait Metric: 'static {
    /// The observations that the counts are taken from.
    type Observed: Row;
    /// The table.
    type Row: Row;
    /// The columns of a record.
    const COLUMNS: &'static [&'static str];

    /// Lists the columns of counts, as observations and as the table name them.
    fn counts() -> Vec<(&'static str, &'static str)>;
}

/// What a table of counts holds.
#[derive(Debug)]
pub(in crate::dataset) struct Counted<M>(PhantomData<M>);

impl<M: Metric> Growing for Counted<M> {
    const NAME: &'static str = <M::Row as Row>::TABLE;
    type Observed = M::Observed;
    type Row = M::Row;
    const COLUMNS: Option<&'static [&'static str]> = Some(M::COLUMNS);
    type Columns = Numbers;

    fn columns(batch: &RecordBatch) -> Result<Numbers, ArrowError> {
        numbers(batch, "position")
    }

    fn is_record(observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        let mut any = BooleanArray::from(vec![false; observed.num_rows()]);
        for (name, _) in M::counts() {
            any = or(&any, &is_not_null(column(observed, name)?)?)?;
        }
        Ok(Some(any))
    }

    fn rank(positions: &Numbers, _: i64, row: usize) -> Rank<'_> {
        (0, 0, "", Reverse(positions.value(row)))
    }

    fn rows(records: &RecordBatch, outline: &Outline) -> Result<RecordBatch, ArrowError> {
        counted::<M::Row>(records, &M::counts(), outline)
    }
}

/// The family of the counts of notes.
pub(in crate::dataset) type NoteMetrics = Each<Counted<NoteCounts>>;

/// The counts of notes over time.
#[derive(Debug)]
pub(in crate::dataset) enum NoteCounts {}

impl Metric for NoteCounts {
    type Observed = ObservedNoteRow;
    type Row = NoteMetricRow;
    const COLUMNS: &'static [&'static str] = &[
        "note_id",
        "observed_at",
        "source",
        "sequence",
        "position",
        "liked_count",
        "collected_count",
        "comment_count",
        "share_count",
    ];

    fn counts() -> Vec<(&'static str, &'static str)> {
        NOTE_COUNTS.into_iter().map(|name| (name, name)).collect()
    }
}

/// The family of the counts of authors.
pub(in crate::dataset) type AuthorMetrics = Each<Counted<AuthorCounts>>;

/// The counts of authors over time.
#[derive(Debug)]
pub(in crate::dataset) enum AuthorCounts {}

impl Metric for AuthorCounts {
    type Observed = ObservedAuthorRow;
    type Row = AuthorMetricRow;
    const COLUMNS: &'static [&'static str] = &[
        "author_id",
        "observed_at",
        "source",
        "sequence",
        "position",
        "fans_count",
        "following_count",
        "liked_count",
        "collected_count",
        "interaction_count",
        "notes_count",
    ];

    fn counts() -> Vec<(&'static str, &'static str)> {
        AUTHOR_COUNTS.to_vec()
    }
}

/// Takes the columns of a table of counts.
fn counted<R: Row>(
    records: &RecordBatch,
    counts: &[(&str, &str)],
    outline: &Outline,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = renamed(records, &[]);
    let mut is_approximate = vec![false; records.num_rows()];
    for (observed, name) in counts {
        let counts = Counts::of(records, observed)?;
        let values: Int64Array = (0..records.num_rows()).map(|row| Some(counts.get(row)?.value)).collect();
        for (row, is_approximate) in is_approximate.iter_mut().enumerate() {
            *is_approximate |= counts.get(row).is_some_and(crate::model::Count::is_approximate);
        }
        columns.add(*name, Arc::new(values));
    }
    columns.add("is_approximate", Arc::new(BooleanArray::from(is_approximate)));
    columns.batch::<R>(outline)
}
