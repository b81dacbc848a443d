//! Parts of the answers: what a build reads at once, and remembers to have read.

use crate::archive::{ArchiveError, Segment};
use crate::model::Answer;

/// Some of the answers that a dataset is made of; what it holds never changes under its name and sum.
pub trait Part: Sync {
    /// Says why an answer cannot be had.
    type Error: std::error::Error + Send + 'static;

    /// Returns its name among the parts.
    fn name(&self) -> &str;

    /// Returns a checksum of all that it holds.
    fn sum(&self) -> &str;

    /// Reads its answers.
    ///
    /// # Errors
    ///
    /// The part as a whole, or one of its answers, cannot be read.
    fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, Self::Error>>, Self::Error>;
}

impl Part for Segment {
    type Error = ArchiveError;

    fn name(&self) -> &str {
        self.name()
    }

    fn sum(&self) -> &str {
        self.sha256()
    }

    fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, ArchiveError>>, ArchiveError> {
        self.answers()
    }
}
