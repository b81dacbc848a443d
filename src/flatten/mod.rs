//! From raw answers to observations, and from rows to Arrow batches. A pure function of answers: no I/O, no clock.
//!
//! ```text
//! Answer ──flatten()──▶ Flattened { notes, authors, hits, call, rejects }      rows ──batch()──▶ RecordBatch
//! ```
//!
//! Readers are tolerant: a value that cannot be read is null and told as a reject, and the rest of the note lives.

mod added;
mod pseudonyms;
mod recipe;
pub mod tables;
mod told;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::added::read_added;
use self::tables::Outline;
use crate::extract::{self, Facts, Item, ItemKind, Object, Unreadable, fields, items_at, unreported};
use crate::json::{self, Node};
use crate::model::{
    Answer, AuthorObservation, Call, CallRecord, Count, EmptyDetail, Endpoint, Moment, NoteId, NoteObservation,
    NoteSource, Outcome, Provenance, Reject, SearchHit, UserId,
};

pub use self::pseudonyms::{Pseudonyms, WITHHELD};
pub use self::recipe::{NeedsKey, Recipe};
pub use self::told::TellError;
pub(crate) use self::told::Told;

/// The version of the reading; what was read by another one is read again. Raise it whenever an answer tells anything else.
pub const READING: u32 = 3;

/// Everything that one answer tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flattened {
    /// The notes that it shows, or that it states to be gone.
    pub notes: Vec<NoteObservation>,
    /// The note that it was asked for and showed nothing of.
    pub empty: Option<EmptyDetail>,
    /// The authors that it shows.
    pub authors: Vec<AuthorObservation>,
    /// Where a search found which note; none for other answers.
    pub hits: Vec<SearchHit>,
    /// The call itself.
    pub call: CallRecord,
    /// What could not be read.
    pub rejects: Vec<Reject>,
    /// How many elements were not asked for: advertisements, suggestions, notes that are recommended in a detail.
    pub skipped: u32,
}

/// Reads one answer as it is read without any job's wishes. Of a listing, only the admitted positions count.
pub fn flatten(answer: &Answer) -> Flattened {
    Recipe::default().flatten(answer)
}

impl Flattened {
    /// Says that nothing can be read of what was kept of an answer.
    pub(crate) fn unread(answer: &Answer, error: &dyn std::error::Error) -> Self {
        let call = call_record(answer, answer.call.key().into(), 0, None);
        let reject = Reject {
            run_id: answer.run_id.clone(),
            call_key: Arc::clone(&call.call_key),
            path: String::new(),
            reason: error.to_string(),
            position: None,
            sequence: answer.sequence,
            observed_at: answer.observed_at,
        };
        Self {
            notes: Vec::new(),
            empty: None,
            authors: Vec::new(),
            hits: Vec::new(),
            call,
            rejects: vec![reject],
            skipped: 0,
        }
    }

    /// Sets the call, and its key in all rows.
    pub(crate) fn call_is(&mut self, call: &CallRecord) {
        self.call = call.clone();
        let key = || Arc::clone(&call.call_key);
        self.notes.iter_mut().for_each(|note| note.seen.call_key = key());
        self.authors.iter_mut().for_each(|author| author.seen.call_key = key());
        self.rejects.iter_mut().for_each(|reject| reject.call_key = key());
    }

    /// Keeps the positions that count.
    pub fn admit(&mut self, answer: &Answer) {
        let Some(admitted) = admitted(answer) else { return };
        self.notes.retain(|note| admitted.contains(&note.seen.position.0));
        self.authors.retain(|author| admitted.contains(&author.seen.position.0));
        self.hits.retain(|hit| admitted.contains(&hit.position));
        self.rejects.retain(|reject| reject.position.is_none_or(|position| admitted.contains(&position)));
    }
}

/// Returns the positions of an answer that count; none means all. A profile and a note that is gone have no place in a list.
/// A set, because a hostile page may have very many.
pub(crate) fn admitted(answer: &Answer) -> Option<HashSet<u32>> {
    let is_list = answer.outcome == Outcome::Ok && !matches!(answer.call, Call::UserProfile { .. });
    Some(answer.admitted.as_ref().filter(|_| is_list)?.iter().copied().collect())
}

/// Reads one answer at all its positions.
fn read(answer: &Answer, outline: &Outline) -> Flattened {
    let mut reader = Reader {
        answer,
        outline,
        call_key: answer.call.key().into(),
        notes: Vec::new(),
        authors: Vec::new(),
        rejects: Vec::new(),
        skipped: 0,
    };
    match (answer.outcome, &answer.call) {
        // Only what it cost is still told.
        (_, call) if call.is_forgotten() => {}
        (Outcome::Ok, _) => reader.read_answer(),
        (Outcome::Gone, Call::NoteDetail { note_id }) => reader.note_is_gone(note_id),
        // A call given up says nothing, and what a success does that shows nothing is told by `empty`.
        _ => {}
    }
    let Reader { call_key, notes, authors, mut rejects, skipped, .. } = reader;
    rejects.sort();
    let body_bytes = answer.body.as_ref().map(|body| body.bytes().len() as u64);
    let hits = hits(answer, &notes);
    let call = call_record(answer, call_key, skipped, body_bytes);
    Flattened { notes, empty: empty(answer), authors, hits, call, rejects, skipped }
}

