//! From raw answers to observations, and from rows to Arrow batches. A pure function of answers: no I/O, no clock.
//!
//! ```text
//! Answer ──flatten()──▶ Flattened { notes, authors, hits, call, rejects }      rows ──batch()──▶ RecordBatch
//! ```
//!
//! Readers are tolerant: a value that cannot be read is null and told as a reject, and the rest of the note lives.

mod added;
mod address;
mod author;
mod hashtags;
mod images;
mod mentions;
mod note;
mod object;
mod pseudonyms;
mod recipe;
pub mod tables;
mod video;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::added::read_added;
use self::object::{Object, Unreadable};
use self::tables::Outline;
use crate::model::{
    Answer, AuthorObservation, Call, CallRecord, Endpoint, NoteId, NoteObservation, NoteSource, Outcome, Provenance,
    Reject, SearchHit, UserId,
};
use crate::vendor::{Item, ItemKind, fields, items_at, parse_body};

pub use self::pseudonyms::{Pseudonyms, WITHHELD};
pub use self::recipe::{NeedsKey, Recipe};

/// The version of the reading; what was read by another one is read again. Raise it whenever an answer tells anything else.
pub const READING: u32 = 1;

/// Everything that one answer tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flattened {
    /// The notes that it shows, or that it says are gone.
    pub notes: Vec<NoteObservation>,
    /// The authors that it shows.
    pub authors: Vec<AuthorObservation>,
    /// Where a search found which note; none for other answers.
    pub hits: Vec<SearchHit>,
    /// The call itself.
    pub call: CallRecord,
    /// What could not be read.
    pub rejects: Vec<Reject>,
    /// How many elements are no notes: advertisements, suggestions.
    pub skipped: u32,
}

/// Reads one answer as it is read without any job's wishes. Of a listing, only the admitted positions count.
pub fn flatten(answer: &Answer) -> Flattened {
    Recipe::default().flatten(answer)
}

fn read(answer: &Answer, outline: &Outline) -> Flattened {
    let unreadable = Unreadable::default();
    let mut reader = Reader {
        answer,
        outline,
        admitted: answer.admitted.as_ref().map(|positions| positions.iter().copied().collect()),
        call_key: answer.call.key().into(),
        unreadable: &unreadable,
        notes: Vec::new(),
        authors: Vec::new(),
        hits: Vec::new(),
        skipped: 0,
    };
    match (answer.outcome, &answer.call) {
        // Only what it cost is still told.
        (_, call) if call.is_forgotten() => {}
        (Outcome::Ok, _) => reader.read_answer(),
        (Outcome::Empty, Call::NoteDetail { note_id }) => reader.note_is_gone(note_id),
        // An empty listing is the end of a list; a call given up tells nothing.
        _ => {}
    }
    let Reader { call_key, notes, authors, hits, skipped, .. } = reader;
    let rejects = unreadable.into_inner().into_iter().map(|(path, reason)| Reject {
        run_id: answer.run_id.clone(),
        call_key: Arc::clone(&call_key),
        path,
        reason,
        observed_at: answer.observed_at,
    });
    let rejects = rejects.collect();
    Flattened { notes, authors, hits, call: call_record(answer, call_key, skipped), rejects, skipped }
}

struct Reader<'a> {
    answer: &'a Answer,
    outline: &'a Outline,
    admitted: Option<HashSet<u32>>,
    call_key: Arc<str>,
    unreadable: &'a Unreadable,
    notes: Vec<NoteObservation>,
    authors: Vec<AuthorObservation>,
    hits: Vec<SearchHit>,
    skipped: u32,
}

