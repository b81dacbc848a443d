//! Rows to the bytes of one Parquet file. Equal rows give equal bytes: nothing else goes in.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::merge::text_bytes;
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
    /// Rows that are gathered and encoded together at most.
    rows_per_batch: usize,
    /// Bytes of text that are gathered and encoded together at most, one row aside.
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
/// Rows of a page at most, where many files are read at once.
pub(super) const CACHED_ROWS: usize = 512;
/// Bytes of such a page, some values aside.
const CACHED_PAGE_BYTES: usize = 16 << 10;
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

/// Batches on their way into files: the bytes of one file in memory at a time.
///
/// Where groups and files end follows from the batches alone.
#[derive(Debug)]
pub(super) struct Encoder {
    properties: WriterProperties,
    schema: SchemaRef,
    bounds: Bounds,
    writer: ArrowWriter<Vec<u8>>,
    /// Bytes of text in the group.
    text: usize,
    /// Rows of the group, and of the file before it.
    rows: (usize, usize),
    nulls: BTreeMap<String, u64>,
}

impl Encoder {
    pub(super) fn new(compression: Compression, schema: SchemaRef) -> Result<Self, ParquetError> {
        Self::bounded(properties(compression)?, schema, BOUNDS)
    }

    /// Begins files that are written often and read seldom: without dictionaries and statistics, in small pages, so that
    /// many files can be read at once.
    pub(super) fn of_cache(schema: SchemaRef) -> Result<Self, ParquetError> {
        let properties = properties(Compression::Snappy)?
            .into_builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_data_page_row_count_limit(CACHED_ROWS)
            .set_data_page_size_limit(CACHED_PAGE_BYTES)
            .set_write_batch_size(CACHED_ROWS / 8);
        Self::bounded(properties.build(), schema, BOUNDS)
    }

    fn bounded(properties: WriterProperties, schema: SchemaRef, bounds: Bounds) -> Result<Self, ParquetError> {
        Ok(Self {
            writer: ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties.clone()))?,
            properties,
            schema,
            bounds,
            text: 0,
            rows: (0, 0),
            nulls: BTreeMap::new(),
        })
    }

    /// Adds rows; returns the file before, if that is full.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<Option<Encoded>, ParquetError> {
        let (bounds, rows, text) = (self.bounds, batch.num_rows(), text_bytes(batch));
        let over = |held: usize, more: usize, limit: usize| held > 0 && held + more > limit;
        let mut full = None;
        if over(self.rows.0 + self.rows.1, rows, bounds.rows_per_file) {
            full = Some(self.end_file()?);
        } else if over(self.rows.0, rows, bounds.rows_per_group) || over(self.text, text, bounds.text_per_group) {
            self.end_group()?;
            if self.writer.bytes_written() >= bounds.bytes_per_file {
                full = Some(self.end_file()?);
            }
        }
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if column.null_count() > 0 {
                *self.nulls.entry(field.name().clone()).or_default() += column.null_count() as u64;
            }
        }
        self.writer.write(batch)?;
        self.rows.0 += rows;
        self.text += text;
        Ok(full)
    }

    /// Returns the last file, if it has rows.
    pub(super) fn finish(self) -> Result<Option<Encoded>, ParquetError> {
        if self.rows.0 + self.rows.1 == 0 { Ok(None) } else { self.end().map(Some) }
    }

    /// Returns the last file, which may have no rows.
    pub(super) fn end(mut self) -> Result<Encoded, ParquetError> {
        self.end_file()
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        self.writer.flush()?;
        self.rows = (0, self.rows.0 + self.rows.1);
        self.text = 0;
        Ok(())
    }

    fn end_file(&mut self) -> Result<Encoded, ParquetError> {
        self.end_group()?;
        let next = Self::bounded(self.properties.clone(), Arc::clone(&self.schema), self.bounds)?;
        let Self { writer, rows, nulls, .. } = std::mem::replace(self, next);
        Ok(Encoded::of(writer.into_inner()?, rows.1 as u64, nulls))
    }
}

/// Says whether a table's rows that wait must be encoded before one more joins them.
pub(super) fn is_full_batch(rows: usize, text: usize, more_text: usize) -> bool {
    rows == BOUNDS.rows_per_batch || (text > 0 && text + more_text > BOUNDS.text_per_batch)
}

