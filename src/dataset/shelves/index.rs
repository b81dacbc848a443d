//! What the shelves hold: which answers they know, and each folder's file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::Sum;
use crate::dataset::facts::Facts;
use crate::dataset::manifest::FileEntry;
use crate::disk::{Disk, DiskError};
use crate::model::sha256_hex;

/// The index's name.
pub(super) const FILE_NAME: &str = "index";

/// One folder of one family: its records, and the Parquet files that were made of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::dataset) struct Shelf {
    /// The file's name.
    pub(super) file: String,
    /// What it holds.
    pub(super) sum: Sum,
    /// The keys of records whose key tells another folder; none where they are too many to be named.
    pub(super) strays: Option<BTreeSet<String>>,
    /// What its records tell together.
    pub(in crate::dataset) facts: Facts,
    /// The files of each table that were encoded from it; none while they are not.
    pub(in crate::dataset) files: Option<BTreeMap<String, Vec<FileEntry>>>,
}

/// The shelves of one family, by folder.
pub(in crate::dataset) type Folders = BTreeMap<String, Shelf>;

/// Everything that was learnt, and from what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    /// How answers were read and sorted into folders; what was learnt in another way is of no use.
    pub(super) way: String,
    /// How records became files; what was encoded in another way is encoded again.
    pub(super) encoding: String,
    /// The parts of the answers that are known.
    pub(super) parts: BTreeSet<String>,
    /// The shelves of each family.
    pub(super) families: BTreeMap<String, Folders>,
}

impl Index {
    /// Reads the index of a folder; none where it is not there or not whole.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(FILE_NAME)).ok()?;
        let (sum, json) = text.split_once('\n')?;
        if sum == sha256_hex(json.as_bytes()) { serde_json::from_str(json).ok() } else { None }
    }

    /// Writes the index: its checksum, then itself.
    pub(super) fn write(&self, disk: &Disk, folder: &Path) -> Result<(), DiskError> {
        // Texts and numbers always become JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        disk.replace_file(&folder.join(FILE_NAME), format!("{}\n{json}", sha256_hex(json.as_bytes())).as_bytes())
    }
}
