//! The answers, sealed: `archive/<run>-<n>.parquet`, immutable, read by anyone's tools as they are.
//!
//! ```text
//! state (unsealed answers) ──seal──▶ file written, synced, renamed ──▶ one turn names it and drops the bodies
//! ```
//!
//! A segment that no turn names is taken in by the next command: a kill came between, or the state was lost. A segment is
//! only ever removed after a turn has named another that holds its answers in its place.

mod expire;
mod read;
mod reconcile;
mod replace;
mod retained;
mod samples;
mod schema;
mod seal;
mod verify;

use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::state::StateError;

pub use expire::{convert, expire};
pub use read::{Answers, Batch, Segment, answers, read_answer, segment_answers, segments};
pub use reconcile::reconcile;
pub use replace::replace;
pub use seal::{SEAL_BYTES, seal};
pub use verify::verify;

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

    /// Says what is wrong, without the file.
    fn reason(&self) -> String {
        match self {
            Self::Damaged { reason, .. } => reason.clone(),
            error => error.to_string(),
        }
    }
}

/// Returns the archive's folder in a dataset.
pub fn folder(dataset: &Path) -> PathBuf {
    dataset.join("archive")
}
