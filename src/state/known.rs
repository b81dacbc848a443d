//! What is known of notes and users across runs, to decide what a refresh must ask again.

use rusqlite::{OptionalExtension, params};

use super::{StateError, Turn};
use crate::model::{Call, Endpoint, NoteId, UserId};
use crate::vendor::ListedCounts;

impl Turn<'_> {
    /// Keeps what a listing told of a note. Kinds of listings are kept apart: they tell different things.
    pub fn note_listed(
        &self,
        note: &NoteId,
        endpoint: Endpoint,
        counts: &ListedCounts,
        run: &str,
    ) -> Result<(), StateError> {
        let sql = "SELECT latest FROM listings WHERE note_id = ?1 AND endpoint = ?2";
        let earlier: Option<String> = self
            .tx
            .prepare_cached(sql)?
            .query_row(params![note.as_str(), endpoint.as_str()], |row| row.get(0))
            .optional()?;
        let latest = match earlier {
            Some(earlier) => counts.after(&read(note, &earlier)?),
            None => counts.clone(),
        };
        // What later listings are compared with: this listing if the detail was fetched at the same time, in the same part
        // of the run, and the first of its kind if the detail is there already. A run that was stopped may go on a day
        // later: what has changed by then, the detail does not show.
        let detail = self.latest_fact(&Call::NoteDetail { note_id: note.clone() }.key())?;
        let is_recent = |moment| self.before.is_none_or(|before| moment > before);
        let is_as_old = detail.as_ref().is_some_and(|detail| detail.run == run && is_recent(detail.observed_at));
        let (latest, is_there) = (json(&latest)?, detail.is_some());
        let sql = "INSERT INTO listings (note_id, endpoint, latest, at_detail) VALUES (?1, ?2, ?3, CASE WHEN ?4 THEN ?3 END) \
                   ON CONFLICT (note_id, endpoint) DO UPDATE SET latest = excluded.latest, \
                   at_detail = CASE WHEN ?5 THEN excluded.latest ELSE at_detail END";
        let listing = params![note.as_str(), endpoint.as_str(), latest, is_there, is_as_old];
        self.tx.prepare_cached(sql)?.execute(listing)?;
        Ok(())
    }

    /// Keeps that a note's detail was fetched while its latest listings were shown.
    pub fn detail_fetched(&self, note: &NoteId) -> Result<(), StateError> {
        self.tx
            .prepare_cached("UPDATE listings SET at_detail = latest WHERE note_id = ?1")?
            .execute([note.as_str()])?;
        Ok(())
    }

    /// Tells whether a listing shows other counts or a newer time of change than when the detail was last fetched.
    pub fn listing_changed(&self, note: &NoteId) -> Result<bool, StateError> {
        let sql = "SELECT latest, at_detail FROM listings WHERE note_id = ?1 AND at_detail IS NOT NULL";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query([note.as_str()])?;
        while let Some(row) = rows.next()? {
            let (latest, at_detail): (String, String) = (row.get(0)?, row.get(1)?);
            if read(note, &latest)?.differs_from(&read(note, &at_detail)?) {
                return Ok(true);
            }
        }
        Ok(false)
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

    /// Keeps how far the latest walk of a user went; none while it is not finished.
    pub fn set_user_walk(&self, user: &UserId, covered: Option<&str>) -> Result<(), StateError> {
        let sql = "INSERT INTO user_walks (user_id, covered) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET covered = excluded.covered";
        self.tx.prepare_cached(sql)?.execute(params![user.as_str(), covered])?;
        Ok(())
    }

    /// Returns how far the latest walk of a user went; none where it was not finished.
    pub fn user_walk(&self, user: &UserId) -> Result<Option<String>, StateError> {
        let sql = "SELECT covered FROM user_walks WHERE user_id = ?1";
        let covered: Option<Option<String>> =
            self.tx.prepare_cached(sql)?.query_row([user.as_str()], |row| row.get(0)).optional()?;
        Ok(covered.flatten())
    }
}

fn json(counts: &ListedCounts) -> Result<String, StateError> {
    serde_json::to_string(counts).map_err(|error| StateError::Record(error.to_string()))
}

fn read(note: &NoteId, text: &str) -> Result<ListedCounts, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::Record(format!("listing of {note}: {error}")))
}
