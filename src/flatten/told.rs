//! What earlier versions kept in the place of raw answers, as JSON: it is read, and written no more.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use serde::Deserialize;

use super::tables::{AddedColumn, Outline};
use super::{Flattened, Kept, READING, Recipe, leave_out, recalled};
use crate::extract::unreported;
use crate::model::{Answer, AuthorObservation, Call, Extra, Moment, NoteObservation, Outcome, Provenance, Reject};

/// What one answer told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Told {
    /// The version of the reading.
    reading: u32,
    /// How long the answer was.
    body_bytes: u64,
    /// How many elements were not asked for.
    skipped: u32,
    /// The columns whose values stand in the notes under `added`.
    #[serde(default)]
    note_columns: Vec<AddedColumn>,
    /// The columns whose values stand in the authors under `added`.
    #[serde(default)]
    author_columns: Vec<AddedColumn>,
    notes: Vec<NoteObservation>,
    authors: Vec<AuthorObservation>,
    rejects: Vec<Reject>,
}

/// Says that what an answer told cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("what an answer told cannot be read: a later notemill wrote it, or it is damaged")]
pub struct TellError;

impl Told {
    /// Reads what an answer told.
    pub(crate) fn parse(json: &str) -> Result<Self, TellError> {
        let told: Self = serde_json::from_str(json).map_err(|_| TellError)?;
        if told.reading > READING { Err(TellError) } else { Ok(told) }
    }

    /// Returns the outline of its columns, for observations that are retained.
    pub(crate) fn outline(&self) -> Outline {
        let hashed =
            |columns: &[AddedColumn]| columns.iter().map(|column| (column.hashed_name(), column.clone())).collect();
        Outline { notes: hashed(&self.note_columns), authors: hashed(&self.author_columns), ..Outline::default() }
    }

    /// Puts in what follows from the answer: it was not told, and may have been worded anew since.
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
}

impl Recipe {
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
                told.belongs_to(&answer.run_id, &answer.call.key().into(), answer.moment());
                let Told { notes, authors, rejects, skipped, body_bytes, .. } = told;
                recalled(answer, Kept { notes, authors, rejects, skipped, body_bytes: Some(body_bytes) })
            }
            Err(error) => Flattened::unread(answer, &error),
        };
        self.hide(flat, key.is_some())
    }
}
