//! What answers told, kept in the place of the answers: for jobs that keep raw answers for a while only.
//!
//! ```text
//! raw answer ──tell()──▶ observations of every position ──(years)──▶ recall() ──▶ Flattened
//! ```
//!
//! An answer that is told gives the rows that it gave raw. Everything is kept that was read, also of positions that were
//! not admitted, so that wider limits need no second call. What the answer itself says of its call is not repeated.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tables::{AddedColumn, Outline};
use super::{Flattened, READING, Recipe, call_record, empty, hits, leave_out, read};
use crate::extract::unreported;
use crate::model::{
    Answer, AuthorObservation, Body, Call, Extra, Moment, NoteObservation, Outcome, Provenance, Reject,
};

/// What one answer told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The version of the reading.
    pub(crate) reading: u32,
    /// How long the answer was.
    pub(crate) body_bytes: u64,
    /// How many elements were not asked for.
    pub(crate) skipped: u32,
    /// The columns whose values stand in the notes under `added`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) note_columns: Vec<AddedColumn>,
    /// The columns whose values stand in the authors under `added`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) author_columns: Vec<AddedColumn>,
    pub(crate) notes: Vec<NoteObservation>,
    pub(crate) authors: Vec<AuthorObservation>,
    pub(crate) rejects: Vec<Reject>,
}

/// Says why what an answer told cannot be kept or changed.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// It cannot be read here.
    #[error("what an answer told cannot be read: a later notemill wrote it, or it is damaged")]
    Unread,
    /// It does not come back as it was; so the raw answer stays.
    #[error("what an answer tells does not come back as it was written: this is a bug")]
    Lossy,
}

