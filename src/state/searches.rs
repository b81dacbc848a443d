//! What a run's searches found, and what it adds to the dataset: read for its report, and never by the crawl.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Spend, StateError, Turn};
use crate::model::{Money, Query};

/// One search of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// The number of its walk.
    pub walk: i64,
    /// The walk's name.
    pub name: String,
    /// What was searched for.
    pub query: Query,
    /// Pages read.
    pub pages: u32,
    /// Distinct notes that its pages showed.
    pub shown: u32,
    /// Those of them that count.
    pub admitted: u32,
    /// Why it ended; none while it goes on.
    pub ended: Option<String>,
}

/// What the builds since a run began added to the dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// The run.
    pub run: String,
    /// The latest snapshot that is counted here, or that was the latest when the run began.
    pub counted: u64,
    /// Snapshots that were published.
    pub snapshots: u64,
    /// Notes that the snapshot before each of them did not have.
    pub notes: u64,
    /// How many of these each search showed, by the name of its walk.
    pub by_search: BTreeMap<String, u64>,
    /// Whether some were too many to be assigned to searches.
    pub is_partial: bool,
}

/// How often calls were sent, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How often.
    pub sent: u64,
    /// What it cost.
    pub cost: Money,
}

/// What calls cost: answered and given up, and those that are owed and were sent before. `?1` is a run, or null for all.
const SENT: &str = "SELECT coalesce(sum(sent), 0), coalesce(sum(cost), 0) FROM ( \
    SELECT attempts AS sent, cost FROM answers WHERE copy = 0 AND (?1 IS NULL OR run = ?1) \
    UNION ALL SELECT sends, cost FROM tasks WHERE status IN ('ready', 'waiting', 'sent') AND (?1 IS NULL OR run = ?1) \
    AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.key = tasks.key AND answers.run = tasks.run \
    AND outcome IN ('ok', 'gone', 'empty')))";

/// Returns how often a run's calls were sent and what they cost; of all runs if none is named.
pub(super) fn sent(db: &Connection, run: Option<&str>) -> rusqlite::Result<Sent> {
    db.query_row(SENT, [run], |row| {
        Ok(Sent { sent: row.get::<_, i64>(0)? as u64, cost: Money::from_micros(row.get(1)?) })
    })
}

impl Turn<'_> {
    /// Lists a run's searches, in the order of the job.
    pub fn searches(&self, run: &str) -> Result<Vec<Searched>, StateError> {
        let sql = "SELECT id, name, pages, (SELECT count(*) FROM walk_notes WHERE walk = walks.id), \
                   (SELECT count(*) FROM walk_notes WHERE walk = walks.id AND admitted), ended \
                   FROM walks WHERE run = ?1 AND name LIKE 'search_notes %' ORDER BY id";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| {
            Ok(Searched {
                walk: row.get(0)?,
                name: row.get(1)?,
                query: Query::default(),
                pages: row.get(2)?,
                shown: row.get(3)?,
                admitted: row.get(4)?,
                ended: row.get(5)?,
            })
        })?;
        rows.map(|row| {
            let row = row?;
            let query = row.name.split_once(' ').map(|(_, query)| serde_json::from_str(query));
            let bad = || StateError::Record(format!("walk {}", row.walk));
            let query = query.and_then(Result::ok).ok_or_else(bad)?;
            Ok(Searched { query, ..row })
        })
        .collect()
    }

    /// Counts how many of some notes a walk shows that count; all of its own if none are named.
    pub fn admitted_among(&self, walk: i64, notes: Option<&BTreeSet<String>>) -> Result<u64, StateError> {
        let sql = "SELECT note_id FROM walk_notes WHERE walk = ?1 AND admitted";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query([walk])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let note: String = row.get(0)?;
            count += u64::from(notes.is_none_or(|notes| notes.contains(&note)));
        }
        Ok(count)
    }

    /// Counts the distinct notes that a run's lists and details show.
    pub fn notes_of_run(&self, run: &str) -> Result<u64, StateError> {
        let sql = "SELECT count(*) FROM ( \
                   SELECT note_id FROM walk_notes WHERE admitted AND walk IN (SELECT id FROM walks WHERE run = ?1) \
                   UNION SELECT json_extract(params, '$.note_id') FROM answers \
                   WHERE run = ?1 AND endpoint = 'note_detail' AND outcome = 'ok')";
        Ok(self.tx.query_row(sql, [run], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Returns the details of a run that several of its lists led to and that were billed once: how many the lists would
    /// have asked for beyond that, each by itself, at a price.
    pub fn shared_details(&self, run: &str, price: Money) -> Result<Spend, StateError> {
        let sql = "SELECT coalesce(sum(lists - 1), 0) FROM ( \
                   SELECT count(*) AS lists FROM walk_notes \
                   JOIN (SELECT DISTINCT json_extract(params, '$.note_id') AS note FROM answers \
                   WHERE run = ?1 AND endpoint = 'note_detail' AND outcome IN ('ok', 'gone', 'empty') AND billed <> 'no' AND copy = 0) \
                   ON note = note_id WHERE admitted AND walk IN (SELECT id FROM walks WHERE run = ?1) GROUP BY note_id)";
        let calls = self.tx.query_row(sql, [run], |row| row.get::<_, i64>(0))?;
        Ok(Spend { calls: calls as u64, cost: Money::from_micros(price.as_micros().saturating_mul(calls)) })
    }

    /// Counts the calls of a run that earlier runs' answers made unnecessary and that would have been billed.
    pub fn reused_billed(&self, run: &str) -> Result<u64, StateError> {
        let sql = "SELECT count(*) FROM tasks WHERE run = ?1 AND status = 'done' AND saved IS NOT NULL AND \
                   (SELECT billed FROM answers WHERE answers.key = tasks.key AND outcome IN ('ok', 'gone', 'empty') \
                   ORDER BY sequence DESC, id DESC LIMIT 1) <> 'no'";
        Ok(self.tx.query_row(sql, [run], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Returns how often a run's calls were sent and what they cost, over all its parts; of all runs if none is named.
    pub fn sent(&self, run: Option<&str>) -> Result<Sent, StateError> {
        Ok(sent(&self.tx, run)?)
    }

    /// Returns what the builds since a run began have added; none if it was not counted.
    pub fn added(&self, run: &str) -> Result<Option<Added>, StateError> {
        let sql = "SELECT value FROM meta WHERE name = 'added'";
        let text: Option<String> = self.tx.query_row(sql, [], |row| row.get(0)).optional()?;
        // It only feeds reports: what cannot be read is as none.
        Ok(text.and_then(|text| serde_json::from_str::<Added>(&text).ok()).filter(|added| added.run == run))
    }

    /// Stores what the builds since a run began have added.
    pub fn set_added(&self, added: &Added) -> Result<(), StateError> {
        let text = serde_json::to_string(added).map_err(|error| StateError::Record(error.to_string()))?;
        let sql = "INSERT INTO meta (name, value) VALUES ('added', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.tx.execute(sql, params![text])?;
        Ok(())
    }
}
