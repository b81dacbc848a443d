//! Exit codes, for schedulers.

use std::process::ExitCode;

/// Says how a command ended. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Complete.
    Complete,
    /// Unexpected failure: disk, or a bug.
    Failure,
    /// Usage or job file; nothing was sent.
    Usage,
    /// Finished, but calls were given up or unresolved, items were rejected, or a filter was ignored.
    Partial,
    /// Stopped early, can be continued.
    Stopped,
    /// The vendor refused the key.
    Refused,
    /// The dataset is in use, damaged, on a file system without locks, or made by an incompatible version.
    Dataset,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// Returns the number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Stopped => 4,
            Self::Refused => 5,
            Self::Dataset => 6,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
