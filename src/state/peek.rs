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
    /// What counts against the caps of this UTC day, and of all runs, calls on their way included; none if an earlier
    /// notemill wrote the state.
    pub spent: Option<[Spend; 2]>,
}

/// Looks at a dataset's state, on the day of `now`; none where there is none, or where it cannot be opened.
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
        let spent = if version < 7 { None } else { Some(runs::spent_now(&db, now).map_err(unread)?) };
        let Sent { sent, cost } = searches::sent(&db, None).map_err(unread)?;
        let peeked = db.query_row(sql, [], |row| {
            Ok(Peek { unfinished: row.get(0)?, sent, cost, runs: row.get::<_, i64>(1)? as u64, spent })
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
