//! Observations: what each answer says of notes, authors, searches and its call, one row each, as Arrow record batches.
//!
//! The tables are a pure function of these rows; `docs/observations.md` states the rule, in words and as SQL.
//!
//! ```text
//! Flattened (every position) ──add()──▶ Observed ──batches()──▶ one record batch a kind
//! ```

mod authors;
mod nested;
mod notes;
mod records;
mod retained;
#[cfg(test)]
mod tests;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

pub use self::authors::{ObservedAuthorRow, TagCell};
pub use self::notes::{HashtagCell, ImageCell, MentionCell, ObservedNoteRow, Presence};
pub use self::records::{ObservedCallRow, ObservedHitRow, ObservedRejectRow};
pub use self::retained::{RetainError, flatten, read, retain, retain_all};
pub(crate) use self::retained::{admitting, change, conformed};
use crate::flatten::tables::{Outline, Row, TableDoc, describe};
use crate::flatten::{Flattened, admitted};
use crate::model::{Answer, AuthorObservation, KINDS, NoteObservation};

/// The version of the schemas. Observations of another version are extracted again.
pub const OBSERVATIONS_VERSION: u32 = 2;

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
    pub fn add(&mut self, answer: &Answer, flat: Flattened) {
        let admitted = admitted(answer);
        self.add_admitted(flat, |position| admitted.as_ref().is_none_or(|admitted| admitted.contains(&position)));
    }

    /// Adds what one answer says, of which some positions count.
    pub(crate) fn add_admitted(&mut self, flat: Flattened, is_admitted: impl Fn(u32) -> bool) {
        let Flattened { notes, empty, authors, hits, call, rejects, .. } = flat;
        let of_note = |note: NoteObservation| {
            let is_admitted = is_admitted(note.seen.position.0);
            ObservedNoteRow::of(note, &call.run_id, is_admitted)
        };
        self.notes.extend(notes.into_iter().map(of_note));
        self.notes.extend(empty.map(ObservedNoteRow::of_empty));
        let of_author = |author: AuthorObservation| {
            let is_admitted = is_admitted(author.seen.position.0);
            ObservedAuthorRow::of(author, &call, is_admitted)
        };
        self.authors.extend(authors.into_iter().map(of_author));
        self.hits.extend(hits.into_iter().map(|hit| {
            let is_admitted = is_admitted(hit.position);
            ObservedHitRow::of(hit, &call, is_admitted)
        }));
        self.rejects.extend(rejects.into_iter().map(|reject| {
            let is_admitted = reject.position.is_none_or(&is_admitted);
            ObservedRejectRow::of(reject, is_admitted)
        }));
        self.calls.push(ObservedCallRow::of(call));
    }

    /// Counts the rows of each kind.
    pub(crate) const fn lengths(&self) -> [usize; KINDS] {
        [self.notes.len(), self.authors.len(), self.hits.len(), self.calls.len(), self.rejects.len()]
    }

    /// Converts them to one batch a kind, in the order of the documentation.
    ///
    /// # Errors
    ///
    /// A text column would hold more than 2 GiB.
    pub fn batches(&self, outline: &Outline) -> Result<[RecordBatch; KINDS], ArrowError> {
        Ok([
            outline.batch(&self.notes)?,
            outline.batch(&self.authors)?,
            outline.batch(&self.hits)?,
            outline.batch(&self.calls)?,
            outline.batch(&self.rejects)?,
        ])
    }
}

/// Returns the name and the schema of every kind, in the order of the documentation.
pub(crate) fn schemas(outline: &Outline) -> [(&'static str, SchemaRef); KINDS] {
    fn of<R: Row>(outline: &Outline) -> (&'static str, SchemaRef) {
        (R::TABLE, outline.schema::<R>())
    }
    [
        of::<ObservedNoteRow>(outline),
        of::<ObservedAuthorRow>(outline),
        of::<ObservedHitRow>(outline),
        of::<ObservedCallRow>(outline),
        of::<ObservedRejectRow>(outline),
    ]
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
