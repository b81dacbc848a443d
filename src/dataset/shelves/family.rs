//! The families of records: what each is keyed by, where it lies, how it is merged, which tables it fills.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Records;
use crate::dataset::facts::{Facts, count, widen};
use crate::dataset::merge::best::Best;
use crate::dataset::merge::{
    AuthorMetricId, AuthorState, CallId, FirstTime, Merged, NoteMetricId, NoteState, RejectId, rows,
};
use crate::dataset::partition::PartitionSpec;
use crate::dataset::tables::FolderWriter;
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    NoteRow, PartitionedBy, RejectRow, Row, SearchHitRow,
};
use crate::model::{CallRecord, Count, NoteId, SearchHit, UserId};

/// A kind of record.
pub(in crate::dataset) trait Family {
    /// Its name in files.
    const NAME: &'static str;
    /// What a record is known by; the tables' rows stand in this order.
    type Key: Ord + Send + Serialize + DeserializeOwned + 'static;
    /// What is told of it.
    type Value: Send + Serialize + DeserializeOwned + 'static;

    /// Takes the records out of what was merged in memory.
    fn take(merged: &mut Merged) -> BTreeMap<Self::Key, Self::Value>;

    /// Merges what is told of one key: commutative, associative, idempotent.
    fn merge(own: Self::Value, other: Self::Value) -> Self::Value;

    /// Returns the folder that the record lies in, inside its tables' folders.
    fn folder(key: &Self::Key, value: &Self::Value, spec: &PartitionSpec) -> String;

    /// Returns the folder that the key alone tells, where most records lie; none if it tells nothing. A record that lies
    /// elsewhere is a stray, as is one without a home. It can only move to or from its home, or to what new values tell.
    fn home(key: &Self::Key, spec: &PartitionSpec) -> Option<String>;

    /// Adds what the record tells to the sums of its folder.
    fn tell(_key: &Self::Key, _value: &Self::Value, _facts: &mut Facts) {}

    /// Writes a folder's records as rows of its tables.
    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError>;

    /// Ends its tables.
    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError>;
}

/// Words a key, to be found again.
pub(super) fn name_of(key: &impl Serialize) -> String {
    // Texts, numbers and times always become JSON.
    serde_json::to_string(key).unwrap_or_default()
}

fn observed_date(spec: &PartitionSpec, time: Timestamp) -> String {
    spec.folder(PartitionedBy::ObservedDate, time)
}

/// Writes records that are a row each.
fn write_rows<F: Family, R: Row>(
    records: &mut Records<F>,
    out: &mut FolderWriter<'_>,
    row: impl Fn(F::Key, F::Value) -> Option<R>,
) -> Result<(), WriteError> {
    let mut table = out.table::<R>()?;
    for record in records {
        let (key, value) = record?;
        if let Some(row) = row(key, value) {
            out.push(&mut table, row)?;
        }
    }
    out.finish(table)
}

/// Notes, with their images, hashtags and mentions.
#[derive(Debug)]
pub(in crate::dataset) enum Notes {}

impl Family for Notes {
    const NAME: &'static str = "notes";
    type Key = NoteId;
    type Value = NoteState;

    fn take(merged: &mut Merged) -> BTreeMap<NoteId, NoteState> {
        std::mem::take(&mut merged.notes)
    }

    fn merge(own: NoteState, other: NoteState) -> NoteState {
        own.merge(other)
    }

    fn folder(id: &NoteId, note: &NoteState, spec: &PartitionSpec) -> String {
        let by = PartitionedBy::Published;
        // What has no time has no row either.
        note.filed_at(id).map_or_else(|| spec.folder_of_nothing(by), |time| spec.folder(by, time))
    }

    fn tell(_: &NoteId, note: &NoteState, facts: &mut Facts) {
        if let Some(time) = note.published_at() {
            widen(&mut facts.published, time);
        }
    }

    fn home(id: &NoteId, spec: &PartitionSpec) -> Option<String> {
        spec.folder_if_known(PartitionedBy::Published, id.created_at())
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<NoteRow>()?;
        snapshot.end::<NoteImageRow>()?;
        snapshot.end::<NoteHashtagRow>()?;
        snapshot.end::<NoteMentionRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        let mut notes = out.table::<NoteRow>()?;
        let mut images = out.table::<NoteImageRow>()?;
        let mut hashtags = out.table::<NoteHashtagRow>()?;
        let mut mentions = out.table::<NoteMentionRow>()?;
        for record in records {
            let (id, note) = record?;
            let Some(row) = note.row(&id) else { continue };
            out.push(&mut notes, row)?;
            note.image_rows(&id).try_for_each(|row| out.push(&mut images, row))?;
            note.hashtag_rows(&id).try_for_each(|row| out.push(&mut hashtags, row))?;
            note.mention_rows(&id).try_for_each(|row| out.push(&mut mentions, row))?;
        }
        out.finish(notes)?;
        out.finish(images)?;
        out.finish(hashtags)?;
        out.finish(mentions)
    }
}

/// Authors, with their labels.
#[derive(Debug)]
pub(in crate::dataset) enum Authors {}

impl Family for Authors {
    const NAME: &'static str = "authors";
    type Key = UserId;
    type Value = AuthorState;

    fn take(merged: &mut Merged) -> BTreeMap<UserId, AuthorState> {
        std::mem::take(&mut merged.authors)
    }

    fn merge(own: AuthorState, other: AuthorState) -> AuthorState {
        own.merge(other)
    }

    fn folder(_: &UserId, _: &AuthorState, _: &PartitionSpec) -> String {
        String::new()
    }

