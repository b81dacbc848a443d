//! Notes: which observations win which columns of a note, and whether it is gone.

use arrow::array::{RecordBatch, StringArray};
use arrow::error::ArrowError;
use jiff::Timestamp;

use super::columns::{Counts, Provenance, Times, text, texts, time, times, value};
use super::counts::Newest;
use super::note_tables::NoteTables;
use super::{Family, Member, Rank, best, last};
use crate::dataset::facts::{Facts, widen};
use crate::dataset::partition::PartitionSpec;
use crate::flatten::tables::PartitionedBy;
use crate::model::{NoteId, NoteSource};
use crate::observations::{ObservedNoteRow, Presence};

/// So many runs in a row must ask for a note and get nothing until it counts as gone.
const EMPTY_RUNS: usize = 3;
/// The columns of a note's counts.
pub(super) const COUNTS: [&str; 4] = ["liked_count", "collected_count", "comment_count", "share_count"];

/// Notes, with their images, hashtags and mentions.
#[derive(Debug)]
pub(in crate::dataset) enum Notes {}

/// The columns of an observation that decide what wins.
#[derive(Debug)]
pub(in crate::dataset) struct NoteColumns {
    note_id: StringArray,
    seen: Provenance,
    run_id: StringArray,
    source: StringArray,
    presence: StringArray,
    author_id: StringArray,
    published_at: Times,
    updated_at: Times,
    counts: [Counts; 4],
}

impl Member<Notes> {
    /// Returns a count.
    pub(super) fn count(&self, at: usize) -> Option<crate::model::Count> {
        self.columns().counts.get(at)?.get(self.row)
    }

    /// Returns what the clock said, in microseconds.
    pub(super) fn observed_at(&self) -> i64 {
        self.columns().seen.observed_at(self.row)
    }

    /// Returns the note's id; `None` if the stored text is not an id.
    pub(super) fn note_id(&self) -> Option<NoteId> {
        NoteId::parse(self.columns().note_id.value(self.row)).ok()
    }

    fn is(&self, presence: Presence) -> bool {
        self.columns().presence.value(self.row) == presence.as_str()
    }

    fn is_listing(&self) -> bool {
        self.source() != NoteSource::Detail
    }

    /// What says most comes last.
    fn source(&self) -> NoteSource {
        let source = self.columns().source.value(self.row);
        let all = [NoteSource::Search, NoteSource::UserNotes, NoteSource::Detail];
        all.into_iter().find(|known| known.as_str() == source).unwrap_or(NoteSource::Search)
    }
}

/// The winners of a note's columns, by their places in the group.
#[derive(Debug)]
pub(in crate::dataset) struct NoteWinners {
    pub(super) content: Option<usize>,
    pub(super) author_id: Option<usize>,
    pub(super) published_at: Option<usize>,
    pub(super) updated_at: Option<usize>,
    pub(super) counts: [Newest; 4],
    pub(super) listing: Option<usize>,
    /// The first and the last observation that shows the note or states that it is gone; none if there is none.
    pub(super) seen: Option<(usize, usize)>,
    /// Whether the last of them states that it is gone.
    is_stated_gone: bool,
    /// The newest empty detail of each of the newest runs that had one, the newest first.
    empties: Vec<usize>,
}

impl NoteWinners {
    /// Says why the note is gone; none if it is there. Only what was shown can be gone for want of answers.
    pub(super) fn gone_reason(&self) -> Option<&'static str> {
        let (_, seen) = self.seen?;
        if self.is_stated_gone {
            return Some("stated");
        }
        self.empties.get(EMPTY_RUNS - 1).filter(|third| **third > seen).map(|_| "empty")
    }

    fn published_at(&self, group: &[Member<Notes>]) -> Option<Timestamp> {
        let winner = group.get(self.published_at?)?;
        time(&winner.columns().published_at, winner.row)
    }

    /// Returns the time by which the note is filed: of its publication, else the second in its id, else when it was first
    /// seen. Every note that has a row has one: readers differ in how they take a folder without a date.
    fn filed_at(&self, group: &[Member<Notes>]) -> Option<Timestamp> {
        let first_seen = || {
            let first = group.get(self.seen?.0)?;
            Timestamp::from_microsecond(first.observed_at()).ok()
        };
        let of_id = || group.first()?.note_id()?.created_at();
        self.published_at(group).or_else(of_id).or_else(first_seen)
    }
}

