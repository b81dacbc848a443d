//! Authors: a profile beats what notes show of the author, whole.

use std::sync::Arc;

use arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;

use super::columns::{Counts, Provenance, Times, texts};
use super::gather::{Gathered, Place, Sources, elements};
use super::{Family, Member, Rank, Tables, best};
use crate::dataset::parquet::is_full_batch;
use crate::dataset::partition::PartitionSpec;
use crate::dataset::tables::{FolderWriter, TableWriter};
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::{AuthorRow, AuthorTagRow, Outline, Row as _};
use crate::model::{AuthorSource, Count, UserId};
use crate::observations::ObservedAuthorRow;

/// The columns that come whole from one observation, under the name that they have there.
const PROFILE: [&str; 11] = [
    "red_id",
    "nickname",
    "description",
    "gender",
    "location",
    "ip_location",
    "is_verified",
    "verified_content",
    "avatar_url",
    "banner_url",
    "share_url",
];
/// The columns of counts, as observations and as the table name them.
pub(super) const COUNTS: [(&str, &str); 6] = [
    ("fans_count", "fans_count"),
    ("following_count", "follows_count"),
    ("liked_count", "liked_count"),
    ("collected_count", "collected_count"),
    ("interaction_count", "interaction_count"),
    ("notes_count", "notes_count"),
];

/// Authors, with their labels.
#[derive(Debug)]
pub(in crate::dataset) enum Authors {}

/// The columns of an observation that decide what wins.
#[derive(Debug)]
pub(in crate::dataset) struct AuthorColumns {
    seen: Provenance,
    source: StringArray,
    counts: Vec<Counts>,
}

impl Member<Authors> {
    fn count(&self, at: usize) -> Option<Count> {
        self.columns().counts.get(at)?.get(self.row)
    }

    fn observed_at(&self) -> i64 {
        self.columns().seen.observed_at(self.row)
    }

    fn is_profile(&self) -> bool {
        self.columns().source.value(self.row) == AuthorSource::Profile.as_str()
    }
}

/// The winners of an author's columns, by their places in the group.
#[derive(Debug)]
pub(in crate::dataset) struct AuthorWinners {
    profile: Option<usize>,
    /// The best exact observation of each count: it stands where the profile has a rounded spelling of it.
    exact: [Option<usize>; 6],
    /// The place of the last observation; the first is the first of the group.
    last: usize,
}

impl Family for Authors {
    const NAME: &'static str = "authors";
    type Observed = ObservedAuthorRow;
    const KEY: usize = 1;
    type Columns = AuthorColumns;
    type Winners = AuthorWinners;
    type Tables = AuthorTables;

    fn columns(batch: &RecordBatch) -> Result<AuthorColumns, ArrowError> {
        Ok(AuthorColumns {
            seen: Provenance::of(batch)?,
            source: texts(batch, "source")?,
            counts: COUNTS.iter().map(|(name, _)| Counts::of(batch, name)).collect::<Result<_, _>>()?,
        })
    }

    fn rank(columns: &AuthorColumns, row: usize) -> Rank<'_> {
        columns.seen.rank(row)
    }

    fn winners(group: &[Member<Self>]) -> AuthorWinners {
        let exact = |at: usize| {
            let is_exact = |member: &Member<Self>| member.count(at).is_some_and(|count| !count.is_approximate());
            best(group, |member| is_exact(member).then(|| member.is_profile()))
        };
        AuthorWinners {
            profile: best(group, |member| Some(member.is_profile())),
            exact: std::array::from_fn(exact),
            last: group.len().saturating_sub(1),
        }
    }

    fn kept(winners: &AuthorWinners, keep: &mut Vec<usize>) {
        keep.extend([0, winners.last]);
        keep.extend(winners.profile);
        keep.extend(winners.exact.into_iter().flatten());
    }

    fn folder(_: &[Member<Self>], _: &AuthorWinners, _: &PartitionSpec) -> String {
        String::new()
    }

    fn home(_: &[Member<Self>], _: &PartitionSpec) -> Option<String> {
        Some(String::new())
    }
}

/// The two tables of authors.
pub(in crate::dataset) struct AuthorTables {
    outline: Outline,
    sources: Sources<Authors>,
    rows: Rows,
    authors: TableWriter<AuthorRow>,
    tags: TableWriter<AuthorTagRow>,
}

