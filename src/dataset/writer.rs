//! The tables of one snapshot, written file by file; what the snapshot before holds already is linked.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use ::parquet::errors::ParquetError;

use jiff::Timestamp;

use super::manifest::{FileEntry, Manifest, Origin, SCHEMA_VERSION, TableEntry};
use super::parquet::{Encoded, ROWS_PER_FILE, encode};
use super::partition::{Layout, folder};
use super::snapshots::{CARD, strangers};
use crate::disk::{Disk, DiskError, StagedFolder};
use crate::flatten::tables::Row;

/// Says why a table cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Parquet(#[from] ParquetError),
}

/// A snapshot in the making.
#[derive(Debug)]
pub(super) struct SnapshotWriter {
    staged: StagedFolder,
    layout: Layout,
    before: Option<Before>,
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
    fn read(folder: PathBuf, manifest: &Manifest, layout: Layout) -> Result<Self, DiskError> {
        let same_kind = manifest.schema_version == SCHEMA_VERSION
            && (manifest.layout.partition, manifest.layout.compression) == (layout.partition, layout.compression);
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
        layout: Layout,
        before: Option<(PathBuf, &Manifest)>,
    ) -> Result<Self, DiskError> {
        let before = before.map(|(folder, manifest)| Before::read(folder, manifest, layout)).transpose()?;
        let staged = disk.stage(target)?;
        Ok(Self { staged, layout, before, tables: BTreeMap::new(), written: 0, damaged: Vec::new() })
    }

    /// Writes a table: rows by folder, sorted.
    ///
    /// A split table always has a folder with a value, if need be one of 1970 with an empty file: pandas cannot read a
    /// table whose folders all say null.
    pub(super) fn table<R: Row>(
        &mut self,
        folders: impl IntoIterator<Item = (String, Vec<R>)>,
    ) -> Result<(), WriteError> {
        let mut entry = TableEntry::default();
        for (folder, rows) in folders {
            for rows in rows.chunks(ROWS_PER_FILE) {
                entry.files.push(self.file(&folder, rows)?);
            }
        }
        let valued = folder(R::PARTITION, self.layout.partition, Some(Timestamp::UNIX_EPOCH));
        let null = folder(R::PARTITION, self.layout.partition, None);
        let null = format!("{}/{null}/", R::TABLE);
        if entry.files.iter().all(|file| file.path.starts_with(&null)) {
            entry.files.push(self.file::<R>(&valued, &[])?);
        }
        entry.files.sort();
        entry.rows = entry.files.iter().map(|file| file.rows).sum();
        self.tables.insert(R::TABLE.to_owned(), entry);
        Ok(())
    }

    fn file<R: Row>(&mut self, folder: &str, rows: &[R]) -> Result<FileEntry, WriteError> {
        let encoded = encode(rows, self.layout.compression)?;
        let separator = if folder.is_empty() { "" } else { "/" };
        let path = format!("{}/{folder}{separator}{}", R::TABLE, encoded.file_name());
        if let Some(existing) = self.standing(&path, &encoded) {
            self.staged.link(&path, &existing)?;
        } else {
            self.staged.write(&path, &encoded.bytes)?;
            self.written += 1;
        }
        Ok(FileEntry { path, rows: encoded.rows, bytes: encoded.bytes.len() as u64, sha256: encoded.sha256 })
    }

    /// Finds the file in the snapshot before. Its bytes are compared: damage must not be linked onwards.
    fn standing(&mut self, path: &str, encoded: &Encoded) -> Option<PathBuf> {
        let before = self.before.as_ref()?;
        before.files.get(path)?;
        let existing = before.folder.join(path);
        if fs::read(&existing).is_ok_and(|bytes| bytes == encoded.bytes) {
            return Some(existing);
        }
        self.damaged.push(existing);
        None
    }

    /// Tells whether the snapshot before holds exactly the same files.
    pub(super) fn is_unchanged(&self) -> bool {
        let files: usize = self.tables.values().map(|table| table.files.len()).sum();
        self.written == 0 && self.before.as_ref().is_some_and(|before| before.may_stand && before.files.len() == files)
    }

    /// Returns the files of the snapshot before that do not hold what they held.
    pub(super) fn damaged(&self) -> &[PathBuf] {
        &self.damaged
    }

    /// Returns how many rows each table has.
    pub(super) fn tables(&self) -> &BTreeMap<String, TableEntry> {
        &self.tables
    }

    /// Writes the manifest and the card, and puts the snapshot into its place.
    pub(super) fn publish(
        mut self,
        snapshot: u64,
        origin: Origin,
        card: impl FnOnce(&Manifest) -> String,
    ) -> Result<Manifest, DiskError> {
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            snapshot,
            origin,
            layout: self.layout,
            tables: std::mem::take(&mut self.tables),
        };
        self.staged.write(CARD, card(&manifest).as_bytes())?;
        self.staged.write(super::manifest::FILE_NAME, &manifest.to_json())?;
        self.staged.publish()?;
        Ok(manifest)
    }
}