impl Told {
    /// Reads what an answer told.
    pub(crate) fn parse(json: &str) -> Result<Self, TellError> {
        let told: Self = serde_json::from_str(json).map_err(|_| TellError::Unread)?;
        if told.reading > READING { Err(TellError::Unread) } else { Ok(told) }
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Puts in what follows from the answer: it need not be told, and may have been worded anew since.
    fn belongs_to(&mut self, run_id: &str, call_key: &Arc<str>, moment: Moment) {
        let Moment { sequence, observed_at } = moment;
        let seen = |seen: &mut Provenance| {
            (seen.sequence, seen.observed_at, seen.call_key) = (sequence, observed_at, Arc::clone(call_key));
        };
        self.notes.iter_mut().for_each(|note| seen(&mut note.seen));
        self.authors.iter_mut().for_each(|author| seen(&mut author.seen));
        for reject in &mut self.rejects {
            run_id.clone_into(&mut reject.run_id);
            (reject.sequence, reject.observed_at) = (sequence, observed_at);
            reject.call_key = Arc::clone(call_key);
        }
    }

    /// Takes out what an earlier reading told and this one does not: zeros that are no counts, recommended notes.
    fn bring_up(&mut self, answer: &Answer) {
        if self.reading >= 2 {
            return;
        }
        let Call::NoteDetail { note_id } = &answer.call else {
            let counts =
                self.notes.iter().map(|note| (&note.note_id, note.counts.map(|count| count.map(|count| count.value))));
            let unreported = unreported(counts);
            self.notes.iter_mut().for_each(|note| leave_out(unreported, &mut note.counts));
            return;
        };
        let (own, others): (Vec<_>, Vec<_>) =
            take(&mut self.notes).into_iter().partition(|note| note.note_id == *note_id);
        let is_other = |position: u32| others.iter().any(|note| note.seen.position.0 == position);
        self.authors.retain(|author| !is_other(author.seen.position.0));
        self.rejects.retain(|reject| !reject.position.is_some_and(is_other));
        self.skipped += others.len() as u32;
        self.notes = own;
    }

    /// Puts the values of added columns where today's columns stand; one that was not there then has none.
    fn lay_out(&mut self, outline: &Outline) {
        fn moved(values: &mut Vec<Option<Extra>>, told: &[AddedColumn], wanted: &BTreeMap<String, AddedColumn>) {
            let value = |column| {
                let at = told.iter().position(|told| told == column)?;
                values.get(at)?.clone()
            };
            *values = wanted.values().map(value).collect();
        }
        for content in self.notes.iter_mut().filter_map(|note| note.content.as_mut()) {
            moved(&mut content.added, &self.note_columns, &outline.notes);
        }
        for author in &mut self.authors {
            moved(&mut author.profile.added, &self.author_columns, &outline.authors);
        }
    }

    /// Takes out what was read, with what follows from the answer.
    fn take_flat(&mut self, answer: &Answer) -> Flattened {
        self.belongs_to(&answer.run_id, &answer.call.key().into(), answer.moment());
        let call = call_record(answer, answer.call.key().into(), self.skipped, Some(self.body_bytes));
        let hits = hits(answer, &self.notes);
        let (notes, authors, rejects) = (take(&mut self.notes), take(&mut self.authors), take(&mut self.rejects));
        Flattened { notes, empty: empty(answer), authors, hits, call, rejects, skipped: self.skipped }
    }

    /// Puts back what was read, less what follows from the answer.
    fn put_back(&mut self, flat: Flattened) {
        (self.notes, self.authors, self.rejects) = (flat.notes, flat.authors, flat.rejects);
        self.belongs_to("", &"".into(), Moment { sequence: 0, observed_at: Timestamp::UNIX_EPOCH });
    }
}

impl Recipe {
    /// Returns what stands in an answer's place when the raw answer goes: the same, told.
    ///
    /// Where the tables have pseudonyms, so has what is told. What is told already only gets pseudonyms, and keeps the
    /// columns that it was told with.
    ///
    /// # Errors
    ///
    /// What would be kept in the answer's place is not what it tells.
    pub fn tell(&self, answer: &Answer) -> Result<Option<Body>, TellError> {
        let (mut told, key) = match &answer.body {
            None => return Ok(None),
            Some(Body::Told { key, json }) => (Told::parse(json)?, key.as_deref()),
            Some(Body::Raw(bytes)) => (self.first_told(answer, bytes.len() as u64), None),
        };
        let is_hidden = key.is_some();
        let flat = self.hide(told.take_flat(answer), is_hidden);
        told.put_back(flat);
        let json = told.to_json();
        if Told::parse(&json)? != told {
            return Err(TellError::Lossy);
        }
        Ok(Some(Body::Told { key: self.outline().pseudonyms.clone(), json }))
    }

    /// Reads a raw answer as if everything in it were admitted.
    fn first_told(&self, answer: &Answer, body_bytes: u64) -> Told {
        let outline = self.outline();
        let flat = read(answer, outline);
        Told {
            reading: READING,
            body_bytes,
            skipped: flat.skipped,
            note_columns: outline.notes.values().cloned().collect(),
            author_columns: outline.authors.values().cloned().collect(),
            notes: flat.notes,
            authors: flat.authors,
            rejects: flat.rejects,
        }
    }

    /// Reads what an answer told.
    pub(super) fn recall(&self, answer: &Answer, key: Option<&str>, json: &str) -> Flattened {
        let flat = match Told::parse(json) {
            Ok(mut told) => {
                told.bring_up(answer);
                if answer.outcome == Outcome::Empty {
                    // Earlier versions took a success that shows nothing for a note that is gone.
                    told.notes.clear();
                }
                told.lay_out(self.outline());
                told.take_flat(answer)
            }
            Err(error) => unread(answer, &error),
        };
        self.hide(flat, key.is_some())
    }
}

/// Says that nothing can be read of what an answer told.
fn unread(answer: &Answer, error: &TellError) -> Flattened {
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
    Flattened {
        notes: Vec::new(),
        empty: None,
        authors: Vec::new(),
        hits: Vec::new(),
        call,
        rejects: vec![reject],
        skipped: 0,
    }
}