/// What is known of the rows that wait to be gathered.
#[derive(Default)]
struct Rows {
    /// Bytes of text.
    text: usize,
    profiles: Vec<Place>,
    counts: [Vec<Option<i64>>; 6],
    seen_at: (Vec<i64>, Vec<i64>),
}

impl Tables<Authors> for AuthorTables {
    fn new(outline: &Outline, out: &FolderWriter<'_>) -> Result<Self, WriteError> {
        let (sources, rows) = (Sources::default(), Rows::default());
        Ok(Self { outline: outline.clone(), sources, rows, authors: out.table()?, tags: out.table()? })
    }

    fn push(
        &mut self,
        group: &[Member<Authors>],
        winners: &AuthorWinners,
        out: &mut FolderWriter<'_>,
    ) -> Result<(), WriteError> {
        let member = |at: usize| group.get(at);
        let (Some(profile), Some(first), Some(last)) =
            (winners.profile.and_then(member), group.first(), group.get(winners.last))
        else {
            return Ok(());
        };
        let text = profile.text();
        if is_full_batch(self.rows.profiles.len(), self.rows.text, text) {
            self.flush(out)?;
        }
        let rows = &mut self.rows;
        rows.text += text;
        rows.profiles.push(self.sources.place(profile));
        for (at, (column, exact)) in rows.counts.iter_mut().zip(winners.exact).enumerate() {
            let exact = exact.and_then(member).and_then(|exact| exact.count(at));
            let shown = match (profile.count(at), exact) {
                (Some(own), Some(exact)) if own.rounds(exact.value) => Some(exact),
                (own, _) => own,
            };
            column.push(shown.map(|count| count.value));
        }
        rows.seen_at.0.push(first.observed_at());
        rows.seen_at.1.push(last.observed_at());
        Ok(())
    }

    fn finish(mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        self.flush(out)?;
        out.finish(self.authors)?;
        out.finish(self.tags)
    }

    fn end(snapshot: &SnapshotWriter) -> Result<(), WriteError> {
        snapshot.end::<AuthorRow>()?;
        snapshot.end::<AuthorTagRow>()
    }
}

impl AuthorTables {
    /// Gathers the rows that wait, and writes them.
    fn flush(&mut self, out: &mut FolderWriter<'_>) -> Result<(), WriteError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.profiles.is_empty() {
            return Ok(());
        }
        let (sources, outline) = (&self.sources, &self.outline);
        let ids = sources.column("author_id", &rows.profiles)?;
        let tags = sources.column("tags", &rows.profiles)?;
        let tags = elements::<AuthorTagRow>(outline, "author_id", &ids, &tags)?;
        let authors = authors(outline, sources, rows, &ids)?;
        self.sources.clear();
        out.write(&mut self.authors, &authors)?;
        out.write(&mut self.tags, &tags)
    }
}

fn authors(
    outline: &Outline,
    sources: &Sources<Authors>,
    rows: Rows,
    ids: &arrow::array::ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = Gathered::default();
    let added = outline.added(AuthorRow::TABLE).keys();
    let added = added.map(|name| (format!("{}{name}", ObservedAuthorRow::ADDED_PREFIX), name.as_str()));
    let own = PROFILE.iter().map(|name| ((*name).to_owned(), *name));
    let renamed = [("source", "profile_source"), ("observed_at", "profile_observed_at")];
    let renamed = renamed.into_iter().map(|(observed, name)| (observed.to_owned(), name));
    for (observed, name) in own.chain(added).chain(renamed) {
        columns.add(name, sources.column(&observed, &rows.profiles)?);
    }
    for ((_, name), counts) in COUNTS.into_iter().zip(rows.counts) {
        columns.add(name, Arc::new(Int64Array::from(counts)));
    }
    let registered = |id: &str| Some(UserId::parse(id).ok()?.created_at()?.as_microsecond());
    let registered: Times = ids.as_string::<i32>().iter().map(|id| registered(id?)).collect();
    for (name, times) in [
        ("registered_at", registered),
        ("first_seen_at", rows.seen_at.0.into()),
        ("last_seen_at", rows.seen_at.1.into()),
    ] {
        columns.add(name, Arc::new(times.with_timezone("UTC")));
    }
    columns.add("author_id", Arc::clone(ids));
    columns.batch::<AuthorRow>(outline)
}
