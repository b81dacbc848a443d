//! The state re-read: its file, its log, and every record in it. Nothing is changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};

use super::runs::timestamp;
use super::trust::Left;
use super::{
    APPLICATION_ID, FILE, RunStatus, SCHEMA_VERSION, Sealed, StateError, TaskStatus, checksum, lock, place, trust,
};
use crate::job::Limits;
use crate::model::{Answer, Billed, Call, Inspection, Outcome};
use crate::vendor::{ListedCounts, Page, Shape};

/// A dataset that nobody else can change meanwhile.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
    /// None where no notemill ever locked it: a copy without its lock.
    _lock: Option<lock::Lock>,
}

/// What the state says of the rest of the dataset.
#[derive(Debug, Default)]
pub struct StateFacts {
    /// Live or sandbox.
    pub origin: Option<String>,
    /// The segments that it names; none where the state cannot tell.
    pub segments: Option<Vec<Sealed>>,
    /// The names of segments that were replaced.
    pub dropped: BTreeSet<String>,
    /// What is wrong with the state; none if nothing is.
    pub harm: Option<Harm>,
    db: Option<Connection>,
}

/// What is wrong with a state: each leaves something else to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The file is gone.
    Gone,
    /// The file is not what the last command left, and all its records are sound.
    Changed,
    /// The log has lost commits; what the file holds can still be used.
    Log,
    /// Records are damaged, or the file is something else.
    Records,
}

/// Locks a dataset to look at it; makes no file.
pub fn hold(folder: &Path) -> Result<Held, StateError> {
    place::check_state(folder)?;
    Ok(Held { folder: folder.to_owned(), _lock: lock::hold(folder)? })
}

impl Held {
    /// Re-reads the state.
    ///
    /// # Errors
    ///
    /// It cannot be read: the disk, or another program that has it. That is no damage.
    pub fn inspect(&self, found: &mut Inspection) -> Result<StateFacts, StateError> {
        let file = self.folder.join(FILE);
        let (mut harm, mut opened, mut is_vouched) = (None, None, true);
        match trust::left(&file) {
            Err(StateError::Damaged { reason, log_alone, .. }) => {
                found.damage(&file, reason);
                harm = Some(if log_alone { Harm::Log } else { Harm::Records });
            }
            Err(StateError::Changed { .. }) => harm = Some(Harm::Changed),
            Err(error) => return Err(error),
            Ok(Left::Unsure) => is_vouched = false,
            Ok(Left::Folded { opened: known }) => opened = Some(known),
            Ok(_) => {}
        }
        if !file.exists() {
            if found.damage.is_empty() {
                found.damage(&file, "it is gone; the next run or build makes it again from the sealed archive");
            }
            return Ok(StateFacts { harm: Some(Harm::Gone), ..StateFacts::default() });
        }
        let looked = trust::look(&file).map_err(|error| StateError::opening(&file, error));
        let read = looked.and_then(|db| {
            if !is_vouched && trust::is_bare(&db).map_err(|error| StateError::opening(&file, error))? {
                if ["archive", "snapshots"].iter().any(|name| self.folder.join(name).exists()) {
                    found.damage(
                        &file,
                        "nothing is in it; the next run or build makes it again from the sealed archive",
                    );
                    harm = Some(Harm::Gone);
                } else {
                    found.note(&file, "nothing is in it yet: the command that made it ended at once");
                }
                return Ok((StateFacts::default(), false, db));
            }
            if !is_vouched {
                found.note(&file, "nothing vouches for it: no `state.sqlite.sha256` is beside it");
            }
            if opened.is_some_and(|opened| trust::openings(&db).ok().flatten() != Some(opened)) {
                harm = Some(Harm::Changed);
            } else if opened.is_some() {
                found.note(&file, "another program moved its log into it; the next command goes on with it");
            }
            if harm == Some(Harm::Changed) {
                found.damage(&file, "it is not what the last command left");
            }
            let before = found.damage.len();
            let facts = Reader { db: &db, file: file.clone(), found }.read()?;
            Ok((facts, found.damage.len() > before, db))
        });
        match read {
            Ok((facts, is_harmed, db)) => {
                let harm = if is_harmed { Some(Harm::Records) } else { harm };
                Ok(StateFacts { db: Some(db), harm, ..facts })
            }
            Err(error @ (StateError::Damaged { .. } | StateError::Record(_))) => {
                let what = match error {
                    StateError::Damaged { reason, .. } | StateError::Record(reason) => reason,
                    error => error.to_string(),
                };
                found.damage(&file, what);
                Ok(StateFacts { harm: Some(Harm::Records), ..StateFacts::default() })
            }
            Err(error) => Err(error.at(&file)),
        }
    }
}

