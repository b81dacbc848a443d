//! The rows of one file, as far as a comparison needs them: the id, a digest of each column, the counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read as _};
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::row::{RowConverter, SortField};
use sha2::{Digest as _, Sha256};

use super::super::manifest::FileEntry;
use super::DiffError;
use crate::disk::doing;
use crate::model::{caught, hex};

/// Rows that are held in memory at once: some 300 bytes each.
pub(super) const AT_ONCE: u64 = 1 << 18;
/// Rows that are decoded at once.
const BATCH: usize = 4096;

/// What differs with every answer, and what a person would not call a change: addresses that expire, tokens, and where,
/// when and how exactly the row was observed.
const PASSING: &[&str] = &[
    "avatar_url",
    "banner_url",
    "content_observed_at",
    "content_source",
    "counts_are_approximate",
    "counts_observed_at",
    "cover_url",
    "first_seen_at",
    "last_seen_at",
    "profile_observed_at",
    "profile_source",
    "share_url",
    "video_url",
    "xsec_token",
];

/// The column that says that a note is gone from the platform.
const IS_GONE: &str = "is_gone";

/// The column that says that a count may be a rounded one.
const ARE_APPROXIMATE: &str = "counts_are_approximate";

/// One row of a snapshot.
#[derive(Debug)]
pub(super) struct Known {
    /// One for each column that is compared.
    pub(super) digests: Box<[u64]>,
    /// One for each count; none where it is null.
    pub(super) counts: Box<[Option<i64>]>,
    /// Whether any of them may be a rounded one.
    pub(super) is_approximate: bool,
    /// Whether it is marked as gone.
    pub(super) is_gone: bool,
}

/// The columns that both snapshots have.
#[derive(Debug)]
pub(super) struct Columns {
    key: String,
    pub(super) compared: Vec<String>,
    /// Those of them that are counts.
    pub(super) counts: Vec<String>,
}

impl Columns {
    /// Finds the columns that are compared, and those that cannot be.
    pub(super) fn of_both(key: &str, before: &Types, after: &Types) -> (Self, BTreeSet<String>) {
        let both = |name: &&String| before.get(*name) == after.get(*name);
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let (same, other): (Vec<&String>, Vec<&String>) = all.into_iter().partition(both);
        let told = same.into_iter().filter(|name| *name != key && !PASSING.contains(&name.as_str()));
        let compared: Vec<String> = told.cloned().collect();
        let is_count = |name: &&String| name.ends_with("_count") && after.get(*name) == Some(&DataType::Int64);
        let counts = compared.iter().filter(is_count).cloned().collect();
        (Self { key: key.to_owned(), compared, counts }, other.into_iter().cloned().collect())
    }
}

/// The columns of a file, with their types.
type Types = BTreeMap<String, DataType>;

/// Reads which columns a file has; its bytes are compared with an entry of the manifest first, if there is one.
pub(super) fn types(path: &Path, entry: Option<&FileEntry>) -> Result<Types, DiffError> {
    entry.map_or(Ok(()), |entry| check(path, entry))?;
    let builder = open(path)?;
    let fields = builder.schema().fields().iter();
    Ok(fields.map(|field| (field.name().clone(), field.data_type().clone())).collect())
}

fn damaged(path: &Path, reason: impl std::fmt::Display) -> DiffError {
    DiffError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}

fn open_file(path: &Path) -> Result<File, DiffError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(damaged(path, "it is gone")),
        file => Ok(doing("read", path, file)?),
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, DiffError> {
    let file = open_file(path)?;
    let builder = caught(|| ParquetRecordBatchReaderBuilder::try_new(file));
    builder.map_err(|reason| damaged(path, reason))?.map_err(|error| damaged(path, error))
}

/// One reading of files: a part of their ids.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) columns: &'a Columns,
    pub(super) part: u64,
    pub(super) parts: u64,
}

