//! A folder's records, row by row into the files of its tables.

use std::collections::BTreeMap;

use super::manifest::FileEntry;
use super::parquet::Encoder;
use super::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::Row;

/// Writes one folder of some tables.
#[derive(Debug)]
pub(super) struct FolderWriter<'a> {
    snapshot: &'a SnapshotWriter,
    folder: &'a str,
    files: BTreeMap<String, Vec<FileEntry>>,
}

impl<'a> FolderWriter<'a> {
    pub(super) fn new(snapshot: &'a SnapshotWriter, folder: &'a str) -> Self {
        Self { snapshot, folder, files: BTreeMap::new() }
    }

    /// Begins a table.
    pub(super) fn table<R: Row>(&self) -> Result<Encoder<R>, WriteError> {
        Ok(self.snapshot.encoder()?)
    }

    /// Adds a row, and writes the file that it completes.
    pub(super) fn push<R: Row>(&mut self, table: &mut Encoder<R>, row: R) -> Result<(), WriteError> {
        match table.push(row)? {
            Some(encoded) => self.write::<R>(&encoded),
            None => Ok(()),
        }
    }

    /// Ends a table; one without rows has no file.
    pub(super) fn finish<R: Row>(&mut self, table: Encoder<R>) -> Result<(), WriteError> {
        match table.finish()? {
            Some(encoded) => self.write::<R>(&encoded),
            None => Ok(()),
        }
    }

    fn write<R: Row>(&mut self, encoded: &super::parquet::Encoded) -> Result<(), WriteError> {
        let entry = self.snapshot.file::<R>(self.folder, encoded)?;
        self.files.entry(R::TABLE.to_owned()).or_default().push(entry);
        Ok(())
    }

    /// Returns the files that were written, by table.
    pub(super) fn into_files(self) -> BTreeMap<String, Vec<FileEntry>> {
        self.files
    }
}
