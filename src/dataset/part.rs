//! Parts of the answers: what a build reads at once, and remembers to have read.

use crate::archive::{self, ArchiveError, Segment};
use crate::model::Answer;

/// Some of the answers that a dataset is made of.
pub trait Part: Sync {
    /// Says why an answer cannot be had.
    type Error: std::error::Error + Send + 'static;
    /// Some of its answers, not yet decoded.
    type Batch: Batch<Self::Error>;

    /// Names what it tells, which never changes under this id.
    fn id(&self) -> &str;

    /// Reads its answers in batches; another thread than the one that reads may decode them.
    ///
    /// # Errors
    ///
    /// The part as a whole, or one of its batches, cannot be read.
    fn batches(&self) -> Result<impl Iterator<Item = Result<Self::Batch, Self::Error>>, Self::Error>;
}

/// Some answers, handed from thread to thread at once.
pub trait Batch<E>: Send {
    /// Returns about how many bytes of memory the answers take.
    fn bytes(&self) -> usize;

    /// Decodes the answers, one after the other.
    fn answers(self) -> impl Iterator<Item = Result<Answer, E>>;
}

impl Part for Segment {
    type Error = ArchiveError;
    type Batch = archive::Batch;

    fn id(&self) -> &str {
        self.id()
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<archive::Batch, ArchiveError>>, ArchiveError> {
        self.batches()
    }
}

impl Batch<ArchiveError> for archive::Batch {
    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn answers(self) -> impl Iterator<Item = Result<Answer, ArchiveError>> {
        self.into_answers()
    }
}

/// Answers that are in memory already.
impl<E> Batch<E> for Vec<Answer> {
    fn bytes(&self) -> usize {
        self.iter().map(|answer| answer.body.as_ref().map_or(0, |body| body.bytes().len())).sum()
    }

    fn answers(self) -> impl Iterator<Item = Result<Answer, E>> {
        self.into_iter().map(Ok)
    }
}