/// Returns true if every record of a state is what was written.
pub(super) fn is_sound(db: &Connection, file: &Path) -> Result<bool, StateError> {
    let mut found = Inspection::default();
    match (Reader { db, file: file.to_owned(), found: &mut found }).read() {
        Ok(_) => Ok(found.damage.is_empty()),
        Err(error) if error.is_damage() => Ok(false),
        Err(error) => Err(error),
    }
}

impl StateFacts {
    /// Tells whether the state knows a sealed answer; true where it cannot tell.
    pub fn knows(&self, answer: &Answer) -> bool {
        let Some(db) = &self.db else { return true };
        // Before version 8, an answer's place was its moment.
        let known = db.prepare_cached("SELECT 1 FROM answers WHERE run = ?1 AND key = ?2 AND sequence = ?3");
        let known = known
            .or_else(|_| db.prepare_cached("SELECT 1 FROM answers WHERE run = ?1 AND key = ?2 AND observed_at = ?3"));
        let known =
            known.and_then(|mut statement| statement.exists((&answer.run_id, answer.call.key(), answer.sequence)));
        known.unwrap_or(true)
    }
}

/// Why a record is wrong.
type Wrong = String;

struct Reader<'a> {
    db: &'a Connection,
    file: PathBuf,
    found: &'a mut Inspection,
}

