//! The tables of one snapshot, written file by file; what the snapshot before holds already is linked.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::parquet::errors::ParquetError;
use arrow::error::ArrowError;

use super::manifest::{FileEntry, Manifest, Origin, SCHEMA_VERSION, TableEntry};
use super::merge_state::MergeError;
use super::parquet::{Encoded, Encoder, empty};
use super::partition::Layout;
use super::snapshots::{CARD, strangers};
use crate::disk::{Disk, DiskError, StagedFolder};
use crate::flatten::tables::{Outline, Row, dictionary};
use crate::model::sha256_hex;

/// Says why a table cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    #[error(transparent)]
    Merge(#[from] MergeError),
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        Self::Parquet(error.into())
    }
}

/// A snapshot in the making; several threads may write to it.
#[derive(Debug)]
pub(super) struct SnapshotWriter {
    layout: Layout,
    outline: Outline,
    before: Option<Before>,
    progress: Mutex<Progress>,
}

/// What was written so far.
#[derive(Debug)]
struct Progress {
    staged: StagedFolder,
    tables: BTreeMap<String, TableEntry>,
    written: u64,
    damaged: Vec<PathBuf>,
}

/// The snapshot before.
#[derive(Debug)]
struct Before {
    folder: PathBuf,
    files: HashMap<String, FileEntry>,
    /// Whether it may stay the latest if its files are the same.
    may_stand: bool,
}

impl Before {
    fn read(folder: PathBuf, manifest: &Manifest, layout: &Layout, outline: &Outline) -> Result<Self, DiskError> {
        let same_kind = manifest.schema_version == SCHEMA_VERSION
            && manifest.outline == *outline
            && manifest.layout.partitions() == layout.partitions()
            && manifest.layout.compression == layout.compression;
        // What stands beside the tables' own files would be read with them.
        let is_whole = folder.join(CARD).is_file() && strangers(&folder, manifest)?.is_empty();
        let files = manifest.files().map(|file| (file.path.clone(), file.clone())).collect();
        Ok(Self { folder, files, may_stand: same_kind && is_whole })
    }
}

