//! The merge: what all answers together tell. Each group of columns is taken whole from its best observation.
//!
//! Taking a maximum is commutative, associative and idempotent, so no order, repetition or split changes a row.

mod author;
pub(super) mod best;
#[cfg(test)]
mod clock_laws;
mod counted;
mod gone;
#[cfg(test)]
mod laws;
mod note;
mod packed;
pub(super) mod rows;
#[cfg(test)]
mod rules_laws;

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::author::AuthorState;
use self::best::Best;
pub use self::note::NoteState;
use crate::flatten::Flattened;
use crate::model::{
    AuthorObservation, AuthorSource, CallRecord, Count, NoteId, NoteObservation, NoteSource, Reject, SearchHit, UserId,
};

/// Ids of rows, in the order of their tables; the answer's place comes last, for clocks show one time more than once.
pub(super) type CallId = (String, Arc<str>, Timestamp, i64);
pub(super) type RejectId = (String, Arc<str>, String, String);
pub(super) type NoteMetricId = (NoteId, Timestamp, ByWord, i64);
pub(super) type AuthorMetricId = (UserId, Timestamp, AuthorSource, i64);
/// When something that could not be read was first there: its answer's place, and what the clock said.
pub(super) type FirstTime = Reverse<(i64, Timestamp)>;

/// A kind of answer in the order of its words, which is that of the tables. Of authors' sources both orders are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByWord(pub(super) NoteSource);

impl Ord for ByWord {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl PartialOrd for ByWord {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What the answers added so far tell, in the order of the tables' rows.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::zero_sized_map_values, reason = "all families are maps")]
pub struct Merged {
    pub(super) notes: BTreeMap<NoteId, NoteState>,
    pub(super) authors: BTreeMap<UserId, AuthorState>,
    pub(super) hits: BTreeMap<SearchHit, ()>,
    pub(super) note_metrics: BTreeMap<NoteMetricId, Best<Reverse<u32>, [Option<Count>; 4]>>,
    pub(super) author_metrics: BTreeMap<AuthorMetricId, Best<Reverse<u32>, [Option<Count>; 6]>>,
    pub(super) calls: BTreeMap<CallId, CallRecord>,
    pub(super) rejects: BTreeMap<RejectId, FirstTime>,
}

impl Merged {
    /// Adds what one answer tells; adding it again, or with more positions admitted, is fine.
    pub fn add(&mut self, flat: Flattened) {
        for note in flat.notes {
            self.add_note(note);
        }
        if let Some(empty) = flat.empty {
            join(&mut self.notes, empty.note_id.clone(), empty.into(), NoteState::merge);
        }
        for author in flat.authors {
            self.add_author(author);
        }
        self.hits.extend(flat.hits.into_iter().map(|hit| (hit, ())));
        let Flattened { call, rejects, .. } = flat;
        let id = (call.run_id.clone(), Arc::clone(&call.call_key), call.observed_at, call.sequence);
        raise(&mut self.calls, id, call);
        for Reject { run_id, call_key, path, reason, sequence, observed_at, .. } in rejects {
            raise(&mut self.rejects, (run_id, call_key, path, reason), Reverse((sequence, observed_at)));
        }
    }

    fn add_note(&mut self, note: NoteObservation) {
        let counts = note.counts;
        if counts.iter().any(Option::is_some) {
            let id = (note.note_id.clone(), note.seen.observed_at, ByWord(note.source), note.seen.sequence);
            raise(&mut self.note_metrics, id, Best::one(note.seen.position, counts));
        }
        join(&mut self.notes, note.note_id.clone(), note.into(), NoteState::merge);
    }

    fn add_author(&mut self, author: AuthorObservation) {
        let counts = author.profile.counts;
        if counts.iter().any(Option::is_some) {
            let id = (author.author_id.clone(), author.seen.observed_at, author.source, author.seen.sequence);
            raise(&mut self.author_metrics, id, Best::one(author.seen.position, counts));
        }
        join(&mut self.authors, author.author_id.clone(), author.into(), AuthorState::merge);
    }
}

/// Puts a value under a key, or merges it with the one that is there.
fn join<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V, merge: impl Fn(V, V) -> V) {
    let value = match map.remove(&key) {
        Some(own) => merge(own, value),
        None => value,
    };
    map.insert(key, value);
}

/// Puts a value under a key unless a greater one is there.
fn raise<K: Ord, V: Ord>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    join(map, key, value, V::max);
}

/// The rows of what was merged in memory, for tests.
#[cfg(test)]
mod seen {
    use super::{Merged, rows};
    use crate::flatten::tables::{
        AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
        NoteRow, RejectRow, SearchHitRow,
    };

    impl Merged {
        pub(in crate::dataset) fn note_rows(&self) -> Vec<NoteRow> {
            self.notes.iter().filter_map(|(id, note)| note.row(id)).collect()
        }

        pub(in crate::dataset) fn image_rows(&self) -> Vec<NoteImageRow> {
            self.notes.iter().flat_map(|(id, note)| note.image_rows(id)).collect()
        }

        pub(in crate::dataset) fn hashtag_rows(&self) -> Vec<NoteHashtagRow> {
            self.notes.iter().flat_map(|(id, note)| note.hashtag_rows(id)).collect()
        }

        pub(in crate::dataset) fn mention_rows(&self) -> Vec<NoteMentionRow> {
            self.notes.iter().flat_map(|(id, note)| note.mention_rows(id)).collect()
        }

        pub(in crate::dataset) fn author_rows(&self) -> Vec<AuthorRow> {
            self.authors.iter().filter_map(|(id, author)| author.row(id)).collect()
        }

        pub(in crate::dataset) fn author_tag_rows(&self) -> Vec<AuthorTagRow> {
            self.authors.iter().flat_map(|(id, author)| author.tag_rows(id)).collect()
        }

        pub(in crate::dataset) fn hit_rows(&self) -> Vec<SearchHitRow> {
            self.hits.keys().cloned().map(rows::hit).collect()
        }

        pub(in crate::dataset) fn note_metric_rows(&self) -> Vec<NoteMetricRow> {
            self.note_metrics.iter().filter_map(|(key, counts)| rows::note_metric(key, counts)).collect()
        }

        pub(in crate::dataset) fn author_metric_rows(&self) -> Vec<AuthorMetricRow> {
            self.author_metrics.iter().filter_map(|(key, counts)| rows::author_metric(key, counts)).collect()
        }

        pub(in crate::dataset) fn call_rows(&self) -> Vec<CallRow> {
            self.calls.values().cloned().map(rows::call).collect()
        }

        pub(in crate::dataset) fn reject_rows(&self) -> Vec<RejectRow> {
            self.rejects.keys().cloned().map(rows::reject).collect()
        }
    }
}
