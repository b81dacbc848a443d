//! Runs: observations of one kind in the order of their keys, in memory or in a file of the cache.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::RecordBatch;

use super::MergeError;
use super::file::{Sum, check};
use crate::dataset::merge::{Batches, Family, Schema};
use crate::disk::doing;

/// A sorted run of observations.
#[derive(Clone, Debug)]
pub(in crate::dataset) struct Run {
    /// The file.
    pub(in crate::dataset) path: PathBuf,
    /// What it holds.
    pub(in crate::dataset) sum: Sum,
    /// The observations, as long as all that were extracted fit into memory.
    pub(in crate::dataset) batches: Option<Arc<[RecordBatch]>>,
}

impl Run {
    /// Reads the records of a family, so many rows at once.
    pub(super) fn records<F: Family>(&self, schema: &Schema<F>, rows: usize) -> Result<Batches<'static>, MergeError> {
        let schema = schema.clone();
        if let Some(batches) = &self.batches {
            let batches = Arc::clone(batches);
            return Ok(Box::new(
                (0..batches.len())
                    .filter_map(move |at| Some(schema.select(batches.get(at)?).map_err(MergeError::from))),
            ));
        }
        check(&self.path, &self.sum)?;
        let damaged = {
            let path = self.path.clone();
            move || MergeError::Damaged { path: path.clone() }
        };
        let file = doing("read", &self.path, File::open(&self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| damaged())?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), schema.observed());
        let reader = builder.with_projection(mask).with_batch_size(rows).build().map_err(|_| damaged())?;
        Ok(Box::new(reader.map(move |batch| Ok(schema.select(&batch.map_err(|_| damaged())?)?))))
    }
}
