//! What a run has done and still owes, in one SQLite file: tasks, walks, answers not yet sealed, the budget.
//!
//! One process writes, held by a lock that dies with it. Everything changes in [`Turn`]s, and a turn is one synced
//! transaction: what it says is durable once [`Turn::commit`] returns, and not before.

mod answers;
mod checksum;
mod clock;
mod draft;
mod forget;
mod known;
mod peek;
mod runs;
mod segments;
mod shapes;
mod tasks;
mod trust;
mod verify;
mod versions;
mod wal;
mod walks;

use std::cell::Cell;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::disk::{Disk, DiskError, doing};
pub use answers::{Kept, Pending};
pub use clock::Clock;
pub use draft::Draft;
pub use peek::{Peek, peek};
pub use runs::{Run, RunStatus, Spend, Tally};
pub use segments::{Holds, Sealed};
pub use shapes::{KeptShape, Uncounted};
pub use tasks::{Level, NewTask, Task, TaskStatus};
use trust::Left;
pub use verify::{Held, StateFacts, hold};
pub use walks::{Dropped, Walk, WalkSummary};

/// The state's name in a dataset.
const FILE: &str = "state.sqlite";
/// The version of the schema that this program writes.
const SCHEMA_VERSION: i64 = 7;
/// How long the log may grow before it is moved into the file, which is read as a whole then; a quarter of the file if
/// that is longer.
const LONGEST_LOG: u64 = 32 << 20;
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
    /// The state must first be made, or brought up to date.
    #[error("the state of the dataset `{folder}` cannot be looked at: {reason}")]
    Unready {
        /// The dataset's folder.
        folder: PathBuf,
        /// Why.
        reason: String,
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
    /// The file is another one than the last command left.
    #[error(
        "the state file `{file}` is not what the last command left: another program wrote to it, an older copy was put \
         back, or it is damaged"
    )]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// What was removed could not be taken out of the log.
    #[error("another program is reading the state of `{folder}`, and holds back what must go")]
    HeldBack {
        /// The dataset's folder.
        folder: PathBuf,
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
    image: trust::Image,
    folder: PathBuf,
    disk: Disk,
    clock: Clock,
    /// The latest answer when this process began its part of a run; all later ones are its own.
    before: Option<Timestamp>,
    doubt: Option<&'static str>,
    /// Whether a commit failed: the log is left as it is.
    is_torn: Cell<bool>,
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
    clock: &'a Clock,
    before: Option<Timestamp>,
    is_torn: &'a Cell<bool>,
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
        let file = folder.join(FILE);
        let left = trust::left(&file)?;
        if left == Left::Gone {
            // It speaks of a file that is there no more.
            trust::forget(&disk, &file)?;
        }
        let image = trust::Image::open(&file)?;
        let (db, version) = connect(&file, left)?;
        if matches!(left, Left::New | Left::Gone) {
            // The folder's entry for the new file must survive a power loss too.
            disk.sync_folder(folder)?;
        }
        trust::fold_leftover(&db, &image, &disk)?;
        trust::begin_use(&db, &image, &disk)?;
        let doubt = match left {
            Left::Gone => Some("`state.sqlite` was gone and is made anew; answers that it had not yet sealed are gone"),
            // Version 1 wrote no checksum.
            Left::Unsure if version > 1 => Some(
                "nothing vouches for `state.sqlite`; if it is an older copy, answers that the newer one had not yet \
                 sealed are gone",
            ),
            _ => None,
        };
        let (folder, clock, is_torn) = (folder.to_owned(), Clock::default(), Cell::new(false));
        Ok(Self { db, image, folder, disk, clock, before: None, doubt, is_torn, _lock: lock })
    }

    /// Dates and ages answers by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Says why something may be lost that no archive can tell; none where nothing can be.
    pub fn doubt(&self) -> Option<&'static str> {
        self.doubt
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
        self.is_torn.set(true);
        trust::fold_if_long(&self.db, &self.image, &self.disk, LONGEST_LOG)?;
        self.is_torn.set(false);
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Turn { tx, clock: &self.clock, before: self.before, is_torn: &self.is_torn })
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
        let turn = self.turn()?;
        turn.tx.execute("INSERT INTO meta (name, value) VALUES ('origin', ?1)", [wanted])?;
        turn.commit()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // What cannot be ended in good order is as after a kill.
        if !self.is_torn.get() {
            let _ = trust::end_use(&self.db, &self.image, &self.disk);
        }
    }
}

impl StateError {
    /// Tells whether the dataset is damaged, and not the disk that holds it.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::Changed { .. }
            | Self::Record(_)
            // A value of another type, or a record that its index names and that is not there.
            | Self::Sql(
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::Utf8Error(..),
            ) => true,
            Self::Sql(error) => {
                use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
                matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            _ => false,
        }
    }
}

impl Turn<'_> {
    /// Returns the present moment by the state's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes the turn durable.
    pub fn commit(self) -> Result<(), StateError> {
        // Until it is known to have returned: a sync that failed must not be tried again, not even at the end.
        self.is_torn.set(true);
        self.tx.commit()?;
        self.is_torn.set(false);
        Ok(())
    }
}

/// Tells whether a folder holds a dataset.
pub fn is_dataset(folder: &Path) -> bool {
    ["state.sqlite", "state.sqlite-wal", "archive", "snapshots"].iter().any(|name| folder.join(name).exists())
}

fn is_empty(folder: &Path) -> Result<bool, StateError> {
    let own = [".lock"];
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.all(|entry| entry.is_ok_and(|entry| own.iter().any(|own| entry.file_name() == *own))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Ok(doing("read the folder", folder, Err(error))?),
    }
}

fn lock(folder: &Path) -> Result<Lock, StateError> {
    let path = folder.join(".lock");
    locked(OpenOptions::new().create(true).truncate(false).write(true).open(&path), folder, &path)
}

fn locked(opened: std::io::Result<File>, folder: &Path, path: &Path) -> Result<Lock, StateError> {
    let file = doing("lock", path, opened)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Ok(doing("lock", path, Err(error))?),
    }
}

/// Tells whether the disk failed, and not what is on it.
fn is_disk(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure))
}

/// Connects to the state; tells which version it had.
fn connect(file: &Path, left: Left) -> Result<(Connection, i64), StateError> {
    let damaged = |reason: String| StateError::Damaged { file: file.to_owned(), reason };
    let unread = |error: rusqlite::Error| if is_disk(&error) { error.into() } else { damaged(error.to_string()) };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags)?;
    // The log is folded in where `trust` says so, and nowhere else; not even after an error below.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "temp_store", "MEMORY").map_err(unread)?;
    if left == Left::Unsure {
        let told: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(unread)?;
        if told != "ok" {
            return Err(damaged(told));
        }
    }
    db.pragma_update(None, "journal_mode", "WAL").map_err(unread)?;
    // FULL: a commit that returned survives a power loss.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.set_prepared_statement_cache_capacity(64);
    let version = versions::bring_up(&mut db, file)?;
    // A switch that failed on the disk is no error to SQLite: it goes on without a log. Only what it did since tells.
    let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(unread)?;
    if mode != "wal" {
        doing("keep a log beside", file, Err(std::io::Error::other("SQLite could not switch to one")))?;
    }
    Ok((db, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::used_underscore_binding, reason = "it is held, and looked at only here")]
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
        // The newer notemill would have left its own.
        std::fs::remove_file(folder.path().join("state.sqlite.sha256")).unwrap();
        assert!(matches!(State::open(folder.path()), Err(StateError::Version { found: 99 })));
    }
}
