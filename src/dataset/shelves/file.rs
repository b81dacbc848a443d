//! Files of sorted records: what a build learnt, kept for the next one or laid aside for want of memory.
//!
//! Nothing is lost with them, so they are not synced; a checksum over all records tells damage.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;
use zstd::bulk::{Compressor, Decompressor};

use crate::disk::{Disk, DiskError, doing};

/// How many bytes of records are compressed together, one large record aside.
const BLOCK_BYTES: usize = 1 << 17;
/// The least, where many files are written, and later read, at once.
const LEAST_BLOCK_BYTES: usize = 1 << 13;
/// About how many bytes the blocks of all files may have that are written at once.
const ALL_BLOCKS_BYTES: usize = 1 << 23;
/// More than this no block ever holds: a length beyond it is damage.
const BLOCK_LIMIT: usize = 1 << 30;
/// The fastest level: these files live for a day.
const LEVEL: i32 = 1;

/// Says why records cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file is not what was written.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A record cannot be encoded.
    #[error("cannot keep what an answer tells in `{}`", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
    },
}

/// What names a file's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// How many there are.
    pub(super) records: u64,
    /// The XXH3 hash of all of them, in hex. It tells damage, not malice: whoever may write here may write anything.
    pub(super) hash: String,
}

/// A file in the making; it is opened for each block, for there may be more folders than a process may have files.
pub(super) struct Writer {
    disk: Disk,
    path: PathBuf,
    block: Vec<u8>,
    block_bytes: usize,
    is_begun: bool,
    hasher: XxHash3_128,
    records: u64,
}

impl Writer {
    /// Begins a file; `others` are written at the same time.
    pub(super) fn new(disk: &Disk, path: PathBuf, others: usize) -> Self {
        let (disk, hasher) = (disk.clone(), XxHash3_128::new());
        let block_bytes = (ALL_BLOCKS_BYTES / (others + 1)).clamp(LEAST_BLOCK_BYTES, BLOCK_BYTES);
        Self { disk, path, block: Vec::new(), block_bytes, is_begun: false, hasher, records: 0 }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: &impl Serialize) -> Result<(), ShelfError> {
        let encoded = postcard::to_extend(record, std::mem::take(&mut self.block));
        self.block = encoded.map_err(|_| ShelfError::Encode { path: self.path.clone() })?;
        self.records += 1;
        if self.block.len() >= self.block_bytes { self.flush() } else { Ok(()) }
    }

    /// Ends the file. Returns where it is and what it holds.
    pub(super) fn finish(mut self) -> Result<(PathBuf, Sum), ShelfError> {
        if !self.block.is_empty() || !self.is_begun {
            self.flush()?;
        }
        Ok((self.path, Sum { records: self.records, hash: hex(&self.hasher) }))
    }

    fn flush(&mut self) -> Result<(), ShelfError> {
        self.hasher.write(&self.block);
        let compressed = doing("compress", &self.path, compress(&self.block))?;
        let lengths = [compressed.len(), self.block.len()].map(|length| (length as u32).to_le_bytes());
        let mut bytes = lengths.concat();
        bytes.extend(compressed);
        self.disk.append(&self.path, &bytes, !self.is_begun)?;
        self.is_begun = true;
        self.block.clear();
        Ok(())
    }
}

thread_local! {
    /// What zstd works with: large, and the same for all files of a thread.
    static COMPRESSOR: RefCell<io::Result<Compressor<'static>>> = RefCell::new(Compressor::new(LEVEL));
    static DECOMPRESSOR: RefCell<io::Result<Decompressor<'static>>> = RefCell::new(Decompressor::new());
}

fn compress(block: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|zstd| zstd.as_mut().map_err(|error| io::Error::from(error.kind()))?.compress(block))
}

fn decompress(bytes: &[u8], capacity: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|zstd| {
        zstd.as_mut().map_err(|error| io::Error::from(error.kind()))?.decompress(bytes, capacity)
    })
}

fn hex(hasher: &XxHash3_128) -> String {
    format!("{:032x}", hasher.finish_128())
}

