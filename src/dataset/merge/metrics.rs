//! The counts of notes and authors over time: a row for each observation that has any.

use std::cmp::Reverse;
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

/// The counts of notes over time: of one answer, those of the first place on the page.
#[derive(Debug)]
pub(in crate::dataset) enum NoteMetricRows {}
/// The family of the counts of notes.
pub(in crate::dataset) type NoteMetrics = Each<NoteMetricRows>;

impl Growing for NoteMetricRows {
    const NAME: &'static str = "note_metrics";
    type Observed = ObservedNoteRow;
    type Row = NoteMetricRow;
    const KEY: usize = 4;
    const COLUMNS: Option<&'static [&'static str]> = Some(&[
        "note_id",
        "observed_at",
        "source",
        "sequence",
        "position",
        "liked_count",
        "collected_count",
        "comment_count",
        "share_count",
    ]);
    type Columns = Numbers;

    fn columns(batch: &RecordBatch) -> Result<Numbers, ArrowError> {
        numbers(batch, "position")
    }

    fn is_record(observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        has_any(observed, NOTE_COUNTS.into_iter())
    }

    fn rank(positions: &Numbers, _: i64, row: usize) -> Rank<'_> {
        (0, 0, "", Reverse(positions.value(row)))
    }

    fn rows(records: &RecordBatch, outline: &Outline) -> Result<RecordBatch, ArrowError> {
        counted::<NoteMetricRow>(records, &NOTE_COUNTS.map(|name| (name, name)), outline)
    }
}

/// The counts of authors over time: of one answer, those of the first place on the page.
#[derive(Debug)]
pub(in crate::dataset) enum AuthorMetricRows {}
/// The family of the counts of authors.
pub(in crate::dataset) type AuthorMetrics = Each<AuthorMetricRows>;

impl Growing for AuthorMetricRows {
    const NAME: &'static str = "author_metrics";
    type Observed = ObservedAuthorRow;
    type Row = AuthorMetricRow;
    const KEY: usize = 4;
    const COLUMNS: Option<&'static [&'static str]> = Some(&[
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
    ]);
    type Columns = Numbers;

    fn columns(batch: &RecordBatch) -> Result<Numbers, ArrowError> {
        numbers(batch, "position")
    }

    fn is_record(observed: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        has_any(observed, AUTHOR_COUNTS.into_iter().map(|(name, _)| name))
    }

    fn rank(positions: &Numbers, _: i64, row: usize) -> Rank<'_> {
        (0, 0, "", Reverse(positions.value(row)))
    }

    fn rows(records: &RecordBatch, outline: &Outline) -> Result<RecordBatch, ArrowError> {
        counted::<AuthorMetricRow>(records, &AUTHOR_COUNTS, outline)
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

/// Says which observations have any of some counts.
fn has_any<'a>(
    observed: &RecordBatch,
    counts: impl Iterator<Item = &'a str>,
) -> Result<Option<BooleanArray>, ArrowError> {
    let mut any: Option<BooleanArray> = None;
    for name in counts {
        let has = is_not_null(column(observed, name)?)?;
        any = Some(any.map_or_else(|| Ok(has.clone()), |any| or(&any, &has))?);
    }
    Ok(any)
}
