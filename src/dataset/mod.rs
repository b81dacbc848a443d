//! The dataset: observations merged to rows, rows written as Parquet, snapshots published whole.
//!
//! ```text
//! answers ──flatten──▶ Merged ──rows──▶ Parquet files ──stage──▶ snapshots/000042 ──▶ latest
//! ```
//!
//! The rows are a pure function of the answers: any order, repetition or split gives the same bytes.

mod build;
mod card;
mod changes;
mod manifest;
pub mod merge;
mod parquet;
mod partition;
mod snapshots;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use build::{BuildError, Built, build};
pub use manifest::{FileEntry, Manifest, ManifestError, Origin, SCHEMA_VERSION, TableEntry};
pub use partition::Layout;
pub use snapshots::{latest, snapshot_folder};
pub use verify::verify;
