//! The places of answers: in which order they came, whatever the clock said.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::clock::latest_credible;
use super::runs::timestamp;
use super::{StateError, Turn};

/// Answers that are dated ahead of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedAhead {
    /// What the clock says.
    pub now: Timestamp,
    /// What the latest of the answers says.
    pub latest: Timestamp,
    /// How many there are.
    pub answers: u64,
}

/// The greatest place of any answer.
pub(super) const LAST_SEQUENCE: &str = "last_sequence";
/// The latest moment of any answer.
pub(super) const LAST_MOMENT: &str = "last_observed_at";

impl Turn<'_> {
    /// Returns the place of the next answer: microseconds since 1970 by the clock, but after every answer of the dataset.
    /// A clock that jumps back so changes no order, and one that jumped ahead only makes later places follow one by one.
    pub fn next_sequence(&self, now: Timestamp) -> Result<i64, StateError> {
        let next = match self.last_sequence()? {
            Some(last) => {
                let after = last.checked_add(1);
                let after = after.ok_or_else(|| StateError::Record("no place comes after the last answer's".into()))?;
                now.as_microsecond().max(after)
            }
            None => now.as_microsecond(),
        };
        self.raise(LAST_SEQUENCE, next)?;
        Ok(next)
    }

    /// Returns the place of the dataset's newest answer; none if there is none yet.
    pub(super) fn last_sequence(&self) -> Result<Option<i64>, StateError> {
        self.greatest(LAST_SEQUENCE)
    }

    /// Returns the latest moment that any answer of the dataset tells; none if there is none yet.
    pub fn last_moment(&self) -> Result<Option<Timestamp>, StateError> {
        self.greatest(LAST_MOMENT)?.map(timestamp).transpose()
    }

    /// Returns what the clock said when the newest answer came; none if there is none yet.
    pub(super) fn moment_of_newest(&self) -> Result<Option<Timestamp>, StateError> {
        let sql = "SELECT observed_at FROM answers ORDER BY sequence DESC LIMIT 1";
        self.tx.query_row(sql, [], |row| row.get(0)).optional()?.map(timestamp).transpose()
    }

    fn greatest(&self, name: &str) -> Result<Option<i64>, StateError> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        let value: Option<String> = self.tx.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
        Ok(value.and_then(|text| text.parse().ok()))
    }

    /// Raises a number that never falls.
    pub(super) fn raise(&self, name: &str, to: i64) -> Result<(), StateError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                   WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)";
        self.tx.prepare_cached(sql)?.execute(params![name, to.to_string()])?;
        Ok(())
    }

    /// Looks for answers that are dated ahead of the clock although they are the newest of their calls, so that their age
    /// is unknown.
    pub fn dated_ahead(&self) -> Result<Option<DatedAhead>, StateError> {
        let now = self.now();
        let credible = latest_credible(now);
        // Read alone where there may be such answers: all of them are looked at.
        if self.last_moment()?.is_none_or(|last| last <= credible) {
            return Ok(None);
        }
        let sql = "SELECT count(DISTINCT key), max(observed_at) FROM answers \
                   WHERE observed_at > ?1 AND outcome IN ('ok', 'gone', 'empty') AND sequence = (\
                   SELECT max(sequence) FROM answers AS others WHERE others.key = answers.key \
                   AND outcome IN ('ok', 'gone', 'empty'))";
        let (answers, latest) = self.tx.query_row(sql, [credible.as_microsecond()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
        let latest = latest.map(timestamp).transpose()?;
        Ok(latest.map(|latest| DatedAhead { now, latest, answers: answers as u64 }))
    }
}
