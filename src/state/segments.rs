//! The sealed segments that the state names, and those that it names no more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{StateError, Turn};
use crate::model::{Answer, Body, Retained};

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

/// Says which of a segment's answers are raw, and of which observations are retained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// The oldest answer whose body is there as it came, or that has none.
    pub raw_since: Option<Timestamp>,
    /// Whether answers are told under the users' own ids.
    pub told_plain: bool,
    /// The key of the pseudonyms under which answers are told.
    pub told_key: Option<String>,
}

impl Holds {
    /// Looks at some answers.
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Self {
        let mut holds = Self::default();
        answers.into_iter().for_each(|answer| holds.add(answer));
        holds
    }

    /// Looks at one more answer.
    pub fn add(&mut self, answer: &Answer) {
        match &answer.body {
            Some(Body::Raw(_)) | None => {
                let oldest = self.raw_since.map_or(answer.observed_at, |oldest| oldest.min(answer.observed_at));
                self.raw_since = Some(oldest);
            }
            Some(Body::Retained(Retained { pseudonyms: Some(key), .. }) | Body::Told { key: Some(key), .. }) => {
                self.told_key = Some(key.clone());
            }
            Some(Body::Retained(_) | Body::Told { .. }) => self.told_plain = true,
        }
    }
}

impl Turn<'_> {
    /// Records a segment.
    pub fn add_segment(&self, sealed: &Sealed, holds: &Holds) -> Result<(), StateError> {
        let Sealed { name, rows, bytes, sha256 } = sealed;
        let sql = "INSERT INTO segments (name, rows, bytes, sha256) VALUES (?1, ?2, ?3, ?4)";
        self.tx.execute(sql, params![name, *rows as i64, *bytes as i64, sha256])?;
        self.set_holds(name, holds)
    }

    /// Notes which of a segment's answers are raw, and which are told.
    pub fn set_holds(&self, name: &str, holds: &Holds) -> Result<(), StateError> {
        let sql = "UPDATE segments SET raw_since = ?2, told_plain = ?3, told_key = ?4 WHERE name = ?1";
        let raw_since = holds.raw_since.map(Timestamp::as_microsecond);
        self.tx.execute(sql, params![name, raw_since, holds.told_plain, holds.told_key])?;
        Ok(())
    }

    /// Lists the sealed segments by name.
    pub fn segments(&self) -> Result<Vec<Sealed>, StateError> {
        let mut statement = self.tx.prepare_cached(Sealed::SELECT)?;
        Ok(statement.query_map([], Sealed::read)?.collect::<Result<_, _>>()?)
    }

    /// Lists the sealed segments by name, each with the id by which builds know what it tells.
    pub fn segments_with_ids(&self) -> Result<Vec<(Sealed, String)>, StateError> {
        let sql = "SELECT name, rows, bytes, sha256, known_as FROM segments ORDER BY name";
        let mut statement = self.tx.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let (sealed, known_as) = (Sealed::read(row)?, row.get::<_, Option<String>>(4)?);
            let id = known_as.unwrap_or_else(|| own_id(&sealed));
            Ok((sealed, id))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists the segments with raw answers up to a moment; with `hides` also those that retain observations under the users' own
    /// ids.
    pub fn segments_to_expire(&self, until: Timestamp, hides: bool) -> Result<Vec<Sealed>, StateError> {
        let sql = "SELECT name, rows, bytes, sha256 FROM segments \
                   WHERE raw_since <= ?1 OR (?2 AND told_plain) ORDER BY name";
        let mut statement = self.tx.prepare_cached(sql)?;
        let due = statement.query_map(params![until.as_microsecond(), hides], Sealed::read)?;
        Ok(due.collect::<Result<_, _>>()?)
    }

    /// Lists the segments of which some answers have no body, but observations.
    pub fn segments_with_observations(&self) -> Result<Vec<Sealed>, StateError> {
        let sql =
            "SELECT name, rows, bytes, sha256 FROM segments WHERE told_plain OR told_key IS NOT NULL ORDER BY name";
        let mut statement = self.tx.prepare_cached(sql)?;
        Ok(statement.query_map([], Sealed::read)?.collect::<Result<_, _>>()?)
    }

    /// Says whether any answer is told in the place of its body.
    pub fn has_told(&self) -> Result<bool, StateError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM segments WHERE told_plain OR told_key IS NOT NULL)";
        Ok(self.tx.query_row(sql, [], |row| row.get(0))?)
    }

    /// Lists the keys of the pseudonyms under which answers are told.
    pub fn told_keys(&self) -> Result<BTreeSet<String>, StateError> {
        let mut statement = self.tx.prepare_cached("SELECT told_key FROM segments WHERE told_key IS NOT NULL")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Names a segment in place of another that holds the same answers; the old name is kept among the dropped ones.
    /// Where it `tells_the_same`, builds know it by the id of the old one.
    pub fn replace_segment(
        &self,
        old: &Sealed,
        new: &Sealed,
        holds: &Holds,
        tells_the_same: bool,
    ) -> Result<(), StateError> {
        self.add_segment(new, holds)?;
        // The pages that raw answers left in the state are written over when it is compacted, and not before.
        self.tx.execute("INSERT INTO meta (name, value) VALUES ('uncompacted', '1') ON CONFLICT DO NOTHING", [])?;
        if tells_the_same {
            let sql = "UPDATE segments SET known_as = \
                       coalesce((SELECT known_as FROM segments WHERE name = ?2), ?3) WHERE name = ?1";
            self.tx.execute(sql, params![new.name, old.name, own_id(old)])?;
        }
        self.tx.execute("DELETE FROM dropped WHERE name = ?1", [&new.name])?;
        self.forget_segment(&old.name)?;
        for id in self.answers_of(Some(&old.name))? {
            self.check_answer(id, None)?;
            let sql = "UPDATE answers SET segment = ?2 WHERE id = ?1";
            self.tx.prepare_cached(sql)?.execute(params![id, new.name])?;
            self.stamp_answer(id)?;
        }
        Ok(())
    }

    /// Names a segment no more; its name is kept among the dropped ones.
    pub fn forget_segment(&self, name: &str) -> Result<(), StateError> {
        self.tx.execute("DELETE FROM segments WHERE name = ?1", [name])?;
        self.drop_segment(name)
    }

    /// Notes that an answer stands in another segment, if the one that is named for it is gone.
    pub fn move_answer(&self, answer: &Answer, gone: &BTreeSet<String>, to: &str) -> Result<(), StateError> {
        let sql = "SELECT id, segment FROM answers WHERE run = ?1 AND key = ?2 AND sequence = ?3";
        let key = params![answer.run_id, answer.call.key(), answer.sequence];
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query(key)?;
        while let Some(row) = rows.next()? {
            let (id, segment): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
            if segment.is_some_and(|segment| gone.contains(&segment)) {
                self.check_answer(id, None)?;
                self.tx.prepare_cached("UPDATE answers SET segment = ?2 WHERE id = ?1")?.execute(params![id, to])?;
                return self.stamp_answer(id);
            }
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

/// What a segment tells never changes under its name and sum.
fn own_id(sealed: &Sealed) -> String {
    format!("{} {}", sealed.name, sealed.sha256)
}
