//! The sealed segments that the state names, and those that it names no more.

use std::collections::BTreeSet;

use rusqlite::{Row, params};

use super::{StateError, Turn};

/// A segment as the state names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its file's name.
    pub name: String,
    /// How many answers it holds.
    pub rows: u64,
    /// How long it is.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

impl Sealed {
    /// Selects all of them, by name.
    pub(super) const SELECT: &str = "SELECT name, rows, bytes, sha256 FROM segments ORDER BY name";

    /// Selects the names of those that were replaced.
    pub(super) const DROPPED: &str = "SELECT name FROM dropped";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (rows, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Self { name: row.get(0)?, rows: rows as u64, bytes: bytes as u64, sha256: row.get(3)? })
    }
}

impl Turn<'_> {
    /// Records a segment.
    pub fn add_segment(&self, name: &str, rows: u64, bytes: u64, sha256: &str) -> Result<(), StateError> {
        let sql = "INSERT INTO segments (name, rows, bytes, sha256) VALUES (?1, ?2, ?3, ?4)";
        self.tx.execute(sql, params![name, rows as i64, bytes as i64, sha256])?;
        Ok(())
    }

    /// Lists the sealed segments by name.
    pub fn segments(&self) -> Result<Vec<Sealed>, StateError> {
        let mut statement = self.tx.prepare_cached(Sealed::SELECT)?;
        Ok(statement.query_map([], Sealed::read)?.collect::<Result<_, _>>()?)
    }

    /// Names a segment in place of another that holds the same answers; the old name is kept among the dropped ones.
    pub fn replace_segment(&self, old: &str, new: &Sealed) -> Result<(), StateError> {
        self.add_segment(&new.name, new.rows, new.bytes, &new.sha256)?;
        self.tx.execute("DELETE FROM dropped WHERE name = ?1", [&new.name])?;
        self.tx.execute("DELETE FROM segments WHERE name = ?1", [old])?;
        self.drop_segment(old)?;
        for id in self.answers_of(Some(old))? {
            self.check_answer(id, None)?;
            let sql = "UPDATE answers SET segment = ?2 WHERE id = ?1";
            self.tx.prepare_cached(sql)?.execute(params![id, new.name])?;
            self.stamp_answer(id)?;
        }
        Ok(())
    }

    /// Drops a segment's name: a file that has it is removed where it is found.
    pub fn drop_segment(&self, name: &str) -> Result<(), StateError> {
        self.tx.execute("INSERT INTO dropped (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
        Ok(())
    }

    /// Lists the names that were dropped.
    pub fn dropped_segments(&self) -> Result<BTreeSet<String>, StateError> {
        let mut statement = self.tx.prepare_cached(Sealed::DROPPED)?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Lists the numbers of the answers that a segment holds; of those that are not sealed where none is named.
    pub fn answers_of(&self, segment: Option<&str>) -> Result<Vec<i64>, StateError> {
        let mut statement = self.tx.prepare_cached("SELECT id FROM answers WHERE segment IS ?1 ORDER BY id")?;
        Ok(statement.query_map([segment], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
