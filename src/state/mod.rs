//! What a run has done and still owes, in one SQLite file: tasks, walks, answers not yet sealed, the budget.
//!
//! One process writes, held by a lock that dies with it. Everything changes in [`Turn`]s, and a turn is one synced
//! transaction: what it says is durable once [`Turn::commit`] returns, and not before.

mod answers;
mod checksum;
mod clock;
mod draft;
mod error;
mod forget;
mod known;
mod lock;
mod peek;
mod place;
mod runs;
mod searches;
mod segments;
mod sequence;
mod shapes;
mod tasks;
mod trust;
mod verify;
mod versions;
mod wal;
mod walks;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::disk::{Disk, Limits, doing};
pub use answers::{BodyPlace, Kept, Marked, Pending};
pub use clock::{Clock, latest_credible};
pub use draft::Draft;
pub use error::{NoLock, StateError};
pub use known::DueNote;
use lock::Lock;
pub use lock::check_unused;
pub use peek::{Peek, peek};
pub use runs::{Run, RunStatus, Spend, Tally};
pub use searches::{Added, Searched, Sent};
pub use segments::{Holds, Sealed};
pub use sequence::DatedAhead;
pub use shapes::KeptShape;
pub use tasks::{Level, NewTask, Task, TaskStatus};
use trust::Left;
pub use verify::{Harm, Held, StateFacts, hold};
pub use walks::{Dropped, Walk, WalkSummary};

/// The state's name in a dataset.
const FILE: &str = "state.sqlite";
/// The version of the schema that this program writes.
const SCHEMA_VERSION: i64 = 9;
/// How long the log may grow before it is moved into the file, which is read as a whole then; a quarter of the file if
/// that is longer.
const LONGEST_LOG: u64 = 32 << 20;
/// How many bytes must be free before a run asks anything: some hundred answers and their tables.
const NEEDED: u64 = 8 << 20;
/// "note" in ASCII: marks the file as ours.
const APPLICATION_ID: i64 = 0x6e6f_7465;

/// The state of one dataset, held by this process alone.
#[derive(Debug)]
pub struct State {
    db: Connection,
    image: trust::Image,
    folder: PathBuf,
    disk: Disk,
    clock: Clock,
    /// The place of the newest answer when this process began its part of a run; all later ones are its own.
    before: Option<i64>,
    doubt: Option<&'static str>,
    limits: Limits,
    /// Whether a commit failed: the log is left as it is.
    is_torn: Cell<bool>,
    /// Released when the state is dropped, or the process dies.
    _lock: Lock,
}

/// What opening a state under its lock yields.
struct Opened {
    db: Connection,
    image: trust::Image,
    doubt: Option<&'static str>,
    limits: Limits,
}

/// One transaction: all of it becomes durable at once, or none.
#[derive(Debug)]
pub struct Turn<'a> {
    tx: rusqlite::Transaction<'a>,
    clock: &'a Clock,
    before: Option<i64>,
    is_torn: &'a Cell<bool>,
}

