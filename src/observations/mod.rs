//! Observations: what each answer says of notes, authors, searches and its call, one row each, as Arrow record batches.
//!
//! The tables are a pure function of these rows; `docs/observations.md` states the rule, in words and as SQL.
//!
//! ```text
//! Flattened (every position) ──add()──▶ Observed ──▶ one record batch a kind
//! ```

mod authors;
mod nested;
mod notes;
mod records;

pub use self::authors::{ObservedAuthorRow, TagCell};
pub use self::notes::{HashtagCell, ImageCell, MentionCell, ObservedNoteRow};
pub use self::records::{ObservedCallRow, ObservedHitRow, ObservedRejectRow};
use crate::flatten::tables::{Outline, TableDoc, describe};
use crate::flatten::{Flattened, admitted};
use crate::model::Answer;

/// The version of the schemas. Observations of another version are extracted again.
pub const OBSERVATIONS_VERSION: u32 = 1;

/// The observations of some answers, by kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Notes that were shown, stated gone, or asked for in vain.
    pub notes: Vec<ObservedNoteRow>,
    /// Authors.
    pub authors: Vec<ObservedAuthorRow>,
    /// Places of notes in search results.
    pub hits: Vec<ObservedHitRow>,
    /// Calls.
    pub calls: Vec<ObservedCallRow>,
    /// Values that could not be read.
    pub rejects: Vec<ObservedRejectRow>,
}

impl Observed {
    /// Adds what one answer says at all its positions.
    pub fn add(&mut self, answer: &Answer, flat: &Flattened) {
        let admitted = admitted(answer);
        let is_admitted = |position: u32| admitted.as_ref().is_none_or(|admitted| admitted.contains(&position));
        let call = &flat.call;
        let notes = flat.notes.iter();
        self.notes.extend(notes.map(|note| ObservedNoteRow::of(note, call, is_admitted(note.seen.position.0))));
        self.notes.extend(flat.empty.iter().map(ObservedNoteRow::of_empty));
        let authors = flat.authors.iter();
        self.authors
            .extend(authors.map(|author| ObservedAuthorRow::of(author, call, is_admitted(author.seen.position.0))));
        self.hits.extend(flat.hits.iter().map(|hit| ObservedHitRow::of(hit, call, is_admitted(hit.position))));
        self.calls.push(ObservedCallRow::of(call));
        let rejects = flat.rejects.iter();
        self.rejects
            .extend(rejects.map(|reject| ObservedRejectRow::of(reject, reject.position.is_none_or(is_admitted))));
    }
}

/// Describes every kind of observation, in the order of the documentation.
pub fn dictionary(outline: &Outline) -> Vec<TableDoc> {
    vec![
        describe::<ObservedNoteRow>(outline, ""),
        describe::<ObservedAuthorRow>(outline, ""),
        describe::<ObservedHitRow>(outline, ""),
        describe::<ObservedCallRow>(outline, ""),
        describe::<ObservedRejectRow>(outline, ""),
    ]
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
