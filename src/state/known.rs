//! What is known of notes and users across runs, to decide what a refresh must ask again.

use rusqlite::{OptionalExtension, params};

use super::{StateError, Turn};
use crate::model::{NoteId, UserId};
use crate::vendor::ListedCounts;

impl Turn<'_> {
    /// Keeps what a listing told of a note.
    pub fn note_listed(&self, note: &NoteId, counts: &ListedCounts) -> Result<(), StateError> {
        let latest = match self.listing(note)? {
            Some((earlier, _)) => counts.or(&earlier),
            None => counts.clone(),
        };
        let sql = "INSERT INTO listings (note_id, latest) VALUES (?1, ?2) ON CONFLICT (note_id) DO UPDATE SET latest = excluded.latest";
        self.tx.prepare_cached(sql)?.execute(params![note.as_str(), json(&latest)?])?;
        Ok(())
    }

    /// Keeps that a note's detail was fetched while its latest listing was shown.
    pub fn detail_fetched(&self, note: &NoteId) -> Result<(), StateError> {
        self.tx
            .prepare_cached("UPDATE listings SET at_detail = latest WHERE note_id = ?1")?
            .execute([note.as_str()])?;
        Ok(())
    }

    /// Tells whether a listing shows other counts or a newer time of change than when the detail was last fetched.
    pub fn listing_changed(&self, note: &NoteId) -> Result<bool, StateError> {
        Ok(match self.listing(note)? {
            Some((latest, Some(at_detail))) => latest.differs_from(&at_detail),
            // Listed, but not yet when the detail was fetched: from now on there is something to compare with.
            Some((_, None)) => {
                self.detail_fetched(note)?;
                false
            }
            None => false,
        })
    }

    fn listing(&self, note: &NoteId) -> Result<Option<(ListedCounts, Option<ListedCounts>)>, StateError> {
        let sql = "SELECT latest, at_detail FROM listings WHERE note_id = ?1";
        let row = self
            .tx
            .prepare_cached(sql)?
            .query_row([note.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
            .optional()?;
        let read = |text: &str| {
            serde_json::from_str(text).map_err(|error| StateError::Record(format!("listing of {note}: {error}")))
        };
        row.map(|(latest, at_detail)| Ok((read(&latest)?, at_detail.map(|text| read(&text)).transpose()?))).transpose()
    }

    /// Keeps that a user's walk showed a note in a run.
    pub fn user_shows(&self, user: &UserId, note: &NoteId, run: &str) -> Result<(), StateError> {
        let sql = "INSERT INTO user_notes (user_id, note_id, run) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.tx.prepare_cached(sql)?.execute(params![user.as_str(), note.as_str(), run])?;
        Ok(())
    }

    /// Tells whether an earlier run's walk of a user showed a note.
    pub fn user_showed(&self, user: &UserId, note: &NoteId, run: &str) -> Result<bool, StateError> {
        let sql = "SELECT 1 FROM user_notes WHERE user_id = ?1 AND note_id = ?2 AND run <> ?3";
        let mut statement = self.tx.prepare_cached(sql)?;
        Ok(statement.exists(params![user.as_str(), note.as_str(), run])?)
    }

    /// Keeps whether the latest walk of a user was finished.
    pub fn set_user_walk(&self, user: &UserId, finished: bool) -> Result<(), StateError> {
        let sql = "INSERT INTO user_walks (user_id, finished) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET finished = excluded.finished";
        self.tx.prepare_cached(sql)?.execute(params![user.as_str(), finished])?;
        Ok(())
    }

    /// Tells whether the walk of a user before this one was finished.
    pub fn user_walk_finished(&self, user: &UserId) -> Result<bool, StateError> {
        let sql = "SELECT finished FROM user_walks WHERE user_id = ?1";
        let finished = self.tx.prepare_cached(sql)?.query_row([user.as_str()], |row| row.get(0)).optional()?;
        Ok(finished.unwrap_or(false))
    }
}

fn json(counts: &ListedCounts) -> Result<String, StateError> {
    serde_json::to_string(counts).map_err(|error| StateError::Record(error.to_string()))
}
