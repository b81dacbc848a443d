//! The raw answers, sealed for good: `archive/<run>-<n>.parquet`, immutable, read by anyone's tools as they are.
//!
//! ```text
//! state (unsealed answers) ──seal──▶ file written, synced, renamed ──▶ one turn names it and drops the bodies
//! ```
//!
//! A file that no turn names is an orphan: it is removed, for its answers still stand in the state.

pub(crate) mod disk;
mod read;
mod schema;
mod seal;

use std::path::{Path, PathBuf};

use crate::state::StateError;

pub use disk::DiskError;
pub use read::{Answers, answers, read_answer};
pub use seal::{SEAL_BYTES, recover, remove_orphans, seal};

/// Says why the archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A segment is not what was sealed.
    #[error("the archive's segment `{path}` is damaged: {reason}")]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ArchiveError {
    fn damaged(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Returns the archive's folder in a dataset.
pub fn folder(dataset: &Path) -> PathBuf {
    dataset.join("archive")
}
