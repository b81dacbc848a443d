//! A folder's rows, batch by batch into the files of its tables.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use arrow::array::RecordBatch;

use super::manifest::FileEntry;
use super::parquet::{Encoded, Encoder};
use super::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::Row;

/// Writes one folder of some tables.
#[derive(Debug)]
pub(super) struct FolderWriter<'a> {
    snapshot: &'a SnapshotWriter,
    folder: &'a str,
    files: BTreeMap<String, Vec<FileEntry>>,
}

/// One of the tables.
#[derive(Debug)]
pub(super) struct TableWriter<R> {
    encoder: Encoder,
    of: PhantomData<fn() -> R>,
}

impl<'a> FolderWriter<'a> {
    pub(super) fn new(snapshot: &'a SnapshotWriter, folder: &'a str) -> Self {
        Self { snapshot, folder, files: BTreeMap::new() }
    }

    /// Begins a table.
    pub(super) fn table<R: Row>(&self) -> Result<TableWriter<R>, WriteError> {
        Ok(TableWriter { encoder: self.snapshot.encoder::<R>()?, of: PhantomData })
    }

    /// Adds rows, and writes the file that they complete. Where batches end must follow from the rows alone.
    pub(super) fn write<R: Row>(&mut self, table: &mut TableWriter<R>, batch: &RecordBatch) -> Result<(), WriteError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        table.encoder.write(batch)?.map_or(Ok(()), |encoded| self.add::<R>(&encoded))
    }

    /// Ends a table; one without rows has no file.
    pub(super) fn finish<R: Row>(&mut self, table: TableWriter<R>) -> Result<(), WriteError> {
        table.encoder.finish()?.map_or(Ok(()), |encoded| self.add::<R>(&encoded))
    }

    fn add<R: Row>(&mut self, encoded: &Encoded) -> Result<(), WriteError> {
        let entry = self.snapshot.file::<R>(self.folder, encoded)?;
        self.files.entry(R::TABLE.to_owned()).or_default().push(entry);
        Ok(())
    }

    /// Returns the files that were written, by table.
    pub(super) fn into_files(self) -> BTreeMap<String, Vec<FileEntry>> {
        self.files
    }
}
