//! A draft of the state: what a run would change is copied, and only the copy changes.

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{Clock, FILE, SCHEMA_VERSION, StateError, Turn, is_dataset, is_empty, place, trust, versions};
use crate::model::Call;
use crate::vendor::Page;

/// Tables that a draft reads where they stand: the large ones.
const SHARED: [&str; 3] = ["answers", "bodies", "segments"];
/// The first version whose answers have the columns of today's.
const READABLE: i64 = 2;

/// A dataset's state to try things on. The dataset is not changed; another process may be at work on it.
#[derive(Debug)]
pub struct Draft {
    db: Connection,
    /// Whether there is no dataset yet.
    is_new: bool,
    /// The version of the dataset's tables.
    version: i64,
    clock: Clock,
    is_torn: Cell<bool>,
}

impl Draft {
    /// Looks at the state of a dataset; one that is not there yet is empty. Makes no file and holds no lock.
    pub fn of(folder: &Path) -> Result<Self, StateError> {
        place::check(folder)?;
        let file = folder.join(FILE);
        let is_new = !file.exists();
        if is_new {
            if is_dataset(folder) {
                let reason = "`state.sqlite` is gone".to_owned();
                return Err(StateError::Unready { folder: folder.to_owned(), reason });
            }
            if !is_empty(folder)? {
                return Err(StateError::NotADataset { folder: folder.to_owned() });
            }
            return Ok(Self {
                db: schema()?,
                is_new,
                version: SCHEMA_VERSION,
                clock: Clock::default(),
                is_torn: Cell::new(false),
            });
        }
        let (db, version) = trust::look_at(&file)?;
        if version == 0 {
            return Ok(Self {
                db: schema()?,
                is_new: true,
                version: SCHEMA_VERSION,
                clock: Clock::default(),
                is_torn: Cell::new(false),
            });
        }
        if version < READABLE {
            let reason = format!("an earlier notemill wrote `state.sqlite` (version {version})");
            return Err(StateError::Unready { folder: folder.to_owned(), reason });
        }
        Ok(Self { db, is_new, version, clock: Clock::default(), is_torn: Cell::new(false) })
    }

    /// Ages answers by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Begins the draft's turn, on the dataset as it is at this moment; without a commit, nothing of it remains.
    pub fn turn(&mut self) -> Result<Turn<'_>, StateError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Deferred)?;
        if !self.is_new {
            copy(&tx)?;
            if self.version < 7 {
                versions::fill_seventh(&tx)?;
            }
            if self.version < 8 {
                // The answers stand where they are; there, each place is the moment.
                tx.execute_batch("CREATE TEMP VIEW answers AS SELECT *, observed_at AS sequence FROM main.answers")?;
                versions::fill_eighth(&tx)?;
            }
            if self.version < 9 {
                tx.execute_batch("CREATE TEMP VIEW bodies AS SELECT *, NULL AS version FROM main.bodies")?;
            }
        }
        let mut turn = Turn { tx, clock: &self.clock, before: None, is_torn: &self.is_torn };
        // As a run that goes on now: all that is answered was answered another time.
        turn.before = turn.last_sequence()?;
        Ok(turn)
    }
}

fn schema() -> Result<Connection, StateError> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(include_str!("schema.sql"))?;
    Ok(db)
}

/// Copies the tables that a run changes into temporary ones of the same names, which SQLite finds first.
fn copy(db: &Connection) -> Result<(), StateError> {
    let schema = schema()?;
    let mut statement =
        schema.prepare("SELECT tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, sql): (String, String) = (row.get(0)?, row.get(1)?);
        if SHARED.contains(&table.as_str()) {
            continue;
        }
        if let Some(index) = sql.strip_prefix("CREATE INDEX ") {
            db.execute_batch(&format!("CREATE INDEX temp.{index}"))?;
            continue;
        }
        db.execute_batch(&sql.replacen("CREATE TABLE ", "CREATE TEMP TABLE ", 1))?;
        // An earlier version may lack columns; those have their defaults then.
        let common = "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(?1, 'main') \
                      INTERSECT SELECT name FROM pragma_table_info(?1, 'temp'))";
        let columns: Option<String> = db.query_row(common, [&table], |row| row.get(0))?;
        if let Some(columns) = columns {
            db.execute_batch(&format!("INSERT INTO temp.{table} ({columns}) SELECT {columns} FROM main.{table}"))?;
        }
    }
    Ok(())
}

