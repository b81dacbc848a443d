//! Rows to the bytes of one Parquet file. Equal rows give equal bytes: nothing else goes in.

use std::collections::BTreeMap;

use arrow::array::{Array as _, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::flatten::tables::{Outline, Row};
use crate::job::Compression;
use crate::model::sha256_hex;

/// Where files, row groups and batches end; a change of any of them changes the bytes of large tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Rows of one file at most.
    rows_per_file: usize,
    /// A file ends with the row group that makes it as long as this: until then, its bytes are in memory.
    bytes_per_file: usize,
    /// Rows of one row group at most.
    rows_per_group: usize,
    /// Bytes of text in one row group at most, one row aside.
    text_per_group: usize,
    /// Rows that are encoded together at most: until then, they are in memory as they are.
    rows_per_batch: usize,
    /// Bytes of text that are encoded together at most, one row aside.
    text_per_batch: usize,
}

/// The bounds of every table. Small enough that four tables at once take little memory, large enough for readers.
pub(super) const BOUNDS: Bounds = Bounds {
    rows_per_file: 500_000,
    bytes_per_file: 16 << 20,
    rows_per_group: ROWS_PER_GROUP,
    text_per_group: 64 << 20,
    rows_per_batch: 4096,
    text_per_batch: 4 << 20,
};
/// Rows of one row group at most.
pub(super) const ROWS_PER_GROUP: usize = 65_536;
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

/// Rows on their way into files: a batch in memory at a time, beside the file's bytes.
///
/// Where batches, groups and files end follows from the rows alone.
#[derive(Debug)]
pub(super) struct Encoder<R: Row> {
    properties: WriterProperties,
    outline: Outline,
    bounds: Bounds,
    writer: ArrowWriter<Vec<u8>>,
    batch: Vec<R>,
    /// Bytes of text in the batch, and in the group before it.
    text: (usize, usize),
    /// Rows of the group, and of the file before it.
    rows: (usize, usize),
    nulls: BTreeMap<String, u64>,
}

impl<R: Row> Encoder<R> {
    pub(super) fn new(compression: Compression, outline: &Outline) -> Result<Self, ParquetError> {
        Self::bounded(properties(compression)?, outline, BOUNDS)
    }

    /// Begins files that are written often and read seldom: without dictionaries and statistics.
    pub(super) fn of_cache(outline: &Outline) -> Result<Self, ParquetError> {
        let properties = properties(Compression::Zstd)?.into_builder();
        let properties = properties.set_dictionary_enabled(false).set_statistics_enabled(EnabledStatistics::None);
        Self::bounded(properties.build(), outline, BOUNDS)
    }

    fn bounded(properties: WriterProperties, outline: &Outline, bounds: Bounds) -> Result<Self, ParquetError> {
        Ok(Self {
            writer: ArrowWriter::try_new(Vec::new(), outline.schema::<R>(), Some(properties.clone()))?,
            properties,
            outline: outline.clone(),
            bounds,
            batch: Vec::new(),
            text: (0, 0),
            rows: (0, 0),
            nulls: BTreeMap::new(),
        })
    }

    /// Adds a row; returns the file before, if that is full.
    pub(super) fn push(&mut self, row: R) -> Result<Option<Encoded>, ParquetError> {
        let (bounds, text) = (self.bounds, row.text_bytes());
        let in_group = self.rows.0 + self.batch.len();
        let over = |held: usize, limit: usize| held > 0 && held + text > limit;
        let mut full = None;
        if in_group + self.rows.1 == bounds.rows_per_file {
            full = Some(self.end_file()?);
        } else if in_group == bounds.rows_per_group || over(self.text.0 + self.text.1, bounds.text_per_group) {
            self.end_group()?;
            if self.writer.bytes_written() >= bounds.bytes_per_file {
                full = Some(self.end_file()?);
            }
        } else if self.batch.len() == bounds.rows_per_batch || over(self.text.0, bounds.text_per_batch) {
            self.end_batch()?;
        }
        self.text.0 += text;
        self.batch.push(row);
        Ok(full)
    }

