//! The snapshots re-read: manifests, then every file's size, checksum, rows and order. Nothing is changed.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::copied::{Copied, copied};
use super::manifest::{FILE_NAME, FileEntry, Manifest, ManifestError, SCHEMA_VERSION, TableEntry};
use super::pins;
use super::snapshots::{self, LINK, POINTER, snapshot_folder};
use crate::disk::{DiskError, doing};
use crate::flatten::tables::{TableDoc, dictionary};
use crate::model::{Inspection, sha256, sha256_hex};

/// Keys that are held in memory at once.
const KEYS_AT_ONCE: u64 = 1 << 20;

/// Re-reads every snapshot of a dataset, a file at a time. `origin` is what the state says the answers are.
pub fn verify(dataset: &Path, origin: Option<&str>, found: &mut Inspection) -> Result<(), DiskError> {
    let numbers = snapshots::numbers(dataset)?;
    let (mut files, mut rows) = (0, 0);
    for number in &numbers {
        let folder = snapshot_folder(dataset, *number);
        let manifest = match Manifest::read(&folder) {
            Ok(manifest) => manifest,
            Err(error @ ManifestError::Damaged { .. }) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                found.damage(&folder.join(FILE_NAME), reason);
                continue;
            }
            Err(ManifestError::Disk(_)) if !folder.join(FILE_NAME).exists() => {
                found.damage(&folder.join(FILE_NAME), "it is gone");
                continue;
            }
            Err(ManifestError::Disk(error)) => return Err(error),
        };
        let mut reader = Reader { folder, manifest: &manifest, found };
        reader.manifest(*number, origin);
        for table in manifest.outline.dictionary() {
            let Some(entry) = manifest.tables.get(table.name) else { continue };
            let (own_files, own_rows) = reader.table(&table, entry)?;
            files += own_files;
            rows += own_rows;
        }
        reader.strangers()?;
    }
    pointers(dataset, &numbers, found)?;
    pins(dataset, &numbers, found);
    found.read.extend([("snapshots", numbers.len() as u64), ("table files", files), ("rows", rows)]);
    Ok(())
}

/// Checks that the link and the file name one whole snapshot.
fn pointers(dataset: &Path, numbers: &BTreeSet<u64>, found: &mut Inspection) -> Result<(), DiskError> {
    let (link, pointer) = (dataset.join(LINK), dataset.join(POINTER));
    let (linked, told) = (snapshots::linked(dataset), snapshots::told(dataset));
    let Some(highest) = numbers.last().copied() else {
        for path in [link, pointer].iter().filter(|path| path.symlink_metadata().is_ok()) {
            found.damage(path, "there is no snapshot");
        }
        return Ok(());
    };
    let copied = copied(dataset)?;
    for (path, number) in [(&link, linked), (&pointer, told)] {
        match number {
            _ if path == &link && path.symlink_metadata().is_err() && snapshots::has_no_link(dataset) => {}
            _ if path.symlink_metadata().is_err() => found.damage(path, "it is gone; the next build makes it again"),
            None => {
                let copied = copied.filter(|_| path == &link);
                found.damage(path, copied.map_or_else(|| "it names no snapshot".into(), not_a_link));
            }
            Some(number) if !snapshots::is_whole(dataset, number) => {
                found.damage(path, format!("it names snapshot {number:06}, which is not whole"));
            }
            _ => {}
        }
    }
    if let (Some(linked), Some(told)) = (linked, told) {
        if linked > told {
            found.note(
                &pointer,
                format!("it still names snapshot {told:06}: a kill came between; the next command mends it"),
            );
        } else if linked < told {
            found.damage(&pointer, format!("it names snapshot {told:06}, and `latest` {linked:06}"));
        }
    }
    if let Some(latest) = linked.max(told).filter(|latest| *latest < highest) {
        let path = snapshot_folder(dataset, highest);
        found.note(&path, format!("it never became the latest, which is {latest:06}; the next build removes it"));
    }
    Ok(())
}

