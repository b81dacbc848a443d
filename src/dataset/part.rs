//! Parts of the answers: what a build reads at once, and remembers to have read.

use crate::archive::{ArchiveError, Segment};
use crate::model::Answer;

/// Some of the answers that a dataset is made of.
pub trait Part: Sync {
    /// Says why an answer cannot be had.
    type Error: std::error::Error + Send + 'static;

    /// Names what it tells, which never changes under this id.
    fn id(&self) -> &str;

    /// Reads its answers.
    ///
    /// # Errors
    ///
    /// The part as a whole, or one of its answers, cannot be read.
    fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, Self::Error>>, Self::Error>;
}

impl Part for Segment {
    type Error = ArchiveError;

    fn id(&self) -> &str {
        self.id()
    }

    fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, ArchiveError>>, ArchiveError> {
        self.answers()
    }
}