    /// Returns the last file, if it has rows.
    pub(super) fn finish(self) -> Result<Option<Encoded>, ParquetError> {
        if self.rows.0 + self.rows.1 + self.batch.len() == 0 { Ok(None) } else { self.end().map(Some) }
    }

    /// Returns the last file, which may have no rows.
    pub(super) fn end(mut self) -> Result<Encoded, ParquetError> {
        self.end_file()
    }

    fn end_batch(&mut self) -> Result<(), ParquetError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch: RecordBatch = self.outline.batch(&self.batch)?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if column.null_count() > 0 {
                *self.nulls.entry(field.name().clone()).or_default() += column.null_count() as u64;
            }
        }
        self.writer.write(&batch)?;
        self.rows.0 += self.batch.len();
        self.text = (0, self.text.0 + self.text.1);
        self.batch.clear();
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        self.end_batch()?;
        self.writer.flush()?;
        self.rows = (0, self.rows.0 + self.rows.1);
        self.text = (0, 0);
        Ok(())
    }

    fn end_file(&mut self) -> Result<Encoded, ParquetError> {
        self.end_group()?;
        let next = Self::bounded(self.properties.clone(), &self.outline, self.bounds)?;
        let Self { writer, rows, nulls, .. } = std::mem::replace(self, next);
        Ok(Encoded::of(writer.into_inner()?, rows.1 as u64, nulls))
    }
}

/// Encodes a file without rows.
pub(super) fn empty<R: Row>(compression: Compression, outline: &Outline) -> Result<Encoded, ParquetError> {
    Encoder::<R>::new(compression, outline)?.end()
}

pub(super) fn properties(compression: Compression) -> Result<WriterProperties, ParquetError> {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(1)?),
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
            sequence: at,
            liked_count: (at % 3 != 0).then_some(at),
            collected_count: None,
            comment_count: Some(-at),
            share_count: Some(7),
            is_approximate: at % 2 == 0,
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
    fn groups(count: i64, bounds: Bounds) -> Vec<Vec<i64>> {
        let mut encoder = Encoder::bounded(properties(Compression::None).unwrap(), &plain(), bounds).unwrap();
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
        // A row has 8 bytes of text; one alone may exceed the bound.
        let text = |text_per_group| Bounds { text_per_group, ..BOUNDS };
        let rows = Bounds { bytes_per_file: usize::MAX, ..BOUNDS };
        assert!(groups(0, text(100)).is_empty());
        assert_eq!(groups(65_537, BOUNDS), [[65_536, 1]]);
        assert_eq!(groups(5, text(16)), [[2, 2, 1]]);
        assert_eq!(groups(3, text(7)), [[1, 1, 1]]);
        let whole = [vec![65_536; 7], vec![500_000 - 7 * 65_536]].concat();
        assert_eq!(groups(500_001, rows), [whole.clone(), vec![1]]);
        assert_eq!(groups(500_000, rows), [whole]);
        // A row group of so few rows takes some hundred bytes.
        let bytes = |bytes_per_file| Bounds { bytes_per_file, rows_per_group: 2, ..BOUNDS };
        assert_eq!(groups(5, bytes(1)), [vec![2], vec![2], vec![1]]);
        assert_eq!(groups(4, bytes(1)), [[2], [2]]);
        assert_eq!(groups(9, bytes(600)).concat(), [2, 2, 2, 2, 1]);
        assert!(groups(9, bytes(600)).len() > 1 && groups(9, bytes(600))[0].len() > 1);
        // Where batches end is seen in no group.
        for (rows_per_batch, text_per_batch) in [(1, 100), (3, 100), (100, 8), (100, 7), (100, 17)] {
            let bounds = Bounds { rows_per_group: 4, rows_per_batch, text_per_batch, ..BOUNDS };
            assert_eq!(groups(9, bounds), [[4, 4, 1]], "{bounds:?}");
        }
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
