//! How many rows of the kept snapshots would go, before anything does.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::errors::ParquetError;
use arrow::array::{Array, AsArray, RecordBatch};

use super::erase::{EraseError, IDS};
use super::manifest::Manifest;
use super::snapshots::{self, snapshot_folder};
use crate::disk::doing;
use crate::model::{Forgotten, caught};

/// Counts the rows that name what is forgotten, by table, in each kept snapshot by its number.
///
/// # Errors
///
/// A snapshot cannot be read.
pub fn erasable(dataset: &Path, forgotten: &Forgotten) -> Result<BTreeMap<u64, BTreeMap<String, u64>>, EraseError> {
    let mut found = BTreeMap::new();
    // Snapshots share their files.
    let mut counted = HashMap::<String, u64>::new();
    for number in snapshots::numbers(dataset)? {
        let folder = snapshot_folder(dataset, number);
        let mut rows = BTreeMap::new();
        for (table, entry) in Manifest::read(&folder)?.tables {
            let mut of_table = 0;
            for file in entry.files {
                if let Some(rows) = counted.get(&file.sha256) {
                    of_table += rows;
                } else {
                    let rows = rows_of(&folder.join(&file.path), forgotten)?;
                    of_table += rows;
                    counted.insert(file.sha256, rows);
                }
            }
            if of_table > 0 {
                rows.insert(table, of_table);
            }
        }
        found.insert(number, rows);
    }
    Ok(found)
}

fn rows_of(path: &Path, forgotten: &Forgotten) -> Result<u64, EraseError> {
    let bytes = doing("read", path, fs::read(path))?;
    let count = || -> Result<u64, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), IDS);
        let mut rows = 0;
        for batch in builder.with_projection(mask).build()? {
            rows += naming(&batch?, forgotten);
        }
        Ok(rows)
    };
    let counted = caught(count).unwrap_or_else(|error| Err(ParquetError::General(error.to_owned())));
    counted.map_err(|source| EraseError::Damaged { path: path.to_owned(), source })
}

fn naming(batch: &RecordBatch, forgotten: &Forgotten) -> u64 {
    let ids: Vec<_> = batch.columns().iter().filter_map(|column| column.as_string_opt::<i32>()).collect();
    let names = |row: &usize| ids.iter().any(|column| column.is_valid(*row) && forgotten.is_id(column.value(*row)));
    (0..batch.num_rows()).filter(names).count() as u64
}