/// The records of a file, in order; damage is an error, at its end at the latest.
pub(super) struct Reader<R> {
    path: PathBuf,
    offset: u64,
    block: Vec<u8>,
    /// The next record in the block.
    at: usize,
    hasher: XxHash3_128,
    records: u64,
    sum: Sum,
    is_over: bool,
    of: PhantomData<R>,
}

impl<R: DeserializeOwned> Reader<R> {
    pub(super) fn new(path: &Path, sum: &Sum) -> Self {
        Self {
            path: path.to_owned(),
            offset: 0,
            block: Vec::new(),
            at: 0,
            hasher: XxHash3_128::new(),
            records: 0,
            sum: sum.clone(),
            is_over: false,
            of: PhantomData,
        }
    }

    fn damaged(&mut self) -> ShelfError {
        self.is_over = true;
        ShelfError::Damaged { path: self.path.clone() }
    }

    /// Reads the next block; nothing at the end.
    fn block(&mut self) -> Result<Option<Vec<u8>>, ShelfError> {
        let Ok(mut file) = File::open(&self.path) else { return Err(self.damaged()) };
        doing("read", &self.path, file.seek(SeekFrom::Start(self.offset)))?;
        let mut lengths = [0; 8];
        match file.read(&mut lengths) {
            Ok(0) => return Ok(None),
            Ok(8) => {}
            _ => return Err(self.damaged()),
        }
        // The compressed length comes first: little-endian, it is the lower half.
        let lengths = u64::from_le_bytes(lengths);
        let (compressed, raw) = (lengths as u32 as usize, (lengths >> 32) as usize);
        if compressed > BLOCK_LIMIT || raw > BLOCK_LIMIT {
            return Err(self.damaged());
        }
        let mut bytes = Vec::new();
        let read = doing("read", &self.path, file.take(compressed as u64).read_to_end(&mut bytes))?;
        match decompress(&bytes, raw) {
            Ok(block) if read == compressed && block.len() == raw => {
                self.offset += 8 + compressed as u64;
                self.hasher.write(&block);
                Ok(Some(block))
            }
            _ => Err(self.damaged()),
        }
    }

    fn read(&mut self) -> Result<Option<R>, ShelfError> {
        while self.at == self.block.len() {
            let Some(block) = self.block()? else {
                self.is_over = true;
                let read = Sum { records: self.records, hash: hex(&self.hasher) };
                return if read == self.sum { Ok(None) } else { Err(self.damaged()) };
            };
            (self.block, self.at) = (block, 0);
        }
        let rest = self.block.get(self.at..).unwrap_or_default();
        let (record, left) = match postcard::take_from_bytes(rest) {
            Ok((record, left)) => (record, left.len()),
            Err(_) => return Err(self.damaged()),
        };
        self.at = self.block.len() - left;
        self.records += 1;
        Ok(Some(record))
    }
}

impl<R: DeserializeOwned> Iterator for Reader<R> {
    type Item = Result<R, ShelfError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over { None } else { self.read().transpose() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, records: &[(String, u64)]) -> Sum {
        let mut writer = Writer::new(&Disk::machine(), path.to_owned(), records.len());
        for record in records {
            writer.push(record).unwrap();
        }
        writer.finish().unwrap().1
    }

    fn read(path: &Path, sum: &Sum) -> Result<Vec<(String, u64)>, ShelfError> {
        Reader::new(path, sum).collect()
    }

    #[test]
    fn records_come_back_and_any_damage_is_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a");
        let records: Vec<_> = (0..20_000).map(|at| (format!("note {at}"), at * 7)).collect();
        let sum = written(&path, &records);
        assert_eq!(read(&path, &sum).unwrap(), records);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(97) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(read(&path, &sum), Err(ShelfError::Damaged { .. })), "flipped at {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(read(&path, &sum), Err(ShelfError::Damaged { .. })), "cut at {at}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path, &sum), Err(ShelfError::Damaged { .. })));
    }

    #[test]
    fn no_records_are_a_file_too() {
        let home = tempfile::tempdir().unwrap();
        let sum = written(&home.path().join("a"), &[]);
        assert!(read(&home.path().join("a"), &sum).unwrap().is_empty());
    }
}
