//! The dataset: observations merged to rows, rows written as Parquet, snapshots published whole.
//!
//! ```text
//! new answers ──extract──▶ observations ──merge──▶ state ──gather──▶ Parquet files ──stage──▶ snapshots/000042 ──▶ latest
//! ```
//!
//! The rows are a pure function of the answers: any order, repetition or split gives the same bytes.

mod build;
mod card;
mod changes;
mod copied;
mod diff;
mod erasable;
mod erase;
mod facts;
mod fill;
mod learn;
mod manifest;
mod merge;
mod merge_state;
mod observed;
mod older;
mod parquet;
mod part;
mod partition;
mod pins;
mod snapshots;
mod tables;
mod verify;
mod work;
mod writer;

#[cfg(test)]
mod tests;

pub use build::{BuildError, Built, Effort, build};
pub use copied::{LatestError, mend_latest};
pub use diff::{Diff, DiffError, Growth, Ids, RowCount, Side, TableDiff, compared, diff};
pub use erasable::erasable;
pub use erase::{EraseError, ErasedRows, erase};
pub use fill::fill_changes;
pub use manifest::{FileEntry, Manifest, ManifestError, Origin, SCHEMA_VERSION, TableEntry};
pub use older::telling_more;
pub use part::{Batch, Part};
pub use partition::Layout;
pub use pins::{PinError, pin, pinned, unpin};
pub use snapshots::{kept, latest, snapshot_folder};
pub use verify::verify;
