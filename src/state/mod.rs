//! What a run has done and still owes, in one SQLite file: tasks, walks, answers not yet sealed, the budget.
//!
//! One process writes, held by a lock that dies with it. Everything changes in [`Turn`]s, and a turn is one synced
//! transaction: what it says is durable once [`Turn::commit`] returns, and not before.

mod answers;
mod known;
mod runs;
mod tasks;
mod walks;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::disk::{Disk, DiskError};
use crate::model::Money;
pub use answers::{Kept, Pending};
pub use runs::{Run, RunStatus, Spend, Tally};
pub use tasks::{Level, NewTask, Task, TaskStatus};
pub use walks::Walk;

/// The version of the schema that this program writes.
const SCHEMA_VERSION: i64 = 1;
/// "note" in ASCII: marks the file as ours.
const APPLICATION_ID: i64 = 0x6e6f_7465;

/// Says why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process holds the dataset.
    #[error("the dataset `{folder}` is in use by another notemill")]
    Locked {
        /// The dataset's folder.
        folder: PathBuf,
    },
    /// The folder holds something else.
    #[error("the folder `{folder}` is not empty and holds no dataset")]
    NotADataset {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer version wrote it.
    #[error("the dataset's state has version {found}, and this program knows versions up to {SCHEMA_VERSION}")]
    Version {
        /// The version found.
        found: i64,
    },
    /// Live and sandbox answers would mix.
    #[error("the dataset holds {found} answers, and this run is {wanted}")]
    Origin {
        /// What the dataset holds.
        found: String,
        /// What the run is.
        wanted: String,
    },
    /// The file is no state of ours, or is damaged.
    #[error("the state file `{file}` is damaged or is something else: {reason}")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The disk failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// SQLite failed: the disk, or a bug.
    #[error("cannot read or write the state")]
    Sql(#[from] rusqlite::Error),
    /// A record in the state cannot be read.
    #[error("a record of the state cannot be read: {0}")]
    Record(String),
}

/// The state of one dataset, held by this process alone.
#[derive(Debug)]
pub struct State {
    db: Connection,
    folder: PathBuf,
    disk: Disk,
    /// Released when the state is dropped, or the process dies.
    _lock: Lock,
}

/// The lock of a dataset.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that is just being started holds all our files for a moment.
        let _ = self.0.unlock();
    }
}

/// One transaction: all of it becomes durable at once, or none.
#[derive(Debug)]
pub struct Turn<'a> {
    tx: rusqlite::Transaction<'a>,
}

impl State {
    /// Opens the state of a dataset, makes both where there are none, and locks them.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        Self::open_on(Disk::machine(), folder)
    }

    /// Opens the state of a dataset whose other files are written by this disk.
    pub fn open_on(disk: Disk, folder: &Path) -> Result<Self, StateError> {
        if !is_dataset(folder) && (folder.is_file() || !is_empty(folder)?) {
            return Err(StateError::NotADataset { folder: folder.to_owned() });
        }
        disk.make_folder(folder)?;
        let lock = lock(folder)?;
        let file = folder.join("state.sqlite");
        let is_new = !file.exists();
        let db = connect(&file)?;
        if is_new {
            // The folder's entry for the new file must survive a power loss too.
            disk.sync_folder(folder)?;
        }
        Ok(Self { db, folder: folder.to_owned(), disk, _lock: lock })
    }

    /// Returns the dataset's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns what writes the dataset's other files.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Begins a turn.
    pub fn turn(&mut self) -> Result<Turn<'_>, StateError> {
        Ok(Turn { tx: self.db.transaction_with_behavior(TransactionBehavior::Immediate)? })
    }

    /// Says whether the dataset holds live or sandbox answers; none before the first run.
    pub fn origin(&self) -> Result<Option<String>, StateError> {
        let sql = "SELECT value FROM meta WHERE name = 'origin'";
        Ok(self.db.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// Claims the dataset for live or sandbox answers; they never mix.
    pub fn claim_origin(&mut self, wanted: &str) -> Result<(), StateError> {
        if let Some(found) = self.origin()? {
            if found != wanted {
                return Err(StateError::Origin { found, wanted: wanted.to_owned() });
            }
            return Ok(());
        }
        self.db.execute("INSERT INTO meta (name, value) VALUES ('origin', ?1)", [wanted])?;
        Ok(())
    }
}

impl StateError {
    /// Tells whether the dataset is damaged, and not the disk that holds it.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Record(_) => true,
            Self::Sql(error) => {
                use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
                matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            _ => false,
        }
    }
}

