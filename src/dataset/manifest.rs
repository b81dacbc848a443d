//! The manifest: what a snapshot holds. A file is data only if the manifest names it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::partition::Layout;
use crate::disk::{DiskError, doing};
use crate::flatten::tables::Outline;
use crate::model::Zone;

/// The version of the tables' columns and of the snapshot's layout.
pub const SCHEMA_VERSION: u32 = 3;
/// The first version whose manifests count nulls.
pub(super) const NULLS_SINCE: u32 = 2;
/// The first version whose manifests name a time zone; before, partitions counted in UTC.
const TIME_ZONE_SINCE: u32 = 3;
/// The manifest's name inside a snapshot.
pub(super) const FILE_NAME: &str = "manifest.json";

/// Says where the answers are from; the two never share a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The vendors.
    Live,
    /// The built-in sandbox.
    Sandbox,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
        })
    }
}

/// Lists what a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the tables' columns.
    pub schema_version: u32,
    /// The version of notemill that wrote the snapshot.
    pub tool_version: String,
    /// The snapshot's number.
    pub snapshot: u64,
    /// Where the answers are from.
    pub origin: Origin,
    /// How the tables are laid out.
    pub layout: Layout,
    /// How many rows were taken out since it was published: they are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_out: Option<u64>,
    /// What the job adds to the tables and takes out of them.
    #[serde(default, skip_serializing_if = "Outline::is_plain")]
    pub outline: Outline,
    /// The tables by name; every table is there, rows or not.
    pub tables: BTreeMap<String, TableEntry>,
}

/// Lists what a table holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Rows of all files.
    pub rows: u64,
    /// The files, by path.
    pub files: Vec<FileEntry>,
}

/// Describes one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// The path inside the snapshot, with `/`.
    pub path: String,
    /// How many rows it holds.
    pub rows: u64,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hex; its name begins with it.
    pub sha256: String,
    /// How many nulls each column holds; columns without any are not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nulls: BTreeMap<String, u64>,
}

/// Says why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file is not there, or the disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file is no manifest.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it ends to make sense.
        source: serde_json::Error,
    },
}

impl Manifest {
    /// Reads the manifest of the snapshot in this folder.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(FILE_NAME);
        let bytes = doing("read", &path, fs::read(&path))?;
        serde_json::from_slice(&bytes).map_err(|source| ManifestError::Damaged { path, source })
    }

    /// Returns the layout for the next build that no job describes: what it was, as far as somebody chose it.
    pub fn wanted_layout(&self) -> Layout {
        let layout = self.layout.clone();
        if self.schema_version < TIME_ZONE_SINCE { Layout { time_zone: Zone::default(), ..layout } } else { layout }
    }

    /// Lists the files of all tables.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.tables.values().flat_map(|table| &table.files)
    }

    /// Writes the manifest as JSON, for people too.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and lists always become JSON.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}
