//! The rows of notes, images, hashtags and mentions, gathered from the observations that won them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Int64Array, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use super::columns::Times;
use super::gather::{Gathered, Place, Sources, elements};
use super::notes::{COUNTS, NoteWinners, Notes};
use super::{Member, Tables};
use crate::dataset::parquet::is_full_batch;
use crate::dataset::tables::{FolderWriter, TableWriter};
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::{NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteRow, Outline, Row as _};
use crate::model::Count;
use crate::observations::ObservedNoteRow;

/// The columns that come whole from one observation, under the name that they have there.
const CONTENT: [&str; 18] = [
    "author_nickname",
    "note_type",
    "title",
    "description",
    "description_is_truncated",
    "ip_location",
    "language",
    "image_count",
    "cover_url",
    "cover_width",
    "cover_height",
    "video_duration_ms",
    "video_url",
    "video_width",
    "video_height",
    "sound_id",
    "sound_name",
    "share_url",
];

/// The four tables of notes.
pub(in crate::dataset) struct NoteTables {
    outline: Outline,
    sources: Sources<Notes>,
    rows: Rows,
    notes: TableWriter<NoteRow>,
    images: TableWriter<NoteImageRow>,
    hashtags: TableWriter<NoteHashtagRow>,
    mentions: TableWriter<NoteMentionRow>,
}

/// What is known of the rows that wait to be gathered.
#[derive(Default)]
struct Rows {
    /// Bytes of text.
    text: usize,
    any: Vec<Place>,
    content: Vec<Option<Place>>,
    author_id: Vec<Option<Place>>,
    published_at: Vec<Option<Place>>,
    updated_at: Vec<Option<Place>>,
    listing: Vec<Option<Place>>,
    counts: [Vec<Option<i64>>; 4],
    are_approximate: Vec<Option<bool>>,
    counts_observed_at: Vec<Option<i64>>,
    gone_reason: Vec<Option<&'static str>>,
    seen_at: (Vec<i64>, Vec<i64>),
}

impl Tables<Notes> for NoteTables {
    fn new(outline: &Outline, out: &FolderWriter<'_>) -> Result<Self, WriteError> {
        Ok(Self {
            outline: outline.clone(),
            sources: Sources::default(),
            rows: Rows::default(),
            notes: out.table()?,
            images: out.table()?,
            hashtags: out.table()?,
            mentions: out.table()?,
        })
    }

    fn push(
        &mut self,
        group: &[Member<Notes>],
        winners: &NoteWinners,
        out: &mut FolderWriter<'_>,
    ) -> Result<(), WriteError> {
        let member = |at: Option<usize>| group.get(at?);
        // A note that nothing shows and nothing states to be gone has no row.
        let Some((first, last)) = winners.seen.and_then(|(first, last)| group.get(first).zip(group.get(last))) else {
            return Ok(());
        };
        let content = member(winners.content);
        let text = content.map_or(0, Member::text);
        if is_full_batch(self.rows.any.len(), self.rows.text, text) {
            self.flush(out)?;
        }
        let Self { sources, rows, .. } = self;
        let mut place = |at: Option<usize>| Some(sources.place(member(at)?));
        rows.text += text;
        rows.content.push(place(winners.content));
        rows.author_id.push(place(winners.author_id));
        rows.published_at.push(place(winners.published_at));
        rows.updated_at.push(place(winners.updated_at));
        rows.listing.push(place(winners.listing));
        rows.any.push(sources.place(last));
        let counts: [Option<Count>; 4] =
            std::array::from_fn(|at| winners.counts.get(at)?.shown(|winner| group.get(winner)?.count(at)));
        for (column, count) in rows.counts.iter_mut().zip(counts) {
            column.push(count.map(|count| count.value));
        }
        let approximate = counts.into_iter().flatten().map(Count::is_approximate);
        rows.are_approximate.push(approximate.reduce(|own, other| own || other));
        let newest = winners.counts.iter().filter_map(|count| count.newest()).max();
        rows.counts_observed_at.push(member(newest).map(Member::observed_at));
        rows.gone_reason.push(winners.gone_reason());
        rows.seen_at.0.push(first.observed_at());
        rows.seen_at.1.push(last.observed_at());
        Ok(())
    }

