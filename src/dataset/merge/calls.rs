//! Search hits, calls, and what could not be read.

use std::cmp::Reverse;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use jiff::Timestamp;

use super::Rank;
use super::columns::{Numbers, numbers, texts, whole_numbers};
use super::growing::{Each, Growing};
use crate::dataset::facts::{Facts, count, widen};
use crate::flatten::tables::{CallRow, RejectRow, Row as _, SearchHitRow};
use crate::observations::{ObservedCallRow, ObservedHitRow, ObservedRejectRow};

/// What searches found.
#[derive(Debug)]
pub(in crate::dataset) enum HitRows {}
/// The family of search hits.
pub(in crate::dataset) type Hits = Each<HitRows>;

impl Growing for HitRows {
    const NAME: &'static str = "search_hits";
    type Observed = ObservedHitRow;
    type Row = SearchHitRow;
    const COLUMNS: Option<&'static [&'static str]> = Some(SearchHitRow::SORTED_BY);
    type Columns = ();

    fn columns(_: &RecordBatch) -> Result<(), ArrowError> {
        Ok(())
    }
}

/// The calls.
#[derive(Debug)]
pub(in crate::dataset) enum CallRows {}
/// The family of calls.
pub(in crate::dataset) type Calls = Each<CallRows>;

/// What is summed up of a call.
#[derive(Debug)]
pub(in crate::dataset) struct CallColumns {
    run_id: StringArray,
    provider: StringArray,
    endpoint: StringArray,
    skipped: Numbers,
}

impl Growing for CallRows {
    const NAME: &'static str = "calls";
    type Observed = ObservedCallRow;
    type Row = CallRow;
    const COLUMNS: Option<&'static [&'static str]> = None;
    const RENAMED: &'static [(&'static str, &'static str)] =
        &[("provider", "vendor"), ("provider_code", "vendor_code")];
    type Columns = CallColumns;

    fn columns(batch: &RecordBatch) -> Result<CallColumns, ArrowError> {
        Ok(CallColumns {
            run_id: texts(batch, "run_id")?,
            provider: texts(batch, "provider")?,
            endpoint: texts(batch, "endpoint")?,
            skipped: numbers(batch, "skipped_elements")?,
        })
    }

    fn sum(call: &CallColumns, observed_at: Option<Timestamp>, row: usize, facts: &mut Facts) {
        if let Some(time) = observed_at {
            widen(&mut facts.observed, time);
        }
        count(facts.calls.entry(call.provider.value(row).to_owned()).or_default(), call.endpoint.value(row), 1);
        count(&mut facts.skipped, call.run_id.value(row), call.skipped.value(row).unsigned_abs().into());
    }
}

/// What could not be read: once for each run, at its first time, whose folder it lies in.
#[derive(Debug)]
pub(in crate::dataset) enum RejectRows {}
/// The family of what could not be read.
pub(in crate::dataset) type Rejects = Each<RejectRows>;

/// What is summed up of a value that could not be read, and when it came.
#[derive(Debug)]
pub(in crate::dataset) struct RejectColumns {
    run_id: StringArray,
    sequence: Int64Array,
}

impl Growing for RejectRows {
    const NAME: &'static str = "rejects";
    type Observed = ObservedRejectRow;
    type Row = RejectRow;
    const COLUMNS: Option<&'static [&'static str]> =
        Some(&["run_id", "call_key", "path", "reason", "sequence", "observed_at"]);
    const HAS_HOME: bool = false;
    type Columns = RejectColumns;

    fn columns(batch: &RecordBatch) -> Result<RejectColumns, ArrowError> {
        Ok(RejectColumns { run_id: texts(batch, "run_id")?, sequence: whole_numbers(batch, "sequence")? })
    }

    /// The first time is the greatest: all bits of a number turned around turn the order around.
    fn rank(columns: &RejectColumns, observed_at: i64, row: usize) -> Rank<'_> {
        (!columns.sequence.value(row), !observed_at, "", Reverse(0))
    }

    fn sum(columns: &RejectColumns, _: Option<Timestamp>, row: usize, facts: &mut Facts) {
        count(&mut facts.rejects, columns.run_id.value(row), 1);
    }
}
