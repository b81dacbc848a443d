//! Files of sorted records: an Arrow IPC stream, compressed with LZ4.
//!
//! Nothing is lost with them, so they are not synced; a checksum over all bytes is compared before any of them is decoded.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::MergeError;
use crate::dataset::merge::Batches;
use crate::disk::{Disk, DiskError, doing};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 16;
/// The same while decoding, where many files may be open; long columns are read whole.
const DECODE_BYTES: usize = 1 << 13;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::dataset) struct Sum {
    /// Its length.
    pub(in crate::dataset) bytes: u64,
    /// The XXH3 hash of its bytes, in hex. It shows damage, not malice: anyone who can write here can write anything.
    pub(in crate::dataset) hash: String,
}

impl Sum {
    fn of(bytes: u64, hasher: &XxHash3_128) -> Self {
        Self { bytes, hash: format!("{:032x}", hasher.finish_128()) }
    }
}

/// Sums up bytes.
pub(in crate::dataset) fn sum_of(bytes: &[u8]) -> Sum {
    let mut hasher = XxHash3_128::new();
    hasher.write(bytes);
    Sum::of(bytes.len() as u64, &hasher)
}

/// Compares a file with its sum.
pub(super) fn check(path: &Path, sum: &Sum) -> Result<(), MergeError> {
    let damaged = || MergeError::Damaged { path: path.to_owned() };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged()),
        file => doing("read", path, file)?,
    };
    let (mut hasher, mut length, mut bytes) = (XxHash3_128::new(), 0, vec![0; READ_BYTES]);
    loop {
        let read = doing("read", path, file.read(&mut bytes))?;
        let Some(bytes) = bytes.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.write(bytes);
        length += read as u64;
    }
    if Sum::of(length, &hasher) == *sum { Ok(()) } else { Err(damaged()) }
}

/// A file in the making; it is opened for each batch, for there may be more folders than a process may have files.
pub(super) struct Writer {
    disk: Disk,
    path: PathBuf,
    stream: StreamWriter<Vec<u8>>,
    is_begun: bool,
    hasher: XxHash3_128,
    bytes: u64,
}

impl Writer {
    pub(super) fn new(disk: &Disk, path: PathBuf, schema: &Schema) -> Result<Self, MergeError> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let stream = StreamWriter::try_new_with_options(Vec::new(), schema, options)?;
        Ok(Self { disk: disk.clone(), path, stream, is_begun: false, hasher: XxHash3_128::new(), bytes: 0 })
    }

    /// Adds records.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), MergeError> {
        self.stream.write(batch)?;
        Ok(self.flush()?)
    }

    /// Ends the file. Returns where it is and what it holds.
    pub(super) fn finish(mut self) -> Result<(PathBuf, Sum), MergeError> {
        self.stream.finish()?;
        self.flush()?;
        Ok((self.path, Sum::of(self.bytes, &self.hasher)))
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        let bytes = std::mem::take(self.stream.get_mut());
        self.hasher.write(&bytes);
        self.bytes += bytes.len() as u64;
        self.disk.append(&self.path, &bytes, !self.is_begun)?;
        self.is_begun = true;
        Ok(())
    }
}

/// Reads the records of a file whose bytes are those of its sum.
pub(in crate::dataset) fn records_of(path: &Path, sum: &Sum) -> Result<Batches<'static>, MergeError> {
    check(path, sum)?;
    let file = Reopened { path: path.to_owned(), offset: 0 };
    let damaged = {
        let path = path.to_owned();
        move |_: ArrowError| MergeError::Damaged { path: path.clone() }
    };
    let stream = StreamReader::try_new(BufReader::with_capacity(DECODE_BYTES, file), None).map_err(&damaged)?;
    Ok(Box::new(stream.map(move |batch| batch.map_err(&damaged))))
}

/// A file that is open only while it is read.
struct Reopened {
    path: PathBuf,
    offset: u64,
}

impl Read for Reopened {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let read = file.read(into)?;
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn batch(from: i64) -> RecordBatch {
        let schema =
            Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("count", DataType::Int64, true)]);
        let ids = StringArray::from_iter_values((from..from + 1000).map(|at| format!("note {at}")));
        let counts: Int64Array = (from..from + 1000).map(|at| (at % 3 > 0).then_some(at * 7)).collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::new(counts)]).unwrap()
    }

    fn written(path: &Path, batches: &[RecordBatch]) -> Sum {
        let mut writer = Writer::new(&Disk::machine(), path.to_owned(), &batch(0).schema()).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap().1
    }

    fn read(path: &Path, sum: &Sum) -> Result<Vec<RecordBatch>, MergeError> {
        records_of(path, sum)?.collect()
    }

    #[test]
    fn records_come_back_and_any_damage_is_found() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a");
        let batches: Vec<_> = (0..20).map(|at| batch(at * 1000)).collect();
        let sum = written(&path, &batches);
        assert_eq!(read(&path, &sum).unwrap(), batches);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(sum_of(&whole), sum);
        for at in (0..whole.len()).step_by(997) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(read(&path, &sum), Err(MergeError::Damaged { .. })), "flipped at {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(read(&path, &sum), Err(MergeError::Damaged { .. })), "cut at {at}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path, &sum), Err(MergeError::Damaged { .. })));
        // Bytes that were never a stream, under a sum of their own.
        std::fs::write(&path, "no stream").unwrap();
        assert!(matches!(read(&path, &sum_of(b"no stream")), Err(MergeError::Damaged { .. })));
    }

    #[test]
    fn no_records_are_a_file_too() {
        let home = tempfile::tempdir().unwrap();
        let sum = written(&home.path().join("a"), &[]);
        assert!(read(&home.path().join("a"), &sum).unwrap().is_empty());
    }
}
