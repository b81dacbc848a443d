//! The lock of a dataset: it keeps other processes out, and dies with its process.
//!
//! It is the system's lock of a file (`flock`). Where a file system has none (Lustre without `-o flock`), SQLite's own lock
//! on the same file does as well: that one is made of locks on parts of a file (`fcntl`), which such systems have.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StateError;
use super::wal::beside;

/// The lock's file in a dataset.
pub(super) const FILE: &str = ".lock";
/// A database that is made to try locks, and removed at once.
const PROBE: &str = ".tmp-lock";

/// The lock of a dataset; released when it is dropped.
#[derive(Debug)]
pub(super) enum Lock {
    /// The system's own.
    System(File),
    /// SQLite's, as long as its connection stands.
    Sqlite(#[expect(dead_code, reason = "it is held")] Connection),
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Self::System(file) = self {
            // Closing the file is not enough: a child that is just being started holds all our files for a moment.
            let _ = file.unlock();
        }
    }
}

/// Locks a dataset to change it.
pub(super) fn lock(folder: &Path) -> Result<Lock, StateError> {
    let path = folder.join(FILE);
    locked(OpenOptions::new().create(true).truncate(false).write(true).open(&path), folder)
}

/// Locks a dataset to look at it; makes no file. None if no notemill ever locked it: a copy without its lock.
pub(super) fn hold(folder: &Path) -> Result<Option<Lock>, StateError> {
    // Reading is enough for a lock, and all that a backup on a read-only disk allows.
    match OpenOptions::new().read(true).open(folder.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => locked(opened, folder).map(Some),
    }
}

/// Fails if another process works in a folder, which may hold no state yet: a run locks it before it makes one.
pub fn check_unused(folder: &Path) -> Result<(), StateError> {
    match hold(folder) {
        Err(error @ StateError::Locked { .. }) => Err(error),
        _ => Ok(()),
    }
}

fn locked(opened: io::Result<File>, folder: &Path) -> Result<Lock, StateError> {
    let path = folder.join(FILE);
    let file = crate::disk::doing("lock", &path, opened)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock::System(file)),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) if has_no_lock(&error) => {
            // Whoever closes a file gives up SQLite's locks on it.
            drop(file);
            by_sqlite(folder, &path)
        }
        Err(TryLockError::Error(error)) => Ok(crate::disk::doing("lock", &path, Err(error))?),
    }
}

/// Tells whether an error says that the file system has no locks, and not that locking failed.
fn has_no_lock(error: &io::Error) -> bool {
    let no_locks = if cfg!(target_os = "linux") { 37 } else { 77 };
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
        || (cfg!(unix) && error.raw_os_error() == Some(no_locks))
}

/// Locks the file as SQLite locks a database. The file is empty and stays so.
fn by_sqlite(folder: &Path, path: &Path) -> Result<Lock, StateError> {
    let begin = || -> rusqlite::Result<Connection> {
        let db =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(Duration::ZERO)?;
        db.pragma_update(None, "journal_mode", "MEMORY")?;
        match db.execute_batch("BEGIN EXCLUSIVE") {
            // On a disk that cannot be written: a reader's lock holds off whoever wants it alone.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
                db.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
            }
            begun => begun?,
        }
        Ok(db)
    };
    begin().map(Lock::Sqlite).map_err(|error| match StateError::from(error) {
        StateError::Busy { .. } => match probe(folder) {
            Err(error @ StateError::NoLocks { .. }) => error,
            _ => StateError::Locked { folder: folder.to_owned() },
        },
        StateError::NoLocks { source, .. } => StateError::NoLocks { path: path.to_owned(), source },
        error => error,
    })
}

/// Tries SQLite's locks on a database that nobody else knows: if they fail there, the file system has none.
pub(super) fn probe(folder: &Path) -> Result<(), StateError> {
    let path = folder.join(PROBE);
    let clear = || {
        for ending in ["", "-journal", "-wal", "-shm"] {
            // What is not there need not be removed, and what cannot be is tried again by the next command.
            let _ = std::fs::remove_file(beside(&path, ending));
        }
    };
    clear();
    let tried = || -> rusqlite::Result<String> {
        let db = Connection::open(&path)?;
        db.busy_timeout(Duration::ZERO)?;
        db.execute_batch("CREATE TABLE tried (value)")?;
        let mode = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        db.execute_batch("BEGIN IMMEDIATE; INSERT INTO tried VALUES (1); COMMIT")?;
        Ok(mode)
    };
    let done = tried();
    clear();
    match done.map_err(StateError::from) {
        Err(StateError::Busy { source, .. }) => {
            Err(StateError::NoLocks { path: folder.to_owned(), source: source.into() })
        }
        Err(StateError::NoLocks { source, .. }) => Err(StateError::NoLocks { path: folder.to_owned(), source }),
        Err(error) => Err(error),
        Ok(mode) if mode != "wal" => {
            let source = io::Error::other("SQLite's processes can share no memory there").into();
            Err(StateError::NoLocks { path: folder.to_owned(), source })
        }
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_has_no_lock_sqlites_keeps_others_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "").unwrap();
        let first = by_sqlite(folder.path(), &path).unwrap();
        assert!(matches!(by_sqlite(folder.path(), &path), Err(StateError::Locked { .. })));
        drop(first);
        let second = by_sqlite(folder.path(), &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        drop(second);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_probe_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_lock_is_told_from_one_that_failed() {
        for kind in [io::ErrorKind::Unsupported, io::ErrorKind::InvalidInput] {
            assert!(has_no_lock(&kind.into()), "{kind}");
        }
        if cfg!(target_os = "linux") {
            // ENOSYS, EOPNOTSUPP, ENOLCK; EIO.
            assert!([38, 95, 37].iter().all(|code| has_no_lock(&io::Error::from_raw_os_error(*code))));
            assert!(!has_no_lock(&io::Error::from_raw_os_error(5)));
        }
    }
}
