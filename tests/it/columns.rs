//! Every text of every Parquet file of a folder, decoded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cli::files;

/// One text of a table or a segment, and where it stands.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) file: PathBuf,
    pub(crate) column: String,
    pub(crate) text: String,
}

/// Reads all texts of all Parquet files under a folder.
pub(crate) fn texts(folder: &Path) -> Vec<Cell> {
    let mut cells = Vec::new();
    for file in files(folder).into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "parquet")) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                let column = column.as_list_opt::<i32>().map_or(column, |list| list.values());
                let Some(texts) = column.as_string_opt::<i32>() else { continue };
                let there = (0..texts.len()).filter(|at| texts.is_valid(*at));
                cells.extend(there.map(|at| Cell {
                    file: file.clone(),
                    column: field.name().clone(),
                    text: texts.value(at).to_owned(),
                }));
            }
        }
    }
    cells
}

/// The columns of one table of a snapshot, by name: every value as text, in the order of the files; none is null.
pub(crate) fn table(snapshot: &Path, name: &str) -> BTreeMap<String, Vec<Option<String>>> {
    let mut columns: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    let mut paths = files(&snapshot.join(name));
    paths.sort();
    for file in paths {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                // Times are compared as numbers: to show them takes a library of time zones.
                let is_time = matches!(field.data_type(), DataType::Timestamp(..));
                let column = if is_time { cast(column, &DataType::Int64).unwrap() } else { column.clone() };
                let shown = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).unwrap();
                let value = |at| column.is_valid(at).then(|| shown.value(at).to_string());
                columns.entry(field.name().clone()).or_default().extend((0..column.len()).map(value));
            }
        }
    }
    columns
}
