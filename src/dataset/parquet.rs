//! Rows to the bytes of one Parquet file. Equal rows give equal bytes: nothing else goes in.

use std::collections::BTreeMap;

use arrow::array::{Array as _, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::flatten::tables::{Outline, Row};
use crate::job::Compression;
use crate::model::sha256_hex;

/// Rows of one file at most.
pub(super) const ROWS_PER_FILE: usize = 500_000;
/// Rows of one row group at most.
pub(super) const ROWS_PER_GROUP: usize = 65_536;
/// Bytes of text in one row group at most, one row aside: Arrow's text columns end at 2 GiB.
const TEXT_PER_GROUP: usize = 1 << 28;
/// Stays the same from version to version, so that a new release alone rewrites no file.
const CREATED_BY: &str = "notemill version 1 (build 1)";

/// One file's bytes, and what names them.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) rows: u64,
    pub(super) sha256: String,
    /// Nulls by column; columns without any are not there.
    pub(super) nulls: BTreeMap<String, u64>,
}

impl Encoded {
    pub(super) fn of(bytes: Vec<u8>, rows: u64, nulls: BTreeMap<String, u64>) -> Self {
        Self { rows, sha256: sha256_hex(&bytes), nulls, bytes }
    }

    /// Returns the file's name: the beginning of its hash.
    pub(super) fn file_name(&self) -> String {
        format!("{}.parquet", self.sha256.get(..12).unwrap_or(&self.sha256))
    }
}

/// Rows on their way into files: a row group in memory at a time, beside the file's bytes.
///
/// Where groups and files end follows from the rows alone.
#[derive(Debug)]
pub(super) struct Encoder<R: Row> {
    compression: Compression,
    outline: Outline,
    writer: ArrowWriter<Vec<u8>>,
    group: Vec<R>,
    /// Bytes of text in the group.
    text: usize,
    /// Rows of the file, in groups that are closed.
    rows: usize,
    nulls: BTreeMap<String, u64>,
    text_limit: usize,
}

impl<R: Row> Encoder<R> {
    pub(super) fn new(compression: Compression, outline: &Outline) -> Result<Self, ParquetError> {
        Ok(Self {
            compression,
            outline: outline.clone(),
            writer: ArrowWriter::try_new(Vec::new(), outline.schema::<R>(), Some(properties(compression)?))?,
            group: Vec::new(),
            text: 0,
            rows: 0,
            nulls: BTreeMap::new(),
            text_limit: TEXT_PER_GROUP,
        })
    }

    /// Adds a row; returns the file before, if that is full.
    pub(super) fn push(&mut self, row: R) -> Result<Option<Encoded>, ParquetError> {
        let full = if self.rows + self.group.len() == ROWS_PER_FILE { Some(self.end_file()?) } else { None };
        let text = row.text_bytes();
        if self.group.len() == ROWS_PER_GROUP || (!self.group.is_empty() && self.text + text > self.text_limit) {
            self.end_group()?;
        }
        self.text += text;
        self.group.push(row);
        Ok(full)
    }

    /// Returns the last file, if it has rows.
    pub(super) fn finish(mut self) -> Result<Option<Encoded>, ParquetError> {
        if self.rows + self.group.len() == 0 { Ok(None) } else { self.end_file().map(Some) }
    }

    /// One batch a row group: where pages end must not depend on how rows arrive.
    fn end_group(&mut self) -> Result<(), ParquetError> {
        let batch: RecordBatch = self.outline.batch(&self.group)?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if column.null_count() > 0 {
                *self.nulls.entry(field.name().clone()).or_default() += column.null_count() as u64;
            }
        }
        self.writer.write(&batch)?;
        self.writer.flush()?;
        self.rows += self.group.len();
        self.group.clear();
        self.text = 0;
        Ok(())
    }

    fn end_file(&mut self) -> Result<Encoded, ParquetError> {
        if !self.group.is_empty() {
            self.end_group()?;
        }
        let next = Self { text_limit: self.text_limit, ..Self::new(self.compression, &self.outline)? };
        let Self { writer, rows, nulls, .. } = std::mem::replace(self, next);
        Ok(Encoded::of(writer.into_inner()?, rows as u64, nulls))
    }
}