/// Says what stands in place of the link, and what to do: the same that `run` and `build` do or say.
fn not_a_link(copied: Copied) -> String {
    match copied {
        Copied::Snapshot(number) => {
            format!("it is a copy of snapshot {number:06}, and no link; `notemill build` makes it a link again")
        }
        Copied::Text(number) => {
            format!("it is a file that names snapshot {number:06}, and no link; `notemill build` makes it a link again")
        }
        Copied::Other => {
            "it is neither a link nor a mere copy of a snapshot; move it out of the dataset's folder: the next \
                          run or build makes the link again"
                .into()
        }
    }
}

/// Checks that what is pinned can be read, and stands.
fn pins(dataset: &Path, numbers: &BTreeSet<u64>, found: &mut Inspection) {
    let path = dataset.join(pins::FILE_NAME);
    match pins::pinned(dataset) {
        Ok(pinned) => {
            for gone in pinned.difference(numbers) {
                found.note(&path, format!("it names snapshot {gone:06}, which is not there"));
            }
        }
        Err(error) => found.damage(&path, format!("{error}; until it can be read, no snapshot is removed")),
    }
}

struct Reader<'a> {
    folder: PathBuf,
    manifest: &'a Manifest,
    found: &'a mut Inspection,
}

impl Reader<'_> {
    fn manifest(&mut self, number: u64, origin: Option<&str>) {
        let path = self.folder.join(FILE_NAME);
        let manifest = self.manifest;
        if manifest.schema_version > SCHEMA_VERSION {
            self.found.damage(&path, format!("it has schema version {}, of a newer notemill", manifest.schema_version));
        }
        let card = self.folder.join(snapshots::CARD);
        if !card.is_file() {
            self.found.damage(&card, "it is gone");
        }
        if manifest.snapshot != number {
            self.found.damage(&path, format!("it is of snapshot {:06}", manifest.snapshot));
        }
        if let Some(origin) = origin.filter(|origin| *origin != manifest.origin.to_string()) {
            self.found.damage(&path, format!("it is of {} answers, and the dataset of {origin} ones", manifest.origin));
        }
        let known: BTreeSet<&str> = dictionary().iter().map(|table| table.name).collect();
        let named: BTreeSet<&str> = manifest.tables.keys().map(String::as_str).collect();
        for table in known.symmetric_difference(&named) {
            self.found.damage(
                &path,
                format!("the table `{table}` is in the manifest or in the data dictionary, not in both"),
            );
        }
        for (name, entry) in &manifest.tables {
            if entry.rows != entry.files.iter().map(|file| file.rows).sum::<u64>() {
                self.found.damage(&path, format!("the files of `{name}` do not hold {} rows", entry.rows));
            }
        }
    }

    /// Reads a table; returns how many of its files are whole, and their rows.
    fn table(&mut self, table: &TableDoc, entry: &TableEntry) -> Result<(u64, u64), DiskError> {
        let mut whole = Vec::new();
        for file in &entry.files {
            let path = self.folder.join(&file.path);
            match as_written(&path, file)? {
                Written::Same => whole.push((path, file)),
                Written::Other(what) => self.found.damage(&path, what),
                Written::UnderItsName => {
                    let what = format!("it says something else of `{}` than that file's own name", file.path);
                    self.found.damage(&self.folder.join(FILE_NAME), what);
                }
            }
        }
        let rows: u64 = whole.iter().map(|(_, file)| file.rows).sum();
        // However large the table: a part of its keys at a time, all files once for each part.
        let parts = rows.div_ceil(KEYS_AT_ONCE).max(1);
        // Older versions had fewer columns.
        let is_current = self.manifest.schema_version == SCHEMA_VERSION;
        for part in 0..parts {
            let mut keys = HashSet::new();
            for (path, file) in &whole {
                let scan = Scan {
                    table,
                    is_current,
                    all_columns: part == 0 && is_current,
                    part: u128::from(part),
                    parts: u128::from(parts),
                };
                if let Err(what) = scan.file(path, file, &mut keys) {
                    self.found.damage(path, what);
                }
            }
        }
        Ok((whole.len() as u64, rows))
    }

    /// Tells of files that no manifest names: a reader that lists a table's folder would read them.
    fn strangers(&mut self) -> Result<(), DiskError> {
        for path in snapshots::strangers(&self.folder, self.manifest)? {
            if path.parent() == Some(&self.folder) {
                self.found.note(&path, "the manifest does not name it");
            } else {
                self.found.damage(&path, "the manifest does not name it, and readers would read it");
            }
        }
        Ok(())
    }
}