    fn finish(mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        self.flush(out)?;
        out.finish(self.notes)?;
        out.finish(self.images)?;
        out.finish(self.hashtags)?;
        out.finish(self.mentions)
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<NoteRow>()?;
        snapshot.end::<NoteImageRow>()?;
        snapshot.end::<NoteHashtagRow>()?;
        snapshot.end::<NoteMentionRow>()
    }
}

impl NoteTables {
    /// Gathers the rows that wait, and writes them.
    fn flush(&mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.any.is_empty() {
            return Ok(());
        }
        let (sources, outline) = (&self.sources, &self.outline);
        let ids = sources.column("note_id", &rows.any)?;
        let images = elements::<NoteImageRow>(outline, "note_id", &ids, &sources.nullable("images", &rows.content)?)?;
        let hashtags_list = sources.nullable("hashtags", &rows.content)?;
        let hashtags = elements::<NoteHashtagRow>(outline, "note_id", &ids, &hashtags_list)?;
        let mentions =
            elements::<NoteMentionRow>(outline, "note_id", &ids, &sources.nullable("mentions", &rows.content)?)?;
        let notes = notes(outline, sources, rows, ids, &hashtags_list)?;
        self.sources.clear();
        out.write(&mut self.notes, &notes)?;
        out.write(&mut self.images, &images)?;
        out.write(&mut self.hashtags, &hashtags)?;
        out.write(&mut self.mentions, &mentions)
    }
}

fn notes(
    outline: &Outline,
    sources: &Sources<Notes>,
    rows: Rows,
    ids: ArrayRef,
    hashtags: &ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = Gathered::default();
    let added = outline.added(NoteRow::TABLE).keys();
    let added = added.map(|name| (format!("{}{name}", ObservedNoteRow::ADDED_PREFIX), name.as_str()));
    let own = CONTENT.iter().map(|name| ((*name).to_owned(), *name));
    for (observed, name) in own.chain(added) {
        columns.add(name, sources.nullable(&observed, &rows.content)?);
    }
    for (observed, name, places) in [
        ("author_id", "author_id", &rows.author_id),
        ("published_at", "published_at", &rows.published_at),
        ("updated_at", "updated_at", &rows.updated_at),
        ("is_pinned", "is_sticky", &rows.listing),
        ("xsec_token", "xsec_token", &rows.listing),
        ("source", "content_source", &rows.content),
        ("observed_at", "content_observed_at", &rows.content),
    ] {
        columns.add(name, sources.nullable(observed, places)?);
    }
    for (name, counts) in COUNTS.into_iter().zip(rows.counts) {
        columns.add(name, Arc::new(Int64Array::from(counts)));
    }
    let times = |times: Times| -> ArrayRef { Arc::new(times.with_timezone("UTC")) };
    columns.add("counts_are_approximate", Arc::new(BooleanArray::from(rows.are_approximate)));
    columns.add("counts_observed_at", times(rows.counts_observed_at.into()));
    columns.add("first_seen_at", times(rows.seen_at.0.into()));
    columns.add("last_seen_at", times(rows.seen_at.1.into()));
    let is_gone: Vec<bool> = rows.gone_reason.iter().map(Option::is_some).collect();
    columns.add("is_gone", Arc::new(BooleanArray::from(is_gone)));
    columns.add("gone_reason", Arc::new(StringArray::from(rows.gone_reason)));
    columns.add("hashtags", Arc::new(names(hashtags)));
    columns.add("note_id", ids);
    columns.batch::<NoteRow>(outline)
}

/// Lists the names of hashtags, each once; null where no content is known.
fn names(hashtags: &ArrayRef) -> ListArray {
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, false));
    for tags in hashtags.as_list::<i32>().iter() {
        // A hostile note has very many.
        let mut seen: HashSet<&str> = HashSet::new();
        let names = tags.as_ref().and_then(|tags| tags.as_struct().column_by_name("name"));
        for name in names.into_iter().flat_map(|names| names.as_string::<i32>().iter().flatten()) {
            if seen.insert(name) {
                builder.values().append_value(name);
            }
        }
        builder.append(tags.is_some());
    }
    builder.finish()
}