    fn home(_: &UserId, _: &PartitionSpec) -> Option<String> {
        Some(String::new())
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<AuthorRow>()?;
        snapshot.end::<AuthorTagRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        let mut authors = out.table::<AuthorRow>()?;
        let mut tags = out.table::<AuthorTagRow>()?;
        for record in records {
            let (id, author) = record?;
            author.row(&id).map_or(Ok(()), |row| out.push(&mut authors, row))?;
            author.tag_rows(&id).try_for_each(|row| out.push(&mut tags, row))?;
        }
        out.finish(authors)?;
        out.finish(tags)
    }
}

/// What searches found.
#[derive(Debug)]
pub(in crate::dataset) enum Hits {}

impl Family for Hits {
    const NAME: &'static str = "search_hits";
    type Key = SearchHit;
    type Value = ();

    fn take(merged: &mut Merged) -> BTreeMap<SearchHit, ()> {
        std::mem::take(&mut merged.hits)
    }

    fn merge((): (), (): ()) {}

    fn folder(hit: &SearchHit, (): &(), spec: &PartitionSpec) -> String {
        observed_date(spec, hit.observed_at)
    }

    fn home(hit: &SearchHit, spec: &PartitionSpec) -> Option<String> {
        Some(observed_date(spec, hit.observed_at))
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<SearchHitRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        write_rows::<Self, _>(records, out, |hit, ()| Some(rows::hit(hit)))
    }
}

/// The counts of notes over time.
#[derive(Debug)]
pub(in crate::dataset) enum NoteMetrics {}

impl Family for NoteMetrics {
    const NAME: &'static str = "note_metrics";
    type Key = NoteMetricId;
    type Value = Best<Reverse<u32>, [Option<Count>; 4]>;

    fn take(merged: &mut Merged) -> BTreeMap<Self::Key, Self::Value> {
        std::mem::take(&mut merged.note_metrics)
    }

    fn merge(own: Self::Value, other: Self::Value) -> Self::Value {
        own.max(other)
    }

    fn folder((_, observed_at, ..): &Self::Key, _: &Self::Value, spec: &PartitionSpec) -> String {
        observed_date(spec, *observed_at)
    }

    fn home((_, observed_at, ..): &Self::Key, spec: &PartitionSpec) -> Option<String> {
        Some(observed_date(spec, *observed_at))
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<NoteMetricRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        write_rows::<Self, _>(records, out, |key, counts| rows::note_metric(&key, &counts))
    }
}

/// The counts of authors over time.
#[derive(Debug)]
pub(in crate::dataset) enum AuthorMetrics {}

impl Family for AuthorMetrics {
    const NAME: &'static str = "author_metrics";
    type Key = AuthorMetricId;
    type Value = Best<Reverse<u32>, [Option<Count>; 6]>;

    fn take(merged: &mut Merged) -> BTreeMap<Self::Key, Self::Value> {
        std::mem::take(&mut merged.author_metrics)
    }

    fn merge(own: Self::Value, other: Self::Value) -> Self::Value {
        own.max(other)
    }

    fn folder((_, observed_at, ..): &Self::Key, _: &Self::Value, spec: &PartitionSpec) -> String {
        observed_date(spec, *observed_at)
    }

    fn home((_, observed_at, ..): &Self::Key, spec: &PartitionSpec) -> Option<String> {
        Some(observed_date(spec, *observed_at))
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<AuthorMetricRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        write_rows::<Self, _>(records, out, |key, counts| rows::author_metric(&key, &counts))
    }
}

/// The calls.
#[derive(Debug)]
pub(in crate::dataset) enum Calls {}

impl Family for Calls {
    const NAME: &'static str = "calls";
    type Key = CallId;
    type Value = CallRecord;

    fn take(merged: &mut Merged) -> BTreeMap<Self::Key, CallRecord> {
        std::mem::take(&mut merged.calls)
    }

    fn merge(own: CallRecord, other: CallRecord) -> CallRecord {
        own.max(other)
    }

    fn folder((_, _, observed_at, _): &Self::Key, _: &CallRecord, spec: &PartitionSpec) -> String {
        observed_date(spec, *observed_at)
    }

    fn tell(_: &Self::Key, call: &CallRecord, facts: &mut Facts) {
        widen(&mut facts.observed, call.observed_at);
        count(facts.calls.entry(call.vendor.clone()).or_default(), call.endpoint.as_str(), 1);
        count(&mut facts.skipped, &call.run_id, call.skipped.into());
    }

    fn home((_, _, observed_at, _): &Self::Key, spec: &PartitionSpec) -> Option<String> {
        Some(observed_date(spec, *observed_at))
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<CallRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        write_rows::<Self, _>(records, out, |_, call| Some(rows::call(call)))
    }
}

/// What could not be read: once for each run, at its first time, whose folder it lies in.
#[derive(Debug)]
pub(in crate::dataset) enum Rejects {}

impl Family for Rejects {
    const NAME: &'static str = "rejects";
    type Key = RejectId;
    type Value = FirstTime;

    fn take(merged: &mut Merged) -> BTreeMap<Self::Key, Self::Value> {
        std::mem::take(&mut merged.rejects)
    }

    fn merge(own: Self::Value, other: Self::Value) -> Self::Value {
        own.max(other)
    }

    fn folder(_: &Self::Key, first: &Self::Value, spec: &PartitionSpec) -> String {
        observed_date(spec, first.0.1)
    }

    fn tell((run, ..): &Self::Key, _: &Self::Value, facts: &mut Facts) {
        count(&mut facts.rejects, run, 1);
    }

    fn home(_: &Self::Key, _: &PartitionSpec) -> Option<String> {
        None
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<RejectRow>()
    }

    fn write(records: &mut Records<Self>, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        write_rows::<Self, _>(records, out, |key, _| Some(rows::reject(key)))
    }
}
