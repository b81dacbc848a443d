//! A dataset's state as it can be seen without holding it.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::ErrorCode::{CannotOpen, ReadOnly};

use super::{FILE, Sent, Spend, StateError, runs, searches, trust};
use crate::model::Money;

/// What can be seen of a dataset's state without holding it: another process may be at work on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The unfinished run.
    pub unfinished: Option<String>,
    /// How often calls were sent, over all runs.
    pub sent: u64,
    /// What they cost.
    pub cost: Money,
    /// How many runs there were.
    pub runs: u64,
    /// Whether its answers are live or a sandbox's.
    pub origin: Option<String>,
    /// What counts against the caps of this UTC day, and of all runs, calls on their way included; none if an earlier
    /// notemill wrote the state.
    pub spent: Option<[Spend; 2]>,
}

/// The origin, and the last moment that the dataset has seen.
const ORIGIN: &str = "SELECT (SELECT value FROM meta WHERE name = 'origin'), \
    max(coalesce((SELECT max(observed_at) FROM answers), 0), coalesce((SELECT max(started_at) FROM runs), 0))";

/// Looks at a dataset's state, on the day of `now` (of a sandbox's dataset, on its last day); none if there is none, or if it
/// cannot be opened.
pub fn peek(folder: &Path, now: Timestamp) -> Result<Option<Peek>, StateError> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let sql = "SELECT (SELECT id FROM runs WHERE status IN ('running', 'stopped') ORDER BY started_at DESC LIMIT 1), \
               (SELECT count(*) FROM runs)";
    let peeked = trust::look_at(&file).and_then(|(db, version)| {
        if version == 0 {
            return Ok(Peek::default());
        }
        let unread = |error| StateError::opening(&file, error);
        let (origin, last) = db.query_row(ORIGIN, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unread)?;
        let origin: Option<String> = origin;
        let last: Option<i64> = last;
        let last = last.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let now = last.filter(|_| origin.as_deref() == Some("sandbox")).unwrap_or(now);
        let spent = if version < 7 { None } else { Some(runs::spent_now(&db, now).map_err(unread)?) };
        let Sent { sent, cost } = searches::sent(&db, None).map_err(unread)?;
        let peeked = db.query_row(sql, [], |row| {
            Ok(Peek { unfinished: row.get(0)?, sent, cost, runs: row.get::<_, i64>(1)? as u64, origin, spent })
        });
        peeked.map_err(unread)
    });
    match peeked {
        Ok(peek) => Ok(Some(peek)),
        // A dataset on a read-only disk can be looked at; its state cannot.
        Err(StateError::Sql(error)) if matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly)) => Ok(None),
        Err(error) => Err(error),
    }
}