impl Reader<'_> {
    /// An error says why no more can be read.
    fn read(&mut self) -> Result<StateFacts, StateError> {
        let pragma = |name| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (version, owner) = (self.sql(pragma("user_version"))?, self.sql(pragma("application_id"))?);
        if owner != APPLICATION_ID {
            return Err(StateError::damaged(&self.file, "another program wrote it"));
        }
        if version > SCHEMA_VERSION {
            return Err(StateError::Version { found: version });
        }
        self.each("PRAGMA integrity_check", |row| match row.get::<_, String>(0).map_err(text)?.as_str() {
            "ok" => Ok(()),
            told => Err(told.to_owned()),
        })?;
        self.each("SELECT id, status, started_at FROM runs", |row| {
            RunStatus::parse(&get::<String>(row, 1)?).map_err(text)?;
            timestamp(get(row, 2)?).map(drop).map_err(text)
        })?;
        let tasks = self.each("SELECT id, key, params, status, run FROM tasks", task)?;
        self.each(
            "SELECT 0, run FROM tasks WHERE run NOT IN (SELECT id FROM runs) UNION SELECT 0, run FROM answers \
                   WHERE run NOT IN (SELECT id FROM runs)",
            |row| Err(format!("run {} is not there, and records name it", get::<String>(row, 1)?)),
        )?;
        self.each("SELECT id, limits FROM walks", |row| {
            let limits: String = get(row, 1)?;
            serde_json::from_str::<Limits>(&limits).map(drop).map_err(|error| format!("walk {}: {error}", id(row)))
        })?;
        self.each("SELECT note_id, latest, coalesce(at_detail, latest) FROM listings", |row| {
            for at in 1..=2 {
                let counts: String = get(row, at)?;
                serde_json::from_str::<ListedCounts>(&counts).map_err(|error| format!("a listing: {error}"))?;
            }
            Ok(())
        })?;
        let answers = if version < 2 {
            self.found.note(
                &self.file,
                format!("it has version {version}, without checksums of answers; the next command brings it up"),
            );
            self.each("SELECT id FROM answers", |_| Ok(()))?
        } else {
            let select = if version < 8 { checksum::select_before_8 } else { checksum::select };
            self.each(&select("ORDER BY id"), answer)?
        };
        if version > 2 {
            self.each("SELECT 0, shape, run FROM shapes", |row| {
                let sound = Shape::parse(&get::<String>(row, 1)?).is_some();
                sound
                    .then_some(())
                    .ok_or_else(|| format!("the shape of run {}'s answers", get::<String>(row, 2).unwrap_or_default()))
            })?;
        }
        let waiting = self.each("SELECT answer FROM bodies", |_| Ok(()))?;
        self.relations()?;
        if version >= 8 {
            self.sequences()?;
        }
        self.found.read.extend([("answers", answers), ("tasks", tasks), ("bodies not sealed", waiting)]);
        let origin = "SELECT (SELECT value FROM meta WHERE name = 'origin')";
        let origin = self.sql(self.db.query_row(origin, [], |row| row.get(0)))?;
        // Older versions replaced none.
        let dropped = if version < 4 { BTreeSet::new() } else { self.dropped()? };
        Ok(StateFacts { origin, segments: Some(self.segments()?), dropped, harm: None, db: None })
    }

    /// Checks what records say of each other.
    fn relations(&mut self) -> Result<(), StateError> {
        self.each(
            "SELECT answer FROM bodies WHERE answer NOT IN (SELECT id FROM answers WHERE segment IS NULL)",
            |row| Err(format!("a body of answer {}, which is sealed or is not there", id(row))),
        )?;
        self.each(
            "SELECT 0, segment, count(*) FROM answers WHERE segment IS NOT NULL \
             GROUP BY segment HAVING count(*) > coalesce((SELECT rows FROM segments WHERE name = segment), 0)",
            |row| {
                let (name, answers): (String, i64) = (get(row, 1)?, get(row, 2)?);
                Err(format!("{answers} answers name the segment {name}, which is not there or holds fewer"))
            },
        )?;
        self.each(
            "SELECT 0, max(observed_at) FROM answers HAVING max(observed_at) > \
             coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_observed_at'), 0)",
            |_| Err("an answer is younger than the latest moment".into()),
        )?;
        Ok(())
    }

    /// Checks that no answer comes after the newest.
    fn sequences(&mut self) -> Result<(), StateError> {
        self.each(
            "SELECT 0, max(sequence) FROM answers HAVING max(sequence) > \
             coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_sequence'), 0)",
            |_| Err("an answer comes after the newest".into()),
        )?;
        Ok(())
    }

    fn segments(&self) -> Result<Vec<Sealed>, StateError> {
        self.all(Sealed::SELECT, Sealed::read)
    }

    fn dropped(&self) -> Result<BTreeSet<String>, StateError> {
        Ok(self.all(Sealed::DROPPED, |row| row.get(0))?.into_iter().collect())
    }

    fn all<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, StateError> {
        let mut statement = self.sql(self.db.prepare(sql))?;
        let rows = self.sql(statement.query_map([], read))?;
        self.sql(rows.collect())
    }

    /// Reads every row; tells of each that is wrong, and returns how many there are.
    fn each(&mut self, sql: &str, check: impl Fn(&Row<'_>) -> Result<(), Wrong>) -> Result<u64, StateError> {
        let mut statement = self.sql(self.db.prepare(sql))?;
        let mut rows = self.sql(statement.query([]))?;
        let mut count = 0;
        while let Some(row) = self.sql(rows.next())? {
            count += 1;
            if let Err(what) = check(row) {
                self.found.damage(&self.file, what);
            }
        }
        Ok(count)
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, StateError> {
        result.map_err(|error| match error.sqlite_error_code() {
            // The statements are right: what they name is not there.
            Some(rusqlite::ErrorCode::Unknown) => StateError::damaged(&self.file, error.to_string()),
            _ => StateError::opening(&self.file, error),
        })
    }
}

fn task(row: &Row<'_>) -> Result<(), Wrong> {
    let bad = |what: &str| format!("task {}: {what}", id(row));
    let (key, params, status): (String, String, String) = (get(row, 1)?, get(row, 2)?, get(row, 3)?);
    let call = Call::from_params(&params).map_err(|error| bad(&error.to_string()))?;
    if call.key() != key {
        return Err(bad("its key is not its call's"));
    }
    TaskStatus::parse(&status).map(drop).ok_or_else(|| bad("status"))
}

fn answer(row: &Row<'_>) -> Result<(), Wrong> {
    let (id, key) = checksum::check(row).map_err(text)?;
    let bad = |what: &str| format!("answer {id}: {what}");
    let field = |name: &str| row.get::<_, String>(name).map_err(text);
    let call = Call::from_params(&field("params")?).map_err(|error| bad(&error.to_string()))?;
    if call.key() != key || call.endpoint().as_str() != field("endpoint")? {
        return Err(bad("its key is not its call's"));
    }
    timestamp(row.get("observed_at").map_err(text)?).map_err(text)?;
    Outcome::parse(&field("outcome")?).ok_or_else(|| bad("outcome"))?;
    Billed::parse(&field("billed")?).ok_or_else(|| bad("billed"))?;
    serde_json::from_str::<Page>(&field("page")?).map_err(|error| bad(&error.to_string()))?;
    if let Some(admitted) = row.get::<_, Option<String>>("admitted").map_err(text)? {
        serde_json::from_str::<Vec<u32>>(&admitted).map_err(|error| bad(&error.to_string()))?;
    }
    Ok(())
}

fn id(row: &Row<'_>) -> i64 {
    row.get(0).unwrap_or_default()
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, at: usize) -> Result<T, Wrong> {
    row.get(at).map_err(text)
}

fn text(error: impl std::fmt::Display) -> Wrong {
    error.to_string()
}
