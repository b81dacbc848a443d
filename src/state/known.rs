//! What is known of notes and users across runs, to decide what a refresh must ask again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::clock::latest_credible;
use super::{Level, StateError, Turn};
use crate::model::{Call, Endpoint, Moment, NoteId, Outcome, STAND_IN, UserId};
use crate::vendor::ListedCounts;

/// A note that is due: what the clock said when its detail was asked, the place of that among all answers, and the note.
pub type DueNote = (i64, i64, NoteId);

/// Comes after every id.
const NO_ID: &str = "\u{10ffff}";

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
        let is_recent = |sequence| self.before.is_none_or(|before| sequence > before);
        let is_as_old = detail.as_ref().is_some_and(|detail| detail.run == run && is_recent(detail.moment.sequence));
        let (latest, is_there) = (json(&latest)?, detail.is_some());
        let sql = "INSERT INTO listings (note_id, endpoint, latest, at_detail) VALUES (?1, ?2, ?3, CASE WHEN ?4 THEN ?3 END) \
                   ON CONFLICT (note_id, endpoint) DO UPDATE SET latest = excluded.latest, \
                   at_detail = CASE WHEN ?5 THEN excluded.latest ELSE at_detail END";
        let listing = params![note.as_str(), endpoint.as_str(), latest, is_there, is_as_old];
        self.tx.prepare_cached(sql)?.execute(listing)?;
        // A note whose detail was never had is due before all others.
        let sql =
            "INSERT INTO details (note_id, asked_at, is_due, seen_in) VALUES (?1, 0, 1, ?2) ON CONFLICT DO NOTHING";
        self.tx.prepare_cached(sql)?.execute(params![note.as_str(), run])?;
        Ok(())
    }

    /// Keeps that a note's detail was fetched, with which outcome, while its latest listings were shown.
    pub fn detail_fetched(&self, note: &NoteId, outcome: Outcome, at: Moment) -> Result<(), StateError> {
        // An id that is a stand-in for a forgotten one is never asked.
        if !note.as_str().starts_with(STAND_IN) {
            // A success that shows nothing leaves a note as due as it was; one that only listings showed is due.
            let sql = "INSERT INTO details (note_id, asked_at, is_due, sequence) \
                       VALUES (?1, ?2, coalesce(?3, EXISTS (SELECT 1 FROM listings WHERE note_id = ?1)), ?4) \
                       ON CONFLICT (note_id) DO UPDATE SET asked_at = excluded.asked_at, sequence = excluded.sequence, \
                       is_due = coalesce(?3, is_due) WHERE excluded.sequence >= sequence";
            let row = params![note.as_str(), at.observed_at.as_microsecond(), is_asked_again(outcome), at.sequence];
            self.tx.prepare_cached(sql)?.execute(row)?;
        }
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

    /// Keeps that a note's detail could not be had, and was paid for all the same: it waits as if it had been.
    pub fn detail_failed(&self, note: &NoteId, at: Moment) -> Result<(), StateError> {
        let sql = "UPDATE details SET asked_at = ?2, sequence = ?3 WHERE note_id = ?1 AND sequence < ?3";
        let row = params![note.as_str(), at.observed_at.as_microsecond(), at.sequence];
        self.tx.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Keeps that a run's seeds name a note, or that a listing showed it, whose place among all answers is told. A listing
    /// that came after the latest detail makes a note due again that was gone.
    pub fn note_seen(&self, note: &NoteId, run: &str, shown_at: Option<i64>) -> Result<(), StateError> {
        let sql = "UPDATE details SET seen_in = ?2, is_due = max(is_due, sequence < ?3) WHERE note_id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![note.as_str(), run, shown_at.unwrap_or(i64::MIN)])?;
        Ok(())
    }

    /// Returns notes whose latest detail is as old as `until` or older, or is dated ahead of the clock, and that neither
    /// seeds nor listings of a run name: the oldest first, those after `after`, at most `limit`.
    pub fn due_notes(
        &self,
        run: &str,
        until: Timestamp,
        after: Option<&DueNote>,
        limit: usize,
    ) -> Result<Vec<DueNote>, StateError> {
        let sql = "SELECT asked_at, sequence, note_id FROM details WHERE is_due = 1 AND asked_at <= ?2 AND seen_in IS NOT ?1 \
                   AND (asked_at, sequence, note_id) > (?3, ?4, ?5) ORDER BY asked_at, sequence, note_id LIMIT ?6";
        let after = after.map_or((i64::MIN, i64::MIN, ""), |(moment, place, note)| (*moment, *place, note.as_str()));
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut due = Vec::new();
        // A part each of the index: those that are young lie between, and are not read.
        for (from, to) in self.due_between(until) {
            let (moment, place, note) = after.max((from, i64::MAX, NO_ID));
            let mut rows = statement.query(params![run, to, moment, place, note, (limit - due.len()) as i64])?;
            while let Some(row) = rows.next()? {
                let id: String = row.get(2)?;
                let note =
                    NoteId::parse(&id).map_err(|error| StateError::Record(format!("detail of {id}: {error}")))?;
                due.push((row.get(0)?, row.get(1)?, note));
            }
        }
        Ok(due)
    }

    /// Returns between which moments a detail is due, the first left out: it is old enough, or ahead of the clock.
    fn due_between(&self, until: Timestamp) -> [(i64, i64); 2] {
        let ahead = latest_credible(self.now()).max(until).as_microsecond();
        [(i64::MIN, until.as_microsecond()), (ahead, i64::MAX)]
    }

    /// Counts the notes that [`Turn::due_notes`] returns in all, less those that the run has asked or is about to ask.
    pub fn count_due(&self, run: &str, until: Timestamp) -> Result<u64, StateError> {
        let sql = "SELECT (SELECT count(*) FROM details WHERE is_due = 1 AND (asked_at <= ?2 OR asked_at > ?4) \
                   AND seen_in IS NOT ?1) - (SELECT count(*) FROM tasks WHERE run = ?1 AND level = ?3 AND status <> 'done')";
        let [(_, old), (ahead, _)] = self.due_between(until);
        let row = params![run, old, Level::Known as i64, ahead];
        let due: i64 = self.tx.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
        Ok(due.max(0) as u64)
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

/// Returns whether a note whose detail had this outcome is asked again if no listing shows it; none if the answer says
/// nothing of it.
const fn is_asked_again(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Ok => Some(true),
        Outcome::Gone => Some(false),
        _ => None,
    }
}

fn json(counts: &ListedCounts) -> Result<String, StateError> {
    serde_json::to_string(counts).map_err(|error| StateError::Record(error.to_string()))
}

fn read(note: &NoteId, text: &str) -> Result<ListedCounts, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::Record(format!("listing of {note}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn due_notes_come_in_batches_by_their_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        let note = |id: &str| NoteId::parse(id).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let moment = |second| Moment { sequence: second, observed_at: at(second) };
        for (second, id, outcome) in [
            (3, "c", Outcome::Ok),
            (1, "a", Outcome::Ok),
            (1, "b", Outcome::Ok),
            (2, "gone", Outcome::Empty),
            (9, "young", Outcome::Ok),
            (1, "forgotten-0123456789abcdef", Outcome::Ok),
            (2, "listed", Outcome::Ok),
        ] {
            turn.detail_fetched(&note(id), outcome, moment(second)).unwrap();
        }
        turn.note_seen(&note("listed"), "r2", Some(5)).unwrap();
        turn.note_seen(&note("nobody"), "r2", Some(5)).unwrap();
        let (mut after, mut due) = (None, Vec::new());
        loop {
            let batch = turn.due_notes("r2", at(3), after.as_ref(), 2).unwrap();
            let Some(last) = batch.last() else { break };
            assert!(batch.len() <= 2);
            after = Some(last.clone());
            due.extend(batch.into_iter().map(|(.., note)| note.as_str().to_owned()));
        }
        assert_eq!(due, ["a", "b", "c"]);
        let count = |run: &str| turn.count_due(run, at(3)).unwrap();
        assert_eq!((count("r2"), count("r3")), (3, 4));
        // Of a million notes only those that are wanted are read.
        let sql = "EXPLAIN QUERY PLAN SELECT asked_at, sequence, note_id FROM details WHERE is_due = 1 AND asked_at <= 9 \
                   AND seen_in IS NOT 'r' AND (asked_at, sequence, note_id) > (1, 2, 'a') \
                   ORDER BY asked_at, sequence, note_id LIMIT 5";
        let plan: String = turn.tx.query_row(sql, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("SEARCH") && plan.contains("details_due"), "{plan}");
        // An older detail changes nothing: segments may be taken in in any order.
        turn.detail_fetched(&note("a"), Outcome::Empty, moment(0)).unwrap();
        turn.detail_fetched(&note("b"), Outcome::Empty, moment(4)).unwrap();
        turn.note_seen(&note("b"), "r1", Some(4)).unwrap();
        assert_eq!(count("r3"), 3, "a listing that is no younger makes nothing due");
        turn.note_seen(&note("b"), "r1", Some(5)).unwrap();
        assert_eq!(turn.count_due("r3", at(9)).unwrap(), 5);
        // What failed for money waits as long as what was answered.
        turn.detail_failed(&note("a"), moment(10)).unwrap();
        assert_eq!(turn.count_due("r3", at(9)).unwrap(), 4);
    }
}