/// Puts together what an answer says from what was kept of it.
pub(crate) fn recalled(answer: &Answer, kept: Kept) -> Flattened {
    let Kept { notes, authors, rejects, skipped, body_bytes } = kept;
    let call = call_record(answer, answer.call.key().into(), skipped, body_bytes);
    let hits = hits(answer, &notes);
    Flattened { notes, empty: empty(answer), authors, hits, call, rejects, skipped }
}

/// What is kept of an answer: all that does not follow from its call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) notes: Vec<NoteObservation>,
    pub(crate) authors: Vec<AuthorObservation>,
    pub(crate) rejects: Vec<Reject>,
    /// How many elements were not asked for.
    pub(crate) skipped: u32,
    /// How long the answer's body was; none if there was none.
    pub(crate) body_bytes: Option<u64>,
}

struct Reader<'a> {
    answer: &'a Answer,
    outline: &'a Outline,
    call_key: Arc<str>,
    notes: Vec<NoteObservation>,
    authors: Vec<AuthorObservation>,
    rejects: Vec<Reject>,
    skipped: u32,
}

impl Reader<'_> {
    fn read_answer(&mut self) {
        let Some(body) = &self.answer.body else { return self.reject(None, "", "the body is not there") };
        let root = match json::parse(body.bytes()) {
            Ok(root) => root,
            Err(error) => return self.reject(None, "", format!("the body {error}")),
        };
        let Some(path) = self.answer.items_path.as_deref() else {
            return self.reject(None, "", "holds nothing that was asked for");
        };
        match &self.answer.call {
            Call::UserProfile { user_id } => self.read_profile(root.root(), path, user_id),
            call => self.read_notes(root.root(), path, call),
        }
    }

    fn read_notes(&mut self, root: Node<'_>, path: &str, call: &Call) {
        let asked = match call {
            Call::NoteDetail { note_id } => Some(note_id),
            _ => None,
        };
        // What is broken may be the note asked for; what is not admitted may be, too.
        let mut is_told = false;
        let items = items_at(call.endpoint(), root, path);
        let pages: Vec<Unreadable> = items.iter().map(|_| Unreadable::default()).collect();
        let mut shown = Vec::new();
        for (item, unreadable) in items.iter().zip(&pages) {
            match &item.kind {
                // A note that the platform recommends beside the one that was asked for.
                ItemKind::Note { id, .. } if asked.is_some_and(|asked| asked != id) => self.skipped += 1,
                ItemKind::Note { id, note, wrapper } => {
                    is_told = true;
                    let object = Object::new(*note, unreadable);
                    let facts = Facts::read(&object, self.answer.observed_at);
                    shown.push(Shown { item, id, object, wrapper: *wrapper, facts, unreadable });
                }
                ItemKind::Skipped(_) => self.skipped += 1,
                ItemKind::Broken(reason) => {
                    self.reject(None, item.path.as_str(), reason.as_str());
                    is_told = true;
                }
            }
        }
        // What is not admitted tells, too, which counts the page does not report.
        let counts = shown.iter().map(|note| (note.id, note.facts.count_values()));
        let unreported = if asked.is_none() { unreported(counts) } else { [false; 4] };
        for mut note in shown {
            leave_out(unreported, &mut note.facts.counts);
            self.read_note(note);
        }
        if let Some(note_id) = asked.filter(|_| !is_told) {
            self.reject(None, path, format!("does not show the note asked for, `{note_id}`"));
        }
    }

    fn read_note(&mut self, shown: Shown<'_>) {
        let Shown { item, id, object, wrapper, facts, unreadable } = shown;
        let (source, seen) = (source_of(self.answer.call.endpoint()), self.seen(item.position));
        let mut note = extract::read_note(&object, wrapper, id, source, facts, seen.clone());
        if let Some(content) = &mut note.content {
            content.added = read_added(&self.outline.notes, &object, self.answer.observed_at);
        }
        if let Some(user) = object.child(fields::AUTHOR) {
            let author = extract::read_stub(&user, seen);
            self.authors.extend(author.map(|author| self.with_added(author, &user)));
        }
        self.notes.push(note);
        self.reject_all(Some(item.position), unreadable.take(object.node(), &item.path));
    }

    fn read_profile(&mut self, root: Node<'_>, path: &str, asked: &UserId) {
        let Some(value) = root.pointer(path).filter(|value| value.is_object()) else {
            return self.reject(None, path, "is no profile");
        };
        if !fields::shows_profile(value) {
            return self.reject(None, path, "shows nothing of the user");
        }
        let unreadable = Unreadable::default();
        let object = Object::new(value, &unreadable);
        if let Some(author) = extract::read_profile(&object, asked, self.seen(0)) {
            if author.author_id != *asked {
                self.reject(None, path, format!("does not show the user asked for, `{asked}`"));
            }
            self.authors.push(self.with_added(author, &object));
        }
        self.reject_all(None, unreadable.take(value, path));
    }

    fn with_added(&self, mut author: AuthorObservation, user: &Object<'_>) -> AuthorObservation {
        author.profile.added = read_added(&self.outline.authors, user, self.answer.observed_at);
        author
    }

    fn note_is_gone(&mut self, note_id: &NoteId) {
        let gone = NoteObservation::without_content(note_id.clone(), self.seen(0));
        self.notes.push(NoteObservation { is_gone: Some(true), ..gone });
    }

    /// Tells of something that cannot be read, with a reason that repeats nothing from the network.
    fn reject(&mut self, position: Option<u32>, path: impl Into<String>, reason: impl Into<String>) {
        self.rejects.push(Reject {
            run_id: self.answer.run_id.clone(),
            call_key: Arc::clone(&self.call_key),
            path: path.into(),
            reason: reason.into(),
            position,
            sequence: self.answer.sequence,
            observed_at: self.answer.observed_at,
        });
    }

    fn reject_all(&mut self, position: Option<u32>, unreadable: Vec<(String, String)>) {
        for (path, reason) in unreadable {
            self.reject(position, path, reason);
        }
    }

    fn seen(&self, position: u32) -> Provenance {
        provenance(self.answer, Arc::clone(&self.call_key), position)
    }
}

