//! A dataset's state as it can be seen without holding it.

use std::path::Path;

use jiff::Timestamp;

use super::{FILE, Spend, StateError, runs, trust};
use crate::model::Money;

/// What can be seen of a dataset's state without holding it: another process may be at work on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The unfinished run.
    pub unfinished: Option<String>,
    /// How often the calls that are answered or given up were sent, over all runs.
    pub sent: u64,
    /// What they cost.
    pub cost: Money,
    /// What counts against the caps of this UTC day, and of all runs, calls on their way included; none if an earlier
    /// notemill wrote the state.
    pub spent: Option<[Spend; 2]>,
}

/// Looks at a dataset's state; none where there is none, or where it cannot be opened.
pub fn peek(folder: &Path) -> Result<Option<Peek>, StateError> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let sql = "SELECT (SELECT id FROM runs WHERE status IN ('running', 'stopped') ORDER BY started_at DESC LIMIT 1), \
               (SELECT coalesce(sum(attempts), 0) FROM answers WHERE copy = 0), \
               (SELECT coalesce(sum(cost), 0) FROM answers WHERE copy = 0)";
    let peeked = trust::look(&file).and_then(|db| {
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let spent = if version < 7 { None } else { Some(runs::spent_now(&db, Timestamp::now())?) };
        db.query_row(sql, [], |row| {
            let cost = Money::from_micros(row.get(2)?);
            Ok(Peek { unfinished: row.get(0)?, sent: row.get::<_, i64>(1)? as u64, cost, spent })
        })
    });
    match peeked {
        Ok(peek) => Ok(Some(peek)),
        Err(error) => match error.sqlite_error_code() {
            // A dataset on a read-only disk can be looked at; its state cannot.
            Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => Ok(None),
            _ => Err(StateError::Damaged { file, reason: error.to_string() }),
        },
    }
}
