//! Walks: searches and users' notes, page after page.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{StateError, Turn};
use crate::job::Limits;
use crate::model::NoteId;

/// One search or one user's notes in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// Its number.
    pub id: i64,
    /// The run that it belongs to.
    pub run: String,
    /// The number of the job's seed; none for authors that were discovered.
    pub seed: Option<u32>,
    /// Where it ends.
    pub limits: Limits,
    /// The part of the walk since it last changed vendor, from 1.
    pub leg: u32,
    /// Pages read in this leg.
    pub pages: u32,
    /// Distinct notes admitted.
    pub admitted: u32,
    /// Pages in a row without a new note.
    pub stale: u32,
    /// Whether a page has told which notes are pinned.
    pub tells_sticky: bool,
    /// Pages read before it last changed vendor.
    pub earlier_pages: u32,
    /// Notes that it left out.
    pub dropped: Dropped,
    /// Notes of which it is known whether they pass the search's `note_type` and `published`.
    pub decidable: u32,
    /// Whether the notes of this leg, less the pinned ones, came in descending order of time.
    pub is_time_ordered: bool,
    /// When the oldest of them was published.
    pub oldest: Option<Timestamp>,
    /// Answers from this place on are used again; none: only this run's.
    pub reuse_from: Option<i64>,
    /// How far the user's walk before this one went, where known notes may end this one.
    pub until_known: Option<String>,
    /// Why it ended; none while it goes on.
    pub ended: Option<String>,
}

/// Distinct notes that a page showed and that a walk left out, by the key of the job that they do not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// By `note_type`.
    pub note_type: u32,
    /// By `published`.
    pub published: u32,
    /// By `since`.
    pub since: u32,
}

/// What came of one walk of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkSummary {
    /// The endpoint, and the query or the user as JSON.
    pub name: String,
    /// Pages read, over all vendors.
    pub pages: u32,
    /// Distinct notes shown.
    pub notes: u32,
    /// Those of them that count.
    pub admitted: u32,
    /// Those that do not pass its filters.
    pub dropped: Dropped,
    /// Why it ended; none while it goes on.
    pub ended: Option<String>,
}

impl Turn<'_> {
    /// Adds a walk unless the run has it already; returns its number if it was added.
    pub fn add_walk(
        &self,
        run: &str,
        name: &str,
        seed: Option<u32>,
        limits: &Limits,
    ) -> Result<Option<i64>, StateError> {
        let limits = serde_json::to_string(limits).map_err(|error| StateError::Record(error.to_string()))?;
        let sql = "INSERT INTO walks (run, name, seed, limits) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (run, name) DO NOTHING RETURNING id";
        Ok(self.tx.prepare_cached(sql)?.query_row(params![run, name, seed, limits], |row| row.get(0)).optional()?)
    }

    /// Returns a walk by its number.
    pub fn walk(&self, id: i64) -> Result<Walk, StateError> {
        let sql = "SELECT run, seed, limits, leg, pages, admitted, stale, tells_sticky, reuse_from, ended, until_known, \
                   earlier_pages, dropped_type, dropped_published, dropped_since, decidable, is_time_ordered, oldest \
                   FROM walks WHERE id = ?1";
        let mut statement = self.tx.prepare_cached(sql)?;
        let (walk, limits) = statement.query_row([id], |row| {
            let limits: String = row.get(2)?;
            let time = |at: usize| -> rusqlite::Result<Option<Timestamp>> {
                Ok(row.get::<_, Option<i64>>(at)?.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
            };
            let walk = Walk {
                id,
                run: row.get(0)?,
                seed: row.get(1)?,
                limits: Limits::default(),
                leg: row.get(3)?,
                pages: row.get(4)?,
                admitted: row.get(5)?,
                stale: row.get(6)?,
                tells_sticky: row.get(7)?,
                reuse_from: row.get(8)?,
                ended: row.get(9)?,
                until_known: row.get(10)?,
                earlier_pages: row.get(11)?,
                dropped: Dropped { note_type: row.get(12)?, published: row.get(13)?, since: row.get(14)? },
                decidable: row.get(15)?,
                is_time_ordered: row.get(16)?,
                oldest: time(17)?,
            };
            Ok((walk, limits))
        })?;
        let limits =
            serde_json::from_str(&limits).map_err(|error| StateError::Record(format!("walk {id}: {error}")))?;
        Ok(Walk { limits, ..walk })
    }

    /// Writes a walk's progress.
    pub fn update_walk(&self, walk: &Walk) -> Result<(), StateError> {
        let sql = "UPDATE walks SET leg = ?2, pages = ?3, admitted = ?4, stale = ?5, tells_sticky = ?6, reuse_from = ?7, ended = ?8, \
                   until_known = ?9, earlier_pages = ?10, dropped_type = ?11, dropped_published = ?12, dropped_since = ?13, \
                   decidable = ?14, is_time_ordered = ?15, oldest = ?16 WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![
            walk.id,
            walk.leg,
            walk.pages,
            walk.admitted,
            walk.stale,
            walk.tells_sticky,
            walk.reuse_from,
            walk.ended,
            walk.until_known,
            walk.earlier_pages,
            walk.dropped.note_type,
            walk.dropped.published,
            walk.dropped.since,
            walk.decidable,
            walk.is_time_ordered,
            walk.oldest.map(Timestamp::as_microsecond)
        ])?;
        Ok(())
    }

    /// Tells whether a walk has shown a note: the leg that last did, and whether the note was admitted.
    pub fn walk_note(&self, walk: i64, note: &NoteId) -> Result<Option<(u32, bool)>, StateError> {
        let sql = "SELECT leg, admitted FROM walk_notes WHERE walk = ?1 AND note_id = ?2";
        let mut statement = self.tx.prepare_cached(sql)?;
        Ok(statement.query_row(params![walk, note.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Notes that a walk has shown a note.
    pub fn set_walk_note(&self, walk: i64, note: &NoteId, leg: u32, admitted: bool) -> Result<(), StateError> {
        let sql = "INSERT INTO walk_notes (walk, note_id, leg, admitted) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (walk, note_id) DO UPDATE SET leg = excluded.leg, admitted = max(admitted, excluded.admitted)";
        self.tx.prepare_cached(sql)?.execute(params![walk, note.as_str(), leg, admitted])?;
        Ok(())
    }

    /// Notes that a walk follows a cursor; tells whether it is new to the walk.
    pub fn add_cursor(&self, walk: i64, leg: u32, cursor: &str) -> Result<bool, StateError> {
        let sql = "INSERT INTO walk_cursors (walk, cursor) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        Ok(self.tx.prepare_cached(sql)?.execute(params![walk, format!("{leg} {cursor}")])? == 1)
    }

    /// Returns what came of each walk of a run, in the order of the job.
    pub fn walk_summaries(&self, run: &str) -> Result<Vec<WalkSummary>, StateError> {
        let sql = "SELECT name, earlier_pages + pages, (SELECT count(*) FROM walk_notes WHERE walk = walks.id), admitted, \
                   dropped_type, dropped_published, dropped_since, ended FROM walks WHERE run = ?1 ORDER BY id";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| {
            Ok(WalkSummary {
                name: row.get(0)?,
                pages: row.get(1)?,
                notes: row.get(2)?,
                admitted: row.get(3)?,
                dropped: Dropped { note_type: row.get(4)?, published: row.get(5)?, since: row.get(6)? },
                ended: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