/// Encodes a file without rows.
pub(super) fn empty<R: Row>(compression: Compression, outline: &Outline) -> Result<Encoded, ParquetError> {
    Encoder::<R>::new(compression, outline)?.end_file()
}

pub(super) fn properties(compression: Compression) -> Result<WriterProperties, ParquetError> {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(3)?),
        Compression::Snappy => Codec::SNAPPY,
        Compression::None => Codec::UNCOMPRESSED,
    };
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_created_by(CREATED_BY.to_owned())
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .build();
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::flatten::tables::{NoteMetricRow, SearchHitRow};

    fn plain() -> Outline {
        Outline::default()
    }

    fn metrics(count: i64) -> Vec<NoteMetricRow> {
        let row = |at: i64| NoteMetricRow {
            note_id: format!("n{at:07}"),
            observed_at: jiff::Timestamp::from_microsecond(at).unwrap(),
            source: "search",
            liked_count: (at % 3 != 0).then_some(at),
            collected_count: None,
            comment_count: Some(-at),
            share_count: Some(7),
        };
        (0..count).map(row).collect()
    }

    fn encoded<R: Row>(rows: Vec<R>, compression: Compression) -> Encoded {
        let mut encoder = Encoder::new(compression, &plain()).unwrap();
        for row in rows {
            assert!(encoder.push(row).unwrap().is_none());
        }
        encoder.finish().unwrap().unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_with_its_descriptions() {
        let rows = metrics(70_000);
        for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
            let encoded = encoded(rows.clone(), compression);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&encoded.bytes).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            assert_eq!(reader.schema(), &plain().schema::<NoteMetricRow>());
            assert_eq!(reader.schema().field(0).metadata()["description"], "The note.");
            let groups: Vec<i64> = reader
                .metadata()
                .row_groups()
                .iter()
                .map(parquet::file::metadata::RowGroupMetaData::num_rows)
                .collect();
            assert_eq!(groups, [65_536, 4_464]);
            let batches: Vec<RecordBatch> =
                reader.with_batch_size(100_000).build().unwrap().map(Result::unwrap).collect();
            let read = arrow::compute::concat_batches(&plain().schema::<NoteMetricRow>(), &batches).unwrap();
            assert_eq!(read, plain().batch(&rows).unwrap());
        }
    }

    /// Returns the rows of each group of each file.
    fn groups(count: i64, text_limit: usize) -> Vec<Vec<i64>> {
        let mut encoder = Encoder { text_limit, ..Encoder::new(Compression::None, &plain()).unwrap() };
        let mut files: Vec<_> =
            metrics(count).into_iter().filter_map(|row| encoder.push(row).unwrap()).map(|file| file.bytes).collect();
        files.extend(encoder.finish().unwrap().map(|file| file.bytes));
        let groups = |bytes: Vec<u8>| {
            let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
            file.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect()
        };
        files.into_iter().map(groups).collect()
    }

    #[test]
    fn row_groups_and_files_are_bounded_by_rows_and_by_text() {
        assert!(groups(0, 100).is_empty());
        assert_eq!(groups(65_537, usize::MAX), [[65_536, 1]]);
        // A row has 8 bytes of text; one alone may exceed the bound.
        assert_eq!(groups(5, 16), [[2, 2, 1]]);
        assert_eq!(groups(3, 7), [[1, 1, 1]]);
        let whole = [vec![65_536; 7], vec![500_000 - 7 * 65_536]].concat();
        assert_eq!(groups(500_001, usize::MAX), [whole.clone(), vec![1]]);
        assert_eq!(groups(500_000, usize::MAX), [whole]);
    }

    #[test]
    fn equal_rows_give_equal_bytes_and_an_empty_file_is_typed() {
        let [a, b] = [metrics(1000), metrics(1000)].map(|rows| encoded(rows, Compression::Zstd));
        assert_eq!((a.file_name(), a.bytes), (b.file_name(), b.bytes));
        let empty = empty::<SearchHitRow>(Compression::Zstd, &plain()).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&empty.bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema(), &plain().schema::<SearchHitRow>());
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