fn empties(group: &[Member<Notes>]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let run = |at: usize| group.get(at).map(|member| member.columns().run_id.value(member.row));
    for (at, _) in group.iter().enumerate().rev().filter(|(_, member)| member.is(Presence::Empty)) {
        if found.len() < EMPTY_RUNS && found.iter().all(|own| run(*own) != run(at)) {
            found.push(at);
        }
    }
    found
}

impl Family for Notes {
    const NAME: &'static str = "notes";
    type Observed = ObservedNoteRow;
    const KEY: usize = 1;
    type Columns = NoteColumns;
    type Winners = NoteWinners;
    type Tables = NoteTables;

    fn columns(batch: &RecordBatch) -> Result<NoteColumns, ArrowError> {
        let [liked, collected, comments, shared] = COUNTS.map(|name| Counts::of(batch, name));
        Ok(NoteColumns {
            note_id: texts(batch, "note_id")?,
            seen: Provenance::of(batch)?,
            run_id: texts(batch, "run_id")?,
            source: texts(batch, "source")?,
            presence: texts(batch, "presence")?,
            author_id: texts(batch, "author_id")?,
            published_at: times(batch, "published_at")?,
            updated_at: times(batch, "updated_at")?,
            counts: [liked?, collected?, comments?, shared?],
        })
    }

    fn rank(columns: &NoteColumns, row: usize) -> Rank<'_> {
        columns.seen.rank(row)
    }

    fn winners(group: &[Member<Self>]) -> NoteWinners {
        // Content and facts: what says most wins, then what is newest.
        let fullest = |holds: &dyn Fn(&NoteColumns, usize) -> bool| {
            best(group, |member| holds(member.columns(), member.row).then(|| member.source()))
        };
        let is_seen = |member: &Member<Self>| !member.is(Presence::Empty);
        let seen = group.iter().position(is_seen).zip(last(group, is_seen));
        NoteWinners {
            content: best(group, |member| member.is(Presence::Shown).then(|| member.source())),
            author_id: fullest(&|columns, row| text(&columns.author_id, row).is_some()),
            published_at: fullest(&|columns, row| value(&columns.published_at, row).is_some()),
            updated_at: fullest(&|columns, row| value(&columns.updated_at, row).is_some()),
            counts: std::array::from_fn(|at| Newest::of(group, |member| member.count(at))),
            listing: last(group, |member| member.is(Presence::Shown) && member.is_listing()),
            seen,
            is_stated_gone: seen.and_then(|(_, last)| group.get(last)).is_some_and(|last| last.is(Presence::Gone)),
            empties: empties(group),
        }
    }

    fn kept(winners: &NoteWinners, keep: &mut Vec<usize>) {
        let NoteWinners { content, author_id, published_at, updated_at, counts, listing, seen, empties, .. } = winners;
        keep.extend([content, author_id, published_at, updated_at, listing].into_iter().flatten());
        keep.extend(counts.iter().flat_map(|count| [count.exact, count.approximate]).flatten());
        keep.extend(seen.iter().flat_map(|(first, last)| [first, last]));
        keep.extend(empties);
    }

    fn folder(group: &[Member<Self>], winners: &NoteWinners, spec: &PartitionSpec) -> String {
        let by = PartitionedBy::Published;
        // What has no time has no row either.
        winners.filed_at(group).map_or_else(|| spec.folder_of_nothing(by), |time| spec.folder(by, time))
    }

    fn home(group: &[Member<Self>], spec: &PartitionSpec) -> Option<String> {
        let of_id = group.first().and_then(Member::note_id).and_then(|id| id.created_at());
        spec.folder_if_known(PartitionedBy::Published, of_id)
    }

    fn sum(group: &[Member<Self>], winners: &NoteWinners, facts: &mut Facts) {
        if let Some(time) = winners.published_at(group) {
            widen(&mut facts.published, time);
        }
    }
}