impl Reader<'_> {
    /// Reads the rows of this part from one file.
    pub(super) fn read(
        &self,
        folder: &Path,
        file: &FileEntry,
        take: &mut impl FnMut(&str, Known),
    ) -> Result<(), DiffError> {
        let names =
            self.columns.compared.iter().chain([&self.columns.key]).map(String::as_str).chain([ARE_APPROXIMATE]);
        batches(&folder.join(&file.path), names, &mut |batch| self.rows(batch, take))
    }

    /// Reads the ids of this part from one file.
    pub(super) fn ids(&self, folder: &Path, file: &FileEntry, take: &mut impl FnMut(&str)) -> Result<(), DiffError> {
        batches(&folder.join(&file.path), [self.columns.key.as_str()], &mut |batch| {
            let (ids, mine) = self.mine(batch)?;
            mine.for_each(|row| take(ids.value(row)));
            Ok(())
        })
    }

    /// Returns the ids of a batch, and the rows that are of this part.
    fn mine<'b>(&self, batch: &'b RecordBatch) -> Result<(&'b StringArray, impl Iterator<Item = usize> + 'b), String> {
        let (key, part, parts) = (&self.columns.key, self.part, self.parts);
        let ids = batch.column_by_name(key).ok_or_else(|| format!("it has no column `{key}`"))?;
        let ids = ids.as_string_opt::<i32>().ok_or("its ids are no text")?;
        Ok((ids, (0..ids.len()).filter(move |row| parts == 1 || hash(ids.value(*row)) % parts == part)))
    }

    fn rows(&self, batch: &RecordBatch, take: &mut impl FnMut(&str, Known)) -> Result<(), String> {
        let column = |name: &String| batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`"));
        let (ids, mine) = self.mine(batch)?;
        let mine: Vec<usize> = mine.collect();
        let mut digests: Vec<Vec<u64>> = mine.iter().map(|_| Vec::with_capacity(self.columns.compared.len())).collect();
        for name in &self.columns.compared {
            add_digests(column(name)?, &mine, &mut digests).map_err(|error| error.to_string())?;
        }
        let gone = self.columns.compared.iter().find(|name| *name == IS_GONE).map(column).transpose()?;
        let gone = gone.and_then(|gone| gone.as_boolean_opt());
        let approximate = batch.column_by_name(ARE_APPROXIMATE).and_then(|truths| truths.as_boolean_opt());
        let is_true =
            |truths: Option<&BooleanArray>, row| truths.is_some_and(|all| all.is_valid(row) && all.value(row));
        let counts: Vec<_> = self.columns.counts.iter().map(column).collect::<Result<_, _>>()?;
        let counts: Vec<_> = counts.iter().filter_map(|count| count.as_primitive_opt::<Int64Type>()).collect();
        for (row, digests) in mine.into_iter().zip(digests) {
            let counts = counts.iter().map(|count| count.is_valid(row).then(|| count.value(row))).collect();
            let (is_gone, is_approximate) = (is_true(gone, row), is_true(approximate, row));
            take(ids.value(row), Known { digests: digests.into(), counts, is_approximate, is_gone });
        }
        Ok(())
    }
}

/// Reads some columns of a file, batch by batch. Damage that no checksum was asked about may make the reader panic; what it
/// has told by then is thrown away.
fn batches<'a>(
    path: &Path,
    columns: impl IntoIterator<Item = &'a str>,
    take: &mut impl FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), DiffError> {
    let builder = open(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let read = caught(|| {
        let reader = builder.with_projection(mask).with_batch_size(BATCH).build().map_err(|error| error.to_string())?;
        for batch in reader {
            take(&batch.map_err(|error| error.to_string())?)?;
        }
        Ok::<_, String>(())
    });
    read.map_err(|reason| damaged(path, reason))?.map_err(|error| damaged(path, error))
}

/// Adds one column's digests of some rows.
fn add_digests(column: &ArrayRef, mine: &[usize], digests: &mut [Vec<u64>]) -> Result<(), arrow::error::ArrowError> {
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(column))?;
    for (row, digests) in mine.iter().zip(digests) {
        digests.push(hash(rows.row(*row).as_ref()));
    }
    Ok(())
}

/// Equal values have equal hashes within this process, and nowhere else.
fn hash<T: std::hash::Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Compares a file's bytes with what the manifest says of them.
pub(super) fn check(path: &Path, entry: &FileEntry) -> Result<(), DiffError> {
    let mut file = open_file(path)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = doing("read", path, file.read(&mut buffer))?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    if hex(&hasher.finalize()) == entry.sha256 {
        return Ok(());
    }
    Err(damaged(path, "its checksum is not what the manifest says"))
}
