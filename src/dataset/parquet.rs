//! Rows to the bytes of one Parquet file. Equal rows give equal bytes: nothing else goes in.

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::flatten::tables::{Row, batch, schema};
use crate::job::Compression;
use crate::model::sha256_hex;

/// Rows of one file at most.
pub(super) const ROWS_PER_FILE: usize = 500_000;
/// Rows of one row group at most.
const ROWS_PER_GROUP: usize = 65_536;
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
}

impl Encoded {
    /// Returns the file's name: the beginning of its hash.
    pub(super) fn file_name(&self) -> String {
        format!("{}.parquet", self.sha256.get(..12).unwrap_or(&self.sha256))
    }
}

/// Encodes rows as one file.
pub(super) fn encode<R: Row>(rows: &[R], compression: Compression) -> Result<Encoded, ParquetError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), schema::<R>(), Some(properties(compression)?))?;
    // One batch a row group: where pages end must not depend on how rows arrive.
    for group in groups(rows, TEXT_PER_GROUP) {
        let batch: RecordBatch = batch(group)?;
        writer.write(&batch)?;
        writer.flush()?;
    }
    let bytes = writer.into_inner()?;
    Ok(Encoded { rows: rows.len() as u64, sha256: sha256_hex(&bytes), bytes })
}

/// Splits rows into row groups, by their number and by their text.
fn groups<R: Row>(mut rows: &[R], text: usize) -> impl Iterator<Item = &[R]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rows.iter().take(ROWS_PER_GROUP).take_while(|row| {
            bytes += row.text_bytes();
            bytes <= text
        });
        let (group, rest) = rows.split_at_checked(fitting.count().max(1))?;
        rows = rest;
        Some(group)
    })
}

fn properties(compression: Compression) -> Result<WriterProperties, ParquetError> {
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

    #[test]
    fn what_is_written_is_read_back_with_its_descriptions() {
        let rows = metrics(70_000);
        for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
            let encoded = encode(&rows, compression).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&encoded.bytes).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            assert_eq!(reader.schema(), &schema::<NoteMetricRow>());
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
            let read = arrow::compute::concat_batches(&schema::<NoteMetricRow>(), &batches).unwrap();
            assert_eq!(read, batch(&rows).unwrap());
        }
    }

    #[test]
    fn row_groups_are_bounded_by_rows_and_by_text() {
        let sizes = |count, text| groups(&metrics(count), text).map(<[_]>::len).collect::<Vec<_>>();
        assert!(sizes(0, 100).is_empty());
        assert_eq!(sizes(65_537, usize::MAX), [65_536, 1]);
        // A row has 8 bytes of text; one alone may exceed the bound.
        assert_eq!(sizes(5, 16), [2, 2, 1]);
        assert_eq!(sizes(3, 7), [1, 1, 1]);
    }

    #[test]
    fn equal_rows_give_equal_bytes_and_an_empty_file_is_typed() {
        let [a, b] = [metrics(1000), metrics(1000)].map(|rows| encode(&rows, Compression::Zstd).unwrap());
        assert_eq!((a.file_name(), a.bytes), (b.file_name(), b.bytes));
        let empty = encode::<SearchHitRow>(&[], Compression::Zstd).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&empty.bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema(), &schema::<SearchHitRow>());
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
