//! Every text of every Parquet file of a folder, decoded.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
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
