//! The sealed segments that the state names.

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
}