impl SnapshotWriter {
    /// Begins a snapshot that will stand in this folder.
    pub(super) fn begin(
        disk: &Disk,
        target: &Path,
        layout: &Layout,
        outline: &Outline,
        before: Option<(PathBuf, &Manifest)>,
    ) -> Result<Self, DiskError> {
        let before = before.map(|(folder, manifest)| Before::read(folder, manifest, layout, outline)).transpose()?;
        let staged = disk.stage(target)?;
        let (layout, outline) = (layout.clone(), outline.clone());
        let progress = Progress { staged, tables: BTreeMap::new(), written: 0, damaged: Vec::new() };
        Ok(Self { layout, outline, before, progress: Mutex::new(progress) })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Whoever panicked here left nothing half done: each entry is added at once.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the tables have more and less than others.
    pub(super) fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Begins the files of a folder of a table.
    pub(super) fn encoder<R: Row>(&self) -> Result<Encoder, ParquetError> {
        Encoder::new(self.layout.compression, self.outline.schema::<R>())
    }

    /// Adds files that the snapshot before holds, if all of them still hold what they held.
    pub(super) fn keep(&self, tables: &BTreeMap<String, Vec<FileEntry>>) -> Result<bool, DiskError> {
        let Some(before) = &self.before else { return Ok(false) };
        let mut existing = Vec::new();
        for file in tables.values().flatten() {
            if before.files.get(&file.path).is_none_or(|standing| standing.sha256 != file.sha256) {
                return Ok(false);
            }
            let path = before.folder.join(&file.path);
            // Damage must not be linked onwards.
            if fs::read(&path).is_ok_and(|bytes| sha256_hex(&bytes) == file.sha256) {
                existing.push((file, path));
            } else {
                return Ok(false);
            }
        }
        let mut progress = self.progress();
        for (file, existing) in existing {
            progress.staged.link(&file.path, &existing)?;
        }
        for (table, files) in tables {
            progress.tables.entry(table.clone()).or_default().files.extend_from_slice(files);
        }
        Ok(true)
    }

    /// Adds a file of a table to a folder.
    pub(super) fn file<R: Row>(&self, folder: &str, encoded: &Encoded) -> Result<FileEntry, DiskError> {
        let separator = if folder.is_empty() { "" } else { "/" };
        let path = format!("{}/{folder}{separator}{}", R::TABLE, encoded.file_name());
        let standing = self.standing(&path, encoded);
        let mut progress = self.progress();
        if let Some(existing) = standing {
            progress.staged.link(&path, &existing)?;
        } else {
            progress.staged.write(&path, &encoded.bytes)?;
            progress.written += 1;
        }
        let Encoded { bytes, rows, sha256, nulls } = encoded;
        let (sha256, nulls) = (sha256.clone(), nulls.clone());
        let entry = FileEntry { path, rows: *rows, bytes: bytes.len() as u64, sha256, nulls };
        progress.tables.entry(R::TABLE.to_owned()).or_default().files.push(entry.clone());
        Ok(entry)
    }

    /// Ends a table whose folders are all there. One without rows gets an empty file, which has its columns.
    pub(super) fn end<R: Row>(&self) -> Result<(), WriteError> {
        if self.progress().tables.get(R::TABLE).is_none_or(|entry| entry.files.is_empty()) {
            let encoded = empty::<R>(self.layout.compression, &self.outline)?;
            self.file::<R>(&self.layout.partitions().folder_of_nothing(R::PARTITION), &encoded)?;
        }
        let mut progress = self.progress();
        let entry = progress.tables.entry(R::TABLE.to_owned()).or_default();
        entry.files.sort();
        entry.rows = entry.files.iter().map(|file| file.rows).sum();
        Ok(())
    }

    /// Finds the file in the snapshot before. Its bytes are compared: damage must not be linked onwards.
    fn standing(&self, path: &str, encoded: &Encoded) -> Option<PathBuf> {
        let before = self.before.as_ref()?;
        before.files.get(path)?;
        let existing = before.folder.join(path);
        if fs::read(&existing).is_ok_and(|bytes| bytes == encoded.bytes) {
            return Some(existing);
        }
        self.progress().damaged.push(existing);
        None
    }

    /// Tells whether the snapshot before holds exactly the same files.
    pub(super) fn is_unchanged(&self) -> bool {
        let progress = self.progress();
        let files: usize = progress.tables.values().map(|table| table.files.len()).sum();
        progress.written == 0
            && self.before.as_ref().is_some_and(|before| before.may_stand && before.files.len() == files)
    }

    /// Returns the files of the snapshot before that do not hold what they held.
    pub(super) fn damaged(&self) -> Vec<PathBuf> {
        let mut damaged = self.progress().damaged.clone();
        damaged.sort();
        damaged
    }

    /// Returns how many rows each table has.
    pub(super) fn rows(&self) -> BTreeMap<&'static str, u64> {
        let progress = self.progress();
        let rows = |table: &str| progress.tables.get(table).map_or(0, |entry| entry.rows);
        dictionary().into_iter().map(|table| (table.name, rows(table.name))).collect()
    }

    /// Writes the manifest and the card, and puts the snapshot into its place.
    pub(super) fn publish(
        self,
        snapshot: u64,
        origin: Origin,
        card: impl FnOnce(&Manifest) -> String,
    ) -> Result<Manifest, DiskError> {
        let Progress { mut staged, tables, .. } = self.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            snapshot,
            origin,
            layout: self.layout,
            taken_out: None,
            outline: self.outline,
            tables,
        };
        staged.write(CARD, card(&manifest).as_bytes())?;
        staged.write(super::manifest::FILE_NAME, &manifest.to_json())?;
        staged.publish()?;
        Ok(manifest)
    }
}
