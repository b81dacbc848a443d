//! The merge: what all answers together tell. Each group of columns is taken whole from its best observation.
//!
//! Taking a maximum is commutative, associative and idempotent, so no order, repetition or split changes a row.

mod author;
mod best;
#[cfg(test)]
mod laws;
mod note;
pub(super) mod rows;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use self::author::AuthorState;
use self::best::Best;
pub use self::note::NoteState;
use crate::flatten::Flattened;
use crate::model::{
    AuthorObservation, AuthorSource, CallRecord, NoteId, NoteObservation, NoteSource, Reject, SearchHit, UserId,
};

type CallId = (String, Arc<str>, Timestamp);
type RejectId = (String, Arc<str>, String, String);
type NoteMetricId = (NoteId, Timestamp, NoteSource);
type AuthorMetricId = (UserId, Timestamp, AuthorSource);

/// What the answers added so far tell, in the order of the tables' rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    notes: BTreeMap<NoteId, NoteState>,
    authors: BTreeMap<UserId, AuthorState>,
    hits: BTreeSet<SearchHit>,
    note_metrics: BTreeMap<NoteMetricId, Best<Reverse<u32>, [Option<i64>; 4]>>,
    author_metrics: BTreeMap<AuthorMetricId, Best<Reverse<u32>, [Option<i64>; 6]>>,
    calls: BTreeMap<CallId, CallRecord>,
    rejects: BTreeMap<RejectId, Reverse<Timestamp>>,
}

impl Merged {
    /// Adds what one answer tells; adding it again, or with more positions admitted, is fine.
    pub fn add(&mut self, flat: Flattened) {
        for note in flat.notes {
            self.add_note(note);
        }
        for author in flat.authors {
            self.add_author(author);
        }
        self.hits.extend(flat.hits);
        let Flattened { call, rejects, .. } = flat;
        let id = (call.run_id.clone(), Arc::clone(&call.call_key), call.observed_at);
        raise(&mut self.calls, id, call);
        for Reject { run_id, call_key, path, reason, observed_at } in rejects {
            raise(&mut self.rejects, (run_id, call_key, path, reason), Reverse(observed_at));
        }
    }

    /// Joins what two groups of answers tell.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (id, state) in other.notes {
            join(&mut self.notes, id, state, NoteState::merge);
        }
        for (id, state) in other.authors {
            join(&mut self.authors, id, state, AuthorState::merge);
        }
        self.hits.extend(other.hits);
        raise_all(&mut self.note_metrics, other.note_metrics);
        raise_all(&mut self.author_metrics, other.author_metrics);
        raise_all(&mut self.calls, other.calls);
        raise_all(&mut self.rejects, other.rejects);
        self
    }

    /// Counts the rejects of each run.
    pub fn rejects_by_run(&self) -> BTreeMap<String, u64> {
        sum_by_run(self.rejects.keys().map(|(run_id, ..)| (run_id, 1)))
    }

    /// Counts the elements of each run's answers that are no notes.
    pub fn skipped_by_run(&self) -> BTreeMap<String, u64> {
        sum_by_run(self.calls.values().map(|call| (&call.run_id, call.skipped.into())))
    }

    fn add_note(&mut self, note: NoteObservation) {
        let counts = note.counts.map(|count| count.map(|count| count.value));
        if counts.iter().any(Option::is_some) {
            let id = (note.note_id.clone(), note.seen.observed_at, note.source);
            raise(&mut self.note_metrics, id, Best::one(note.seen.position, counts));
        }
        join(&mut self.notes, note.note_id.clone(), note.into(), NoteState::merge);
    }

    fn add_author(&mut self, author: AuthorObservation) {
        let counts = author.profile.counts;
        if counts.iter().any(Option::is_some) {
            let id = (author.author_id.clone(), author.seen.observed_at, author.source);
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

fn raise_all<K: Ord, V: Ord>(map: &mut BTreeMap<K, V>, other: BTreeMap<K, V>) {
    for (key, value) in other {
        raise(map, key, value);
    }
}

fn sum_by_run<'a>(counts: impl Iterator<Item = (&'a String, u64)>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (run_id, count) in counts.filter(|(_, count)| *count > 0) {
        *sums.entry(run_id.clone()).or_default() += count;
    }
    sums
}