impl Turn<'_> {
    /// Says whether the dataset holds live or sandbox answers; none before the first run.
    pub fn origin(&self) -> Result<Option<String>, StateError> {
        let sql = "SELECT value FROM meta WHERE name = 'origin'";
        Ok(self.tx.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// Shows the latest pages of searches and of users' notes, the oldest of them first: run, call, and what it showed.
    pub fn each_page(&self, most: usize, mut take: impl FnMut(&str, &Call, &Page)) -> Result<(), StateError> {
        let sql = "SELECT id, run, params, page FROM (SELECT id, run, params, page FROM answers \
                   WHERE endpoint IN ('search_notes', 'user_notes') AND outcome IN ('ok', 'empty') AND copy = 0 \
                   ORDER BY id DESC LIMIT ?1) ORDER BY id";
        let mut statement = self.tx.prepare(sql)?;
        let mut rows = statement.query([most as i64])?;
        while let Some(row) = rows.next()? {
            let (id, run, params, page): (i64, String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let bad = |error: serde_json::Error| StateError::Record(format!("answer {id}: {error}"));
            let call = Call::from_params(&params).map_err(bad)?;
            take(&run, &call, &serde_json::from_str(&page).map_err(bad)?);
        }
        Ok(())
    }

    /// Lists the notes that a run's walks have admitted.
    pub fn admitted_notes(&self, run: &str) -> Result<std::collections::HashSet<String>, StateError> {
        let sql = "SELECT note_id FROM walk_notes WHERE admitted = 1 AND walk IN (SELECT id FROM walks WHERE run = ?1)";
        let mut statement = self.tx.prepare(sql)?;
        let notes = statement.query_map([run], |row| row.get(0))?;
        Ok(notes.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Money, NoteId};
    use crate::state::APPLICATION_ID;
    use crate::state::{Level, NewTask, State, TaskStatus};

    #[test]
    fn what_a_draft_changes_is_gone_with_it_and_what_a_run_commits_meanwhile_is_seen_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        let run = turn.begin_run(Timestamp::now(), "f").unwrap().id;
        let add = |turn: &Turn<'_>, id: &str| {
            let call = Call::NoteDetail { note_id: NoteId::parse(id).unwrap() };
            turn.add_task(&run, &NewTask { call: &call, walk: None, rank: 1, level: Level::Seed }).unwrap()
        };
        assert!(add(&turn, "n1"));
        turn.commit().unwrap();
        let ready = |turn: &Turn<'_>| turn.count_tasks(&run, TaskStatus::Ready).unwrap();

        let mut draft = Draft::of(folder.path()).unwrap();
        let tried = draft.turn().unwrap();
        assert!(!add(&tried, "n1") && add(&tried, "n2"), "a task is unique in the copy, too");
        tried.mark_sent(1, Money::ZERO, Timestamp::now()).unwrap();
        let real = state.turn().unwrap();
        assert!(add(&real, "n3"), "the writer is not held up");
        real.commit().unwrap();
        assert_eq!(ready(&tried), 1, "n2: a draft sees one moment");
        drop(tried);
        assert_eq!(ready(&draft.turn().unwrap()), 2);
        // A run that ends beside a draft leaves a sound state.
        let tried = draft.turn().unwrap();
        let real = state.turn().unwrap();
        real.begin_run(Timestamp::now(), "g").unwrap();
        drop(real);
        drop(state);
        assert_eq!(ready(&tried), 2);
        let mut again = State::open(folder.path()).unwrap();
        assert_eq!(ready(&again.turn().unwrap()), 2);
        drop(again);
        drop(tried);
        drop(draft);
        assert_eq!(ready(&State::open(folder.path()).unwrap().turn().unwrap()), 2);
        assert_eq!(ready(&Draft::of(folder.path()).unwrap().turn().unwrap()), 2);
    }

    #[test]
    fn a_dataset_that_is_not_there_is_empty_and_what_is_none_is_told() {
        let home = tempfile::tempdir().unwrap();
        let absent = home.path().join("absent");
        let mut draft = Draft::of(&absent).unwrap();
        assert!(draft.turn().unwrap().latest_run().unwrap().is_none() && !absent.exists());
        let file = |name: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), "this is no database, and it is longer than a header").unwrap();
            Draft::of(folder.path()).unwrap_err()
        };
        assert!(matches!(file("thesis.docx"), StateError::NotADataset { .. }));
        assert!(matches!(file("archive"), StateError::Unready { .. }));
        assert!(matches!(file("state.sqlite"), StateError::Damaged { .. }));
    }

    #[test]
    fn an_older_state_is_looked_at_or_told() {
        let folder = tempfile::tempdir().unwrap();
        let made = |version: i64| {
            let file = folder.path().join("state.sqlite");
            let _ = std::fs::remove_file(&file);
            let db = Connection::open(&file).unwrap();
            db.execute_batch(include_str!("../../tests/fixtures/state-v1.sql")).unwrap();
            db.execute_batch(&format!(
                "ALTER TABLE answers ADD COLUMN checksum BLOB; PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {version};
                 INSERT INTO runs (id, started_at, status, fingerprint) VALUES ('r', 1, 'complete', 'f');"
            ))
            .unwrap();
            Draft::of(folder.path())
        };
        assert_eq!(made(2).unwrap().turn().unwrap().latest_run().unwrap().unwrap().id, "r");
        assert!(matches!(made(1), Err(StateError::Unready { .. })));
        assert!(matches!(made(99), Err(StateError::Version { found: 99 })));
    }
}