/// How a file stands to its entry in the manifest.
enum Written {
    Same,
    /// It is what its name says, so the entry is wrong.
    UnderItsName,
    Other(String),
}

/// Compares a file's bytes with its entry, before anyone decodes them.
fn as_written(path: &Path, entry: &FileEntry) -> Result<Written, DiskError> {
    if !path.exists() {
        return Ok(Written::Other("it is gone".into()));
    }
    let bytes = doing("read", path, fs::read(path))?;
    let (length, sha256) = (bytes.len() as u64, sha256_hex(&bytes));
    if length == entry.bytes && sha256 == entry.sha256 {
        return Ok(Written::Same);
    }
    let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|name| name.len() >= 12);
    Ok(if name.is_some_and(|name| sha256.starts_with(name)) {
        Written::UnderItsName
    } else if length == entry.bytes {
        Written::Other("its checksum is not what the manifest says".into())
    } else {
        Written::Other(format!("it has {length} bytes, and {} were written", entry.bytes))
    })
}

/// One reading of a file: all of it, or its keys alone.
struct Scan<'a> {
    table: &'a TableDoc,
    /// Whether it has all of today's columns.
    is_current: bool,
    all_columns: bool,
    part: u128,
    parts: u128,
}

impl Scan<'_> {
    /// Reads a file and adds its keys of this part.
    fn file(&self, path: &Path, entry: &FileEntry, keys: &mut HashSet<u128>) -> Result<(), String> {
        let file = File::open(path).map_err(text)?;
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(text)?;
        if self.all_columns {
            let names = reader.schema().fields().iter().map(|field| field.name().as_str());
            if !names.eq(self.table.columns.iter().map(|column| column.name.as_ref())) {
                return Err("it has other columns than the table".into());
            }
        } else {
            let mask = ProjectionMask::columns(reader.parquet_schema(), self.table.sorted_by.iter().copied());
            reader = reader.with_projection(mask);
        }
        let (mut rows, mut last, mut converter) = (0, None, None);
        for batch in reader.with_batch_size(8192).build().map_err(text)? {
            let batch = batch.map_err(text)?;
            rows += batch.num_rows() as u64;
            self.keys(&batch, &mut converter, &mut last, keys)?;
        }
        if rows != entry.rows {
            return Err(format!("it holds {rows} rows, and {} were written", entry.rows));
        }
        Ok(())
    }

    fn keys(
        &self,
        batch: &RecordBatch,
        converter: &mut Option<RowConverter>,
        last: &mut Option<OwnedRow>,
        keys: &mut HashSet<u128>,
    ) -> Result<(), String> {
        let column = |name: &&str| batch.column_by_name(name).cloned().ok_or_else(|| format!("it has no `{name}`"));
        let has = |name: &&&str| self.is_current || batch.column_by_name(name).is_some();
        let columns: Vec<ArrayRef> = self.table.sorted_by.iter().filter(has).map(column).collect::<Result<_, _>>()?;
        let converter = if let Some(converter) = converter {
            converter
        } else {
            let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
            converter.insert(RowConverter::new(fields).map_err(text)?)
        };
        let rows = converter.convert_columns(&columns).map_err(text)?;
        let mut before = last.as_ref().map(OwnedRow::row);
        for row in &rows {
            if before.is_some_and(|before| before >= row) {
                return Err("its rows are not sorted by the table's key, or one is there twice".into());
            }
            before = Some(row);
            let key = sha256(row.as_ref()).iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte));
            if key % self.parts == self.part && !keys.insert(key) {
                return Err("a row's key is in another file of the table, too".into());
            }
        }
        *last = before.map(|row| row.owned());
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