/// One note of a page, before it is known which of its counts the page reports.
struct Shown<'a> {
    item: &'a Item<'a>,
    id: &'a NoteId,
    object: Object<'a>,
    wrapper: Node<'a>,
    facts: Facts,
    unreadable: &'a Unreadable,
}

/// Takes the zeros that are no counts off a note.
fn leave_out(unreported: [bool; 4], counts: &mut [Option<Count>; 4]) {
    for (count, unreported) in counts.iter_mut().zip(unreported) {
        *count = count.filter(|count| !unreported || count.value != 0);
    }
}

const fn source_of(endpoint: Endpoint) -> NoteSource {
    match endpoint {
        Endpoint::SearchNotes => NoteSource::Search,
        Endpoint::UserNotes => NoteSource::UserNotes,
        Endpoint::NoteDetail | Endpoint::UserProfile => NoteSource::Detail,
    }
}

fn provenance(answer: &Answer, call_key: Arc<str>, position: u32) -> Provenance {
    let Moment { sequence, observed_at } = answer.moment();
    Provenance { sequence, observed_at, call_key, position: Reverse(position) }
}

/// Names the note of a detail that was a success and showed nothing.
fn empty(answer: &Answer) -> Option<EmptyDetail> {
    let Call::NoteDetail { note_id } = &answer.call else { return None };
    let seen = provenance(answer, answer.call.key().into(), 0);
    let empty = EmptyDetail { note_id: note_id.clone(), run_id: answer.run_id.clone(), seen };
    (answer.outcome == Outcome::Empty && !answer.call.is_forgotten()).then_some(empty)
}

/// Says where a search found the notes that it shows; nothing for other answers.
fn hits(answer: &Answer, notes: &[NoteObservation]) -> Vec<SearchHit> {
    let Call::SearchNotes { query, page } = &answer.call else { return Vec::new() };
    let hit = |note: &NoteObservation| SearchHit {
        seed: answer.seed,
        query: query.clone(),
        page: *page,
        position: note.seen.position.0,
        note_id: note.note_id.clone(),
        observed_at: answer.observed_at,
        run_id: answer.run_id.clone(),
    };
    notes.iter().map(hit).collect()
}

fn call_record(answer: &Answer, call_key: Arc<str>, skipped: u32, body_bytes: Option<u64>) -> CallRecord {
    CallRecord {
        run_id: answer.run_id.clone(),
        call_key,
        sequence: answer.sequence,
        observed_at: answer.observed_at,
        vendor: answer.vendor.clone(),
        endpoint: answer.call.endpoint(),
        params: answer.call.params(),
        outcome: answer.outcome,
        vendor_code: answer.vendor_code.clone(),
        http_status: answer.http_status,
        attempts: answer.attempts,
        latency_ms: answer.latency_ms,
        body_bytes,
        billed: answer.billed,
        cost: answer.cost,
        skipped,
    }
}
