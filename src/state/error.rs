//! Why the state cannot be used. Only what is proved to be damaged is called damaged: a lock, a full disk or a missing right
//! says nothing about what a file holds.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use super::{FILE, SCHEMA_VERSION};
use crate::disk::DiskError;

/// Says why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process holds the dataset.
    #[error("the dataset `{folder}` is in use by another notemill")]
    Locked {
        /// The dataset's folder.
        folder: PathBuf,
    },
    /// Another program holds SQLite's own locks.
    #[error("the state file `{file}` is in use by another program")]
    Busy {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Nobody can be kept out of the dataset.
    #[error("the file system of `{path}` cannot lock files")]
    NoLocks {
        /// A file or folder on it.
        path: PathBuf,
        /// What failed.
        source: NoLock,
    },
    /// The folder holds something else.
    #[error("the folder `{folder}` is not empty and holds no dataset")]
    NotADataset {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a file where the dataset's folder would be.
    #[error("`{path}` is a file, and the dataset needs a folder of that name")]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// There is a folder where a file of the dataset would be.
    #[error("`{path}` is a folder, and the dataset needs a file of that name")]
    NotAFile {
        /// The folder.
        path: PathBuf,
    },
    /// The dataset's folder, or one above it, is a link whose target is missing.
    #[error("`{path}` is a link to `{to}`, which is not there")]
    LinkToNothing {
        /// The link.
        path: PathBuf,
        /// What it names.
        to: PathBuf,
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
        /// Whether its log alone has lost something: what the file itself holds can still be used.
        log_alone: bool,
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
    /// The disk is nearly full.
    #[error("the disk of `{folder}` has {} KiB left, and a run needs {} KiB", free >> 10, needed >> 10)]
    NoRoom {
        /// The dataset's folder.
        folder: PathBuf,
        /// How many bytes are free.
        free: u64,
        /// How many must be.
        needed: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// SQLite failed: the disk, or a bug.
    #[error("cannot read or write the state")]
    Sql(#[source] rusqlite::Error),
    /// A record in the state cannot be read.
    #[error("a record of the state cannot be read: {0}")]
    Record(String),
}

/// What shows that a file system cannot lock.
#[derive(Debug, thiserror::Error)]
pub enum NoLock {
    /// The system's own lock of a file.
    #[error(transparent)]
    System(#[from] io::Error),
    /// SQLite's locks of parts of a file, or the memory that its processes share.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        // Where the file is known, `at` says so.
        match kind(&error) {
            Kind::Busy => Self::Busy { file: FILE.into(), source: error },
            Kind::NoLocks => Self::NoLocks { path: FILE.into(), source: error.into() },
            Kind::Damage | Kind::Other => Self::Sql(error),
        }
    }
}

impl StateError {
    /// Takes an error of SQLite that came while a state was opened or looked at.
    pub(super) fn opening(file: &Path, error: rusqlite::Error) -> Self {
        match kind(&error) {
            Kind::Damage => Self::damaged(file, error.to_string()),
            _ => Self::from(error).at(file),
        }
    }

    /// Says that a file is damaged, or something else.
    pub(super) fn damaged(file: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), reason: reason.into(), log_alone: false }
    }

    /// Names the state's file in an error that came without it.
    pub(super) fn at(self, state: &Path) -> Self {
        match self {
            Self::Busy { source, .. } => Self::Busy { file: state.to_owned(), source },
            Self::NoLocks { source, path } if path == Path::new(FILE) => {
                Self::NoLocks { path: state.to_owned(), source }
            }
            error => error,
        }
    }

    /// Returns true if the file system has no locks.
    pub(super) fn is_no_locks(&self) -> bool {
        matches!(self, Self::NoLocks { .. })
    }

    /// Tells whether the dataset is damaged, and not the disk that holds it.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Changed { .. } | Self::Record(_) => true,
            Self::Sql(error) => kind(error) == Kind::Damage,
            _ => false,
        }
    }
}

/// What an error of SQLite says about the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing: another program has it.
    Busy,
    /// Nothing: the file system has no locks, or no memory that processes share.
    NoLocks,
    /// It is not what was written.
    Damage,
    /// Nothing: the disk, rights, memory, or a bug.
    Other,
}

fn kind(error: &rusqlite::Error) -> Kind {
    match error {
        // A value of another type, or a record that its index names and that is not there.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::Utf8Error(..) => return Kind::Damage,
        _ => {}
    }
    let Some(error) = error.sqlite_error() else { return Kind::Other };
    match (error.code, error.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed, _) => Kind::Busy,
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Kind::Damage,
        (
            _,
            ffi::SQLITE_IOERR_LOCK
            | ffi::SQLITE_IOERR_UNLOCK
            | ffi::SQLITE_IOERR_RDLOCK
            | ffi::SQLITE_IOERR_BLOCKED
            | ffi::SQLITE_IOERR_CHECKRESERVEDLOCK
            | ffi::SQLITE_IOERR_SHMLOCK
            | ffi::SQLITE_IOERR_SHMMAP
            | ffi::SQLITE_IOERR_SHMOPEN,
        ) => Kind::NoLocks,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_proved_is_damage() {
        let of = |code: i32| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let opened = StateError::opening(Path::new("d/state.sqlite"), error);
            let later = StateError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            assert_eq!(opened.is_damage(), later.is_damage(), "{code}");
            opened
        };
        let busy = [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_RECOVERY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_BUSY_TIMEOUT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_LOCKED_SHAREDCACHE,
            ffi::SQLITE_PROTOCOL,
        ];
        for code in busy {
            let error = of(code);
            assert!(matches!(&error, StateError::Busy { file, .. } if file.starts_with("d")), "{code}: {error:?}");
        }
        let locks = [
            ffi::SQLITE_IOERR_LOCK,
            ffi::SQLITE_IOERR_RDLOCK,
            ffi::SQLITE_IOERR_UNLOCK,
            ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
            ffi::SQLITE_IOERR_SHMLOCK,
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_IOERR_SHMOPEN,
        ];
        for code in locks {
            let error = of(code);
            assert!(matches!(&error, StateError::NoLocks { path, .. } if path.starts_with("d")), "{code}: {error:?}");
        }
        let others = [
            ffi::SQLITE_ERROR,
            ffi::SQLITE_PERM,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_INTERRUPT,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_SHMSIZE,
            ffi::SQLITE_FULL,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_CANTOPEN_ISDIR,
            ffi::SQLITE_AUTH,
        ];
        for code in others {
            let error = of(code);
            assert!(matches!(&error, StateError::Sql(_)) && !error.is_damage(), "{code}: {error:?}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB] {
            assert!(matches!(of(code), StateError::Damaged { .. }), "{code}");
        }
    }
}