impl State {
    /// Opens the state of a dataset, makes both where there are none, and locks them.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        Self::open_on(Disk::machine(), folder)
    }

    /// Opens the state of a dataset whose other files are written by this disk.
    ///
    /// # Errors
    ///
    /// Whatever would keep a run from writing down what it pays for: rights, locks, another program, damage.
    pub fn open_on(disk: Disk, folder: &Path) -> Result<Self, StateError> {
        place::check(folder)?;
        if !is_dataset(folder) && !is_empty(folder)? {
            return Err(StateError::NotADataset { folder: folder.to_owned() });
        }
        disk.make_folder(folder)?;
        let lock = lock::lock(folder)?;
        let opened = Opened::under_lock(&disk, folder).map_err(|error| match error.at(&folder.join(FILE)) {
            // Some systems say "busy" of a lock that they do not have.
            busy @ StateError::Busy { .. } => lock::probe(folder).err().filter(StateError::is_no_locks).unwrap_or(busy),
            error => error,
        })?;
        let Opened { db, image, doubt, limits } = opened;
        let (folder, clock, is_torn) = (folder.to_owned(), Clock::default(), Cell::new(false));
        Ok(Self { db, image, folder, disk, clock, before: None, doubt, limits, is_torn, _lock: lock })
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

    /// Returns what the dataset's file system lacks, if an earlier command did not report the same.
    pub fn take_new_limits(&mut self) -> Result<Limits, StateError> {
        let limits = self.limits;
        let said = [(limits.no_links, "no_links"), (limits.no_folder_sync, "no_folder_sync")];
        let mut new = [false; 2];
        let turn = self.turn()?;
        for (at, (is_lacking, name)) in said.into_iter().enumerate() {
            let changed = if is_lacking {
                turn.tx.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?1, 1)", [name])?
            } else {
                turn.tx.execute("DELETE FROM meta WHERE name = ?1", [name])?
            };
            new[at] = is_lacking && changed > 0;
        }
        turn.commit()?;
        Ok(Limits { no_links: new[0], no_folder_sync: new[1] })
    }

    /// Returns the dataset's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Checks that there is room to write down what a run pays for.
    pub fn check_room(&self) -> Result<(), StateError> {
        match self.disk.free(&self.folder) {
            Some(free) if free < NEEDED => {
                Err(StateError::NoRoom { folder: self.folder.clone(), free, needed: NEEDED })
            }
            _ => Ok(()),
        }
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

impl Opened {
    fn under_lock(disk: &Disk, folder: &Path) -> Result<Self, StateError> {
        let file = folder.join(FILE);
        let left = trust::left(&file)?;
        let limits = probe(disk, folder)?;
        if left == Left::Gone {
            // It speaks of a file that is there no more.
            trust::forget(disk, &file)?;
        }
        if matches!(left, Left::New | Left::Gone) {
            // A file system without locks is left without a state.
            lock::probe(folder)?;
        }
        let image = trust::Image::open(&file)?;
        let (db, version) = connect(&file, left)?;
        if matches!(left, Left::New | Left::Gone) {
            // The folder's entry for the new file must survive a power loss too.
            disk.sync_folder(folder)?;
        }
        trust::fold_leftover(&db, &image, disk)?;
        trust::begin_use(&db, &image, disk)?;
        let doubt = match left {
            Left::Gone => Some("`state.sqlite` was gone and is made anew; answers that it had not yet sealed are gone"),
            Left::Folded { .. } => Some(
                "another program moved the log of `state.sqlite` into it; every record was checked, and nothing is lost",
            ),
            // Version 1 wrote no checksum.
            Left::Unsure if version > 1 => Some(
                "nothing vouches for `state.sqlite`; if it is an older copy, answers that the newer one had not yet \
                 sealed are gone",
            ),
            _ => None,
        };
        Ok(Self { db, image, doubt, limits })
    }
}

/// Tries all that a run will write later, so that nothing is paid for that could not be kept.
fn probe(disk: &Disk, folder: &Path) -> Result<Limits, StateError> {
    let limits = disk.probe(folder)?;
    for name in ["archive", "snapshots", "runs", ".cache"] {
        let inner = folder.join(name);
        match inner.metadata() {
            Ok(found) if !found.is_dir() => return Err(StateError::NotAFolder { path: inner }),
            Ok(_) => disk.probe_writing(&inner)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => doing("look at", &inner, Err(error))?,
        }
    }
    Ok(limits)
}

impl Drop for State {
    fn drop(&mut self) {
        // What cannot be ended in good order is as after a kill.
        if !self.is_torn.get() {
            let _ = trust::end_use(&self.db, &self.image, &self.disk);
        }
    }
}

impl Turn<'_> {
    /// Returns the present moment by the state's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the state's clock.
    pub fn clock(&self) -> &Clock {
        self.clock
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

/// Tells whether a folder holds a state, or what is left of one.
pub fn has_state(folder: &Path) -> bool {
    let file = folder.join(FILE);
    file.exists() || wal::has_content(&file)
}

/// Tells whether a folder holds a dataset.
pub fn is_dataset(folder: &Path) -> bool {
    ["state.sqlite", "state.sqlite-wal", "archive", "snapshots"].iter().any(|name| folder.join(name).exists())
}

fn is_empty(folder: &Path) -> Result<bool, StateError> {
    // What a command leaves that was killed before it made a state.
    let own = [lock::FILE, ".tmp-"];
    let is_own = |name: &std::ffi::OsStr| own.iter().any(|own| name.to_string_lossy().starts_with(own));
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.all(|entry| entry.is_ok_and(|entry| is_own(&entry.file_name())))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Ok(doing("read the folder", folder, Err(error))?),
    }
}

/// Connects to the state; tells which version it had.
fn connect(file: &Path, left: Left) -> Result<(Connection, i64), StateError> {
    let unread = |error: rusqlite::Error| StateError::opening(file, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags).map_err(unread)?;
    // The log is folded in where `trust` says so, and nowhere else; not even after an error below.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "temp_store", "MEMORY").map_err(unread)?;
    if matches!(left, Left::Unsure | Left::Folded { .. }) {
        let told: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(unread)?;
        if told != "ok" {
            return Err(StateError::damaged(file, told));
        }
    }
    if let Left::Folded { opened } = left {
        trust::check_folded(&db, file, opened)?;
    }
    db.pragma_update(None, "journal_mode", "WAL").map_err(unread)?;
    // FULL: a commit that returned survives a power loss.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.set_prepared_statement_cache_capacity(64);
    let version = versions::bring_up(&mut db, file)?;
    // A switch that failed on the disk is no error to SQLite: it goes on without a log. Only what it did since tells.
    let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(unread)?;
    if mode != "wal" {
        file.parent().map_or(Ok(()), lock::probe)?;
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
        let copy = match &first._lock {
            Lock::System(file) => file.try_clone().unwrap(),
            Lock::Sqlite(_) => panic!("the system has locks"),
        };
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
