//! The index of the state: which answers were merged, and the file of each folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::Sum;
use crate::dataset::facts::Facts;
use crate::dataset::manifest::FileEntry;
use crate::disk::{Disk, DiskError};
use crate::model::sha256_hex;

/// The index's name.
pub(super) const FILE_NAME: &str = "index";

/// The Parquet files of each table in a folder.
pub(in crate::dataset) type Files = BTreeMap<String, Vec<FileEntry>>;

/// One folder of one family: the records kept, and the Parquet files that were made of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::dataset) struct FolderState {
    /// The file's name.
    pub(super) file: String,
    /// What it holds.
    pub(in crate::dataset) sum: Sum,
    /// The bytes of the first key, in hex.
    pub(super) first: String,
    /// The hashes of keys that give another folder; `None` if there are too many to list.
    pub(super) strays: Option<BTreeSet<String>>,
    /// What the records say together.
    pub(in crate::dataset) facts: Facts,
    /// The files that were encoded from it; none while they are not.
    pub(in crate::dataset) files: Option<Files>,
}

impl FolderState {
    /// Returns the path of its records; `home` is where the files of records are.
    pub(in crate::dataset) fn path(&self, home: &Path) -> PathBuf {
        home.join(&self.file)
    }
}

/// The folders of one family.
pub(in crate::dataset) type Folders = BTreeMap<String, FolderState>;

/// Everything that was merged, and from what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    /// How answers were read and sorted into folders; what was merged in another way is of no use.
    pub(super) way: String,
    /// How records became files; what was encoded in another way is encoded again.
    pub(super) encoding: String,
    /// The parts of the answers that were merged.
    pub(super) parts: BTreeSet<String>,
    /// The folders of each family.
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