impl Turn<'_> {
    /// Makes the turn durable.
    pub fn commit(self) -> Result<(), StateError> {
        Ok(self.tx.commit()?)
    }
}

/// Tells whether a folder holds a dataset.
pub fn is_dataset(folder: &Path) -> bool {
    ["state.sqlite", "archive", "snapshots"].iter().any(|name| folder.join(name).exists())
}

/// What can be seen of a dataset's state without holding it: another process may be at work on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The unfinished run.
    pub unfinished: Option<String>,
    /// How often the calls that are answered or given up were sent, over all runs.
    pub sent: u64,
    /// What they cost.
    pub cost: Money,
}

/// Looks at a dataset's state; none where there is none, or where it cannot be opened.
pub fn peek(folder: &Path) -> Result<Option<Peek>, StateError> {
    let file = folder.join("state.sqlite");
    if !file.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = "SELECT (SELECT id FROM runs WHERE status IN ('running', 'stopped') ORDER BY started_at DESC LIMIT 1), \
               (SELECT coalesce(sum(attempts), 0) FROM answers WHERE copy = 0), \
               (SELECT coalesce(sum(cost), 0) FROM answers WHERE copy = 0)";
    let peeked = Connection::open_with_flags(&file, flags).and_then(|db| {
        db.query_row(sql, [], |row| {
            let (sent, cost) = (row.get::<_, i64>(1)? as u64, Money::from_micros(row.get(2)?));
            Ok(Peek { unfinished: row.get(0)?, sent, cost })
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

fn is_empty(folder: &Path) -> Result<bool, StateError> {
    let own = [".lock"];
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.all(|entry| entry.is_ok_and(|entry| own.iter().any(|own| entry.file_name() == *own))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(StateError::Io { doing: "read the folder", path: folder.to_owned(), source }),
    }
}

fn lock(folder: &Path) -> Result<Lock, StateError> {
    let path = folder.join(".lock");
    let io = |source| StateError::Io { doing: "lock", path: path.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Tells whether the disk failed, and not what is on it.
fn is_disk(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure))
}

fn connect(file: &Path) -> Result<Connection, StateError> {
    let damaged = |error: rusqlite::Error| match StateError::Sql(error) {
        StateError::Sql(error) if !is_disk(&error) => {
            StateError::Damaged { file: file.to_owned(), reason: error.to_string() }
        }
        error => error,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    let version = db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map_err(damaged)?;
    let owner = db.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)).map_err(damaged)?;
    if version > SCHEMA_VERSION {
        return Err(StateError::Version { found: version });
    }
    db.pragma_update(None, "journal_mode", "WAL").map_err(damaged)?;
    // FULL: a commit that returned survives a power loss.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(64);
    if version == 0 {
        let tables =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).map_err(damaged)?;
        if tables > 0 {
            return Err(StateError::Damaged { file: file.to_owned(), reason: "it holds other tables".into() });
        }
        db.execute_batch(&format!(
            "BEGIN; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
            include_str!("schema.sql")
        ))?;
    } else if owner != APPLICATION_ID {
        return Err(StateError::Damaged { file: file.to_owned(), reason: "another program wrote it".into() });
    }
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_holds_a_dataset() {
        let folder = tempfile::tempdir().unwrap();
        let first = State::open(folder.path()).unwrap();
        assert!(matches!(State::open(folder.path()), Err(StateError::Locked { .. })));
        // A copy of the lock's file, as a child has that is just being started, holds nobody up.
        let copy = first._lock.0.try_clone().unwrap();
        drop(first);
        State::open(folder.path()).unwrap();
        drop(copy);
    }

    #[test]
    fn a_commit_survives_a_power_loss_by_settings() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        let pragma = |name: &str| {
            state.db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(2));
        assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".into()));
    }

    #[test]
    fn what_is_no_dataset_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.docx"), "x").unwrap();
        assert!(matches!(State::open(folder.path()), Err(StateError::NotADataset { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("state.sqlite"), "this is no database, and it is longer than a header")
            .unwrap();
        assert!(matches!(State::open(folder.path()), Err(StateError::Damaged { .. })));
    }

    #[test]
    fn live_and_sandbox_answers_never_mix() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        state.claim_origin("sandbox").unwrap();
        state.claim_origin("sandbox").unwrap();
        assert!(matches!(state.claim_origin("live"), Err(StateError::Origin { .. })));
    }

    #[test]
    fn a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(State::open(folder.path()).unwrap());
        let db = Connection::open(folder.path().join("state.sqlite")).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        assert!(matches!(State::open(folder.path()), Err(StateError::Version { found: 99 })));
    }
}
