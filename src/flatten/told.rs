//! What answers told, kept in the place of the answers: for jobs that keep raw answers for a while only.
//!
//! ```text
//! raw answer ──tell()──▶ observations of every position ──(years)──▶ recall() ──▶ Flattened
//! ```
//!
//! An answer that is told gives the rows that it gave raw. Everything is kept that was read, also of positions that were
//! not admitted, so that wider limits need no second call. What the answer itself says of its call is not repeated.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tables::{AddedColumn, Outline};
use super::{Flattened, READING, Recipe, call_record, hits};
use crate::model::{Answer, AuthorObservation, Body, Call, Extra, NoteObservation, Outcome, Provenance, Reject};

/// What one answer told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The version of the reading.
    pub(crate) reading: u32,
    /// How long the answer was.
    pub(crate) body_bytes: u64,
    /// How many elements are no notes.
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

impl Told {
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Puts in what follows from the answer: it need not be told, and may have been worded anew since.
    fn belongs_to(&mut self, run_id: &str, call_key: &Arc<str>, observed_at: Timestamp) {
        let seen = |seen: &mut Provenance| (seen.observed_at, seen.call_key) = (observed_at, Arc::clone(call_key));
        self.notes.iter_mut().for_each(|note| seen(&mut note.seen));
        self.authors.iter_mut().for_each(|author| seen(&mut author.seen));
        for reject in &mut self.rejects {
            run_id.clone_into(&mut reject.run_id);
            (reject.observed_at, reject.call_key) = (observed_at, Arc::clone(call_key));
        }
    }

    /// Keeps the positions that count; none means all. A profile, and a note that is gone, have no place in a list.
    fn admit(&mut self, answer: &Answer, admitted: Option<&[u32]>) {
        let is_list = answer.outcome == Outcome::Ok && !matches!(answer.call, Call::UserProfile { .. });
        let Some(admitted) = admitted.filter(|_| is_list) else { return };
        self.notes.retain(|note| admitted.contains(&note.seen.position.0));
        self.authors.retain(|author| admitted.contains(&author.seen.position.0));
        self.rejects.retain(|reject| reject.position.is_none_or(|position| admitted.contains(&position)));
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
    /// Returns what stands in an answer's place when the raw answer goes: the same, told.
    ///
    /// Where the tables have pseudonyms, so has what is told.
    pub fn tell(&self, answer: &Answer) -> Option<Body> {
        let body = answer.body.as_ref()?;
        let flat = self.flatten_all(answer);
        let outline = self.outline();
        let mut told = Told {
            reading: READING,
            body_bytes: flat.call.body_bytes.unwrap_or(body.bytes().len() as u64),
            skipped: flat.skipped,
            note_columns: outline.notes.values().cloned().collect(),
            author_columns: outline.authors.values().cloned().collect(),
            notes: flat.notes,
            authors: flat.authors,
            rejects: flat.rejects,
        };
        told.belongs_to("", &"".into(), Timestamp::UNIX_EPOCH);
        Some(Body::Told { key: outline.pseudonyms.clone(), json: told.to_json() })
    }

    /// Reads what an answer told.
    pub(super) fn recall(&self, answer: &Answer, key: Option<&str>, json: &str, admitted: Option<&[u32]>) -> Flattened {
        let mut told = match Told::parse(json) {
            Ok(told) if told.reading <= READING => told,
            _ => return unreadable(answer),
        };
        told.belongs_to(&answer.run_id, &answer.call.key().into(), answer.observed_at);
        told.admit(answer, admitted);
        told.lay_out(self.outline());
        let call = call_record(answer, answer.call.key().into(), told.skipped, Some(told.body_bytes));
        let hits = hits(answer, &told.notes);
        let Told { notes, authors, rejects, skipped, .. } = told;
        let flat = Flattened { notes, authors, hits, call, rejects, skipped };
        self.hide(flat, key.is_some())
    }
}

/// Says that nothing can be read of what an answer told: a later version wrote it.
fn unreadable(answer: &Answer) -> Flattened {
    let call = call_record(answer, answer.call.key().into(), 0, None);
    let reject = Reject {
        run_id: answer.run_id.clone(),
        call_key: Arc::clone(&call.call_key),
        path: String::new(),
        reason: "what it told was written by a later notemill".into(),
        position: None,
        observed_at: answer.observed_at,
    };
    Flattened { notes: Vec::new(), authors: Vec::new(), hits: Vec::new(), call, rejects: vec![reject], skipped: 0 }
}