impl Reader<'_> {
    fn read_answer(&mut self) {
        let Some(body) = &self.answer.body else { return self.unreadable.note("", "the body is not there") };
        let root = match parse_body(&body.0) {
            Ok(root) => root,
            Err(error) => return self.unreadable.note("", format!("the body {error}")),
        };
        let Some(path) = self.answer.items_path.as_deref() else {
            return self.unreadable.note("", "holds nothing that was asked for");
        };
        match &self.answer.call {
            Call::UserProfile { user_id } => self.read_profile(&root, path, user_id),
            call => self.read_notes(&root, path, call),
        }
    }

    fn read_notes(&mut self, root: &Value, path: &str, call: &Call) {
        let asked = match call {
            Call::NoteDetail { note_id } => Some(note_id),
            _ => None,
        };
        // What is broken may be the note asked for; what is not admitted may be, too.
        let mut is_told = false;
        for item in items_at(call.endpoint(), root, path) {
            match &item.kind {
                ItemKind::Note { id, note, wrapper } => {
                    is_told |= asked == Some(id);
                    if self.admits(item.position) {
                        self.read_note(&item, id, note, wrapper);
                    }
                }
                ItemKind::Skipped(_) => self.skipped += 1,
                ItemKind::Broken(reason) => {
                    self.unreadable.note(item.path.as_str(), reason.as_str());
                    is_told = true;
                }
            }
        }
        if let Some(note_id) = asked.filter(|_| !is_told) {
            self.unreadable.note(path, format!("does not show the note asked for, `{note_id}`"));
        }
    }

    fn read_note(&mut self, item: &Item<'_>, id: &NoteId, note: &Value, wrapper: &Value) {
        let object = Object::new(note, item.path.as_str(), self.unreadable);
        let (source, seen) = (source_of(self.answer.call.endpoint()), self.seen(item.position));
        let note = note::read_note(&object, wrapper, id, source, seen.clone(), &self.outline.notes);
        if let Some(user) = object.child(fields::AUTHOR) {
            let author = author::read_stub(&user, seen);
            self.authors.extend(author.map(|author| self.with_added(author, &user)));
        }
        if let Call::SearchNotes { query, page } = &self.answer.call {
            self.hits.push(SearchHit {
                seed: self.answer.seed,
                query: query.clone(),
                page: *page,
                position: item.position,
                note_id: id.clone(),
                observed_at: self.answer.observed_at,
                run_id: self.answer.run_id.clone(),
            });
        }
        self.notes.push(note);
    }

    fn read_profile(&mut self, root: &Value, path: &str, asked: &UserId) {
        let Some(value) = root.pointer(path).filter(|value| value.is_object()) else {
            return self.unreadable.note(path, "is no profile");
        };
        let object = Object::new(value, path, self.unreadable);
        if let Some(author) = author::read_profile(&object, asked, self.seen(0)) {
            if author.author_id != *asked {
                self.unreadable.note(path, format!("does not show the user asked for, `{asked}`"));
            }
            self.authors.push(self.with_added(author, &object));
        }
    }

    fn with_added(&self, mut author: AuthorObservation, user: &Object<'_>) -> AuthorObservation {
        author.profile.added = read_added(&self.outline.authors, user, self.answer.observed_at);
        author
    }

    fn note_is_gone(&mut self, note_id: &NoteId) {
        self.notes.push(NoteObservation {
            note_id: note_id.clone(),
            source: NoteSource::Detail,
            seen: self.seen(0),
            content: None,
            author_id: None,
            published_at: None,
            updated_at: None,
            counts: [None; 4],
            listing: None,
            is_gone: Some(true),
        });
    }

    fn admits(&self, position: u32) -> bool {
        self.admitted.as_ref().is_none_or(|admitted| admitted.contains(&position))
    }

    fn seen(&self, position: u32) -> Provenance {
        let call_key = Arc::clone(&self.call_key);
        Provenance { observed_at: self.answer.observed_at, call_key, position: Reverse(position) }
    }
}

const fn source_of(endpoint: Endpoint) -> NoteSource {
    match endpoint {
        Endpoint::SearchNotes => NoteSource::Search,
        Endpoint::UserNotes => NoteSource::UserNotes,
        Endpoint::NoteDetail | Endpoint::UserProfile => NoteSource::Detail,
    }
}

fn call_record(answer: &Answer, call_key: Arc<str>, skipped: u32) -> CallRecord {
    CallRecord {
        run_id: answer.run_id.clone(),
        call_key,
        observed_at: answer.observed_at,
        vendor: answer.vendor.clone(),
        endpoint: answer.call.endpoint(),
        params: answer.call.params(),
        outcome: answer.outcome,
        vendor_code: answer.vendor_code.clone(),
        http_status: answer.http_status,
        attempts: answer.attempts,
        latency_ms: answer.latency_ms,
        body_bytes: answer.body.as_ref().map(|body| body.0.len() as u64),
        billed: answer.billed,
        cost: answer.cost,
        skipped,
    }
}