/// Encodes a file without rows.
pub(super) fn empty<R: Row>(compression: Compression, outline: &Outline) -> Result<Encoded, ParquetError> {
    Encoder::new(compression, outline.schema::<R>())?.end()
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

    fn encoded<R: Row>(rows: &[R], compression: Compression) -> Encoded {
        let mut encoder = Encoder::new(compression, plain().schema::<R>()).unwrap();
        for rows in rows.chunks(BOUNDS.rows_per_batch) {
            assert!(encoder.write(&plain().batch(rows).unwrap()).unwrap().is_none());
        }
        encoder.finish().unwrap().unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_with_its_descriptions() {
        let rows = metrics(70_000);
        for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
            let encoded = encoded(&rows, compression);
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

    /// Returns the rows of each group of each file; batches have so many rows.
    fn groups(count: i64, rows_per_batch: usize, bounds: Bounds) -> Vec<Vec<i64>> {
        let schema = plain().schema::<NoteMetricRow>();
        let mut encoder = Encoder::bounded(properties(Compression::None).unwrap(), schema, bounds).unwrap();
        let rows = metrics(count);
        let batches = rows.chunks(rows_per_batch).map(|rows| plain().batch(rows).unwrap());
        let mut files: Vec<_> =
            batches.filter_map(|batch| encoder.write(&batch).unwrap()).map(|file| file.bytes).collect();
        files.extend(encoder.finish().unwrap().map(|file| file.bytes));
        let groups = |bytes: Vec<u8>| {
            let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
            file.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect()
        };
        files.into_iter().map(groups).collect()
    }

    #[test]
    fn row_groups_and_files_are_bounded_by_rows_and_by_text() {
        // A row has 8 bytes in its id and 6 in its source; one alone may exceed the bound.
        let text = |text_per_group| Bounds { text_per_group, ..BOUNDS };
        let rows = Bounds { bytes_per_file: usize::MAX, ..BOUNDS };
        assert!(groups(0, 1, text(100)).is_empty());
        assert_eq!(groups(65_537, 4096, BOUNDS), [[65_536, 1]]);
        assert_eq!(groups(5, 1, text(28)), [[2, 2, 1]]);
        assert_eq!(groups(5, 1, text(27)), [[1, 1, 1, 1, 1]]);
        assert_eq!(groups(3, 1, text(7)), [[1, 1, 1]]);
        // What is gathered together is in one file.
        let whole = [vec![65_536; 7], vec![499_712 - 7 * 65_536]].concat();
        assert_eq!(groups(500_001, 4096, rows), [whole.clone(), vec![289]]);
        assert_eq!(groups(499_712, 4096, rows), [whole]);
        // A row group of so few rows takes some hundred bytes.
        let bytes = |bytes_per_file| Bounds { bytes_per_file, rows_per_group: 2, ..BOUNDS };
        assert_eq!(groups(5, 1, bytes(1)), [vec![2], vec![2], vec![1]]);
        assert_eq!(groups(4, 2, bytes(1)), [[2], [2]]);
        assert_eq!(groups(9, 1, bytes(600)).concat(), [2, 2, 2, 2, 1]);
        assert!(groups(9, 1, bytes(600)).len() > 1 && groups(9, 1, bytes(600))[0].len() > 1);
    }

    #[test]
    fn rows_wait_until_there_are_many_or_their_text_is_long() {
        let Bounds { rows_per_batch, text_per_batch, .. } = BOUNDS;
        assert!(!is_full_batch(rows_per_batch - 1, 0, usize::MAX));
        assert!(is_full_batch(rows_per_batch, 0, 0));
        assert!(!is_full_batch(1, 1, text_per_batch - 1));
        assert!(is_full_batch(1, 1, text_per_batch));
    }

    #[test]
    fn equal_rows_give_equal_bytes_and_an_empty_file_is_typed() {
        let [a, b] = [metrics(1000), metrics(1000)].map(|rows| encoded(&rows, Compression::Zstd));
        assert_eq!((a.file_name(), a.bytes), (b.file_name(), b.bytes));
        let empty = empty::<SearchHitRow>(Compression::Zstd, &plain()).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&empty.bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema(), &plain().schema::<SearchHitRow>());
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
