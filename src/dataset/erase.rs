//! What is forgotten, taken out of the snapshots that are kept: those files are written anew, all others stay.
//!
//! ```text
//! snapshots/000042 ──filter──▶ snapshots/000042.new ──▶ 000042 is removed ──▶ 000042.new becomes 000042
//! ```
//!
//! Killed anywhere, it is begun again by whoever calls it again, and nothing is lost in between.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::errors::ParquetError;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, StringArray};
use arrow::compute::{SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch};
use arrow::datatypes::DataType;

use super::manifest::{FILE_NAME, FileEntry, Manifest, ManifestError, TableEntry};
use super::parquet::{Encoded, ROWS_PER_GROUP, properties};
use super::snapshots::{self, CARD, SNAPSHOTS, snapshot_folder};
use crate::disk::{Disk, DiskError, StagedFolder, doing};
use crate::flatten::tables::{AddedColumn, ColumnType, dictionary};
use crate::model::{Forgotten, caught, sha256_hex};

/// Ends the name of a snapshot that will stand in another's place.
const NEW: &str = ".new";
/// A row that names what is forgotten in one of these goes whole.
pub(super) const IDS: [&str; 3] = ["note_id", "author_id", "user_id"];
/// Where a text may mention somebody, beside the columns that a job adds.
const SPOKEN: [&str; 3] = ["title", "description", "sound_name"];

/// How many rows were taken out of which table, over all snapshots; and how many snapshots were written anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedRows {
    /// Rows taken out, by table.
    pub rows: BTreeMap<String, u64>,
    /// Snapshots that changed.
    pub snapshots: u64,
}

/// Says why a kept snapshot may still hold what is forgotten.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A table's file is not what was written.
    #[error("the file `{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ParquetError,
    },
}

/// Takes what is forgotten out of every snapshot of a dataset. Readers see the old one or the new one, and for the moment
/// between two renames none. `erase_json` does so with a JSON value of a column that a job added; none where it holds
/// nothing of it.
///
/// # Errors
///
/// The disk failed, or a snapshot cannot be read: what is in it is not known then, and stays.
pub fn erase(
    disk: &Disk,
    dataset: &Path,
    forgotten: &Forgotten,
    erase_json: &dyn Fn(&str) -> Option<String>,
) -> Result<ErasedRows, EraseError> {
    finish(disk, dataset)?;
    let mut taken = ErasedRows::default();
    let mut eraser = Eraser { disk, forgotten, erase_json, written: HashMap::new() };
    for number in snapshots::numbers(dataset)? {
        let folder = snapshot_folder(dataset, number);
        let manifest = Manifest::read(&folder)?;
        let Some(rows) = eraser.snapshot(&folder, &manifest)? else { continue };
        taken.snapshots += 1;
        for (table, rows) in rows {
            *taken.rows.entry(table).or_default() += rows;
        }
    }
    Ok(taken)
}

/// Ends what a kill cut off: a new snapshot without an old one takes its place, any other is begun anew.
fn finish(disk: &Disk, dataset: &Path) -> Result<(), DiskError> {
    let snapshots = dataset.join(SNAPSHOTS);
    if !snapshots.is_dir() {
        return Ok(());
    }
    disk.remove_leftovers(&snapshots, |_| true)?;
    for entry in doing("list", &snapshots, fs::read_dir(&snapshots))? {
        let new = doing("list", &snapshots, entry)?.path();
        let Some(old) = new.to_str().and_then(|name| name.strip_suffix(NEW)).map(PathBuf::from) else { continue };
        if old.exists() {
            disk.remove_folder(&new)?;
        } else {
            disk.put(&new, &old)?;
        }
    }
    Ok(())
}

struct Eraser<'a> {
    disk: &'a Disk,
    forgotten: &'a Forgotten,
    erase_json: &'a dyn Fn(&str) -> Option<String>,
    /// What became of a file, by the SHA-256 that it had: snapshots share their files.
    written: HashMap<String, (PathBuf, FileEntry)>,
}

impl Eraser<'_> {
    /// Writes a snapshot anew; none where it holds nothing that is forgotten.
    fn snapshot(&mut self, folder: &Path, before: &Manifest) -> Result<Option<BTreeMap<String, u64>>, EraseError> {
        let mut new = folder.as_os_str().to_owned();
        new.push(NEW);
        let new = PathBuf::from(new);
        let names = self.nicknames(folder, before)?;
        let mut staged = self.disk.stage(&new)?;
        let mut after = Manifest { tables: BTreeMap::new(), ..before.clone() };
        let (mut taken, mut changed) = (BTreeMap::new(), false);
        for (table, entry) in &before.tables {
            let mut files = Vec::new();
            for file in &entry.files {
                let kept = self.file(folder, &new, file, before, &names, &mut staged)?;
                changed |= kept != *file;
                // Files that have become empty may be one.
                if !files.contains(&kept) {
                    files.push(kept);
                }
            }
            files.sort();
            let rows = files.iter().map(|file| file.rows).sum();
            if entry.rows > rows {
                taken.insert(table.clone(), entry.rows - rows);
            }
            after.tables.insert(table.clone(), TableEntry { rows, files });
        }
        if !changed {
            return Ok(None);
        }
        after.taken_out = Some(before.taken_out.unwrap_or(0) + taken.values().sum::<u64>());
        let card = folder.join(CARD);
        if card.is_file() {
            let text = doing("read", &card, fs::read_to_string(&card))?;
            staged.write(CARD, self.card(&text, &after).as_bytes())?;
        }
        staged.write(FILE_NAME, &after.to_json())?;
        staged.publish()?;
        self.disk.remove_folder(folder)?;
        self.disk.put(&new, folder)?;
        for (path, _) in self.written.values_mut() {
            if let Ok(inside) = path.strip_prefix(&new) {
                *path = folder.join(inside);
            }
        }
        Ok(Some(taken))
    }

    /// Puts one file into the new snapshot, with or without a change.
    fn file(
        &mut self,
        folder: &Path,
        new: &Path,
        file: &FileEntry,
        manifest: &Manifest,
        names: &HashMap<String, Vec<String>>,
        staged: &mut StagedFolder,
    ) -> Result<FileEntry, EraseError> {
        let old = folder.join(&file.path);
        let is_mentioning = !names.is_empty() && file.path.starts_with("notes/");
        if !is_mentioning && let Some((path, entry)) = self.written.get(&file.sha256) {
            staged.link(&entry.path, path)?;
            return Ok(entry.clone());
        }
        let bytes = doing("read", &old, fs::read(&old))?;
        let damaged = |source| EraseError::Damaged { path: old.clone(), source };
        if sha256_hex(&bytes) != file.sha256 {
            return Err(damaged(ParquetError::General("its checksum is not what the manifest says".into())));
        }
        let table = file.path.split('/').next().unwrap_or_default();
        let Some(encoded) = self.filtered(table, bytes, manifest, names).map_err(damaged)? else {
            staged.link(&file.path, &old)?;
            return Ok(file.clone());
        };
        let place = file.path.rsplit_once('/').map_or("", |(place, _)| place);
        let path = format!("{place}/{}", encoded.file_name());
        staged.write(&path, &encoded.bytes)?;
        let bytes = encoded.bytes.len() as u64;
        let Encoded { rows, sha256, nulls, .. } = encoded;
        let entry = FileEntry { path: path.clone(), rows, bytes, sha256, nulls };
        if !is_mentioning {
            self.written.insert(file.sha256.clone(), (new.join(path), entry.clone()));
        }
        Ok(entry)
    }

    /// Encodes a file without what is forgotten; none where it holds nothing of it.
    fn filtered(
        &self,
        table: &str,
        bytes: Vec<u8>,
        manifest: &Manifest,
        names: &HashMap<String, Vec<String>>,
    ) -> Result<Option<Encoded>, ParquetError> {
        let before = read(bytes)?;
        let after = self.batch(&before, manifest.outline.added(table), names)?;
        if after == before {
            return Ok(None);
        }
        // Another word for an id has another place in the order.
        let after = sorted(table, &after)?;
        let mut writer =
            ArrowWriter::try_new(Vec::new(), after.schema(), Some(properties(manifest.layout.compression)?))?;
        for from in (0..after.num_rows()).step_by(ROWS_PER_GROUP) {
            writer.write(&after.slice(from, ROWS_PER_GROUP.min(after.num_rows() - from)))?;
            writer.flush()?;
        }
        let schema = after.schema();
        let nulls = schema.fields().iter().zip(after.columns()).filter(|(_, column)| column.null_count() > 0);
        let nulls = nulls.map(|(field, column)| (field.name().clone(), column.null_count() as u64)).collect();
        Ok(Some(Encoded::of(writer.into_inner()?, after.num_rows() as u64, nulls)))
    }

    fn batch(
        &self,
        batch: &RecordBatch,
        added: &BTreeMap<String, AddedColumn>,
        names: &HashMap<String, Vec<String>>,
    ) -> Result<RecordBatch, ParquetError> {
        let ids: Vec<_> = IDS.iter().filter_map(|name| batch.column_by_name(name)?.as_string_opt::<i32>()).collect();
        let is_kept = |row| !ids.iter().any(|column| column.is_valid(row) && self.forgotten.is_id(column.value(row)));
        let kept: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_kept(row))).collect();
        let batch = filter_record_batch(batch, &kept)?;
        let notes = batch.column_by_name(IDS[0]).and_then(|column| column.as_string_opt::<i32>()).cloned();
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| match field.data_type() {
            DataType::Utf8 => {
                let own = added.get(field.name());
                let spoken = own.is_some() || SPOKEN.contains(&field.name().as_str());
                let mentions =
                    |row: usize| notes.as_ref().filter(|_| spoken).and_then(|notes| names.get(notes.value(row)));
                let is_json = own.is_some_and(|own| own.kind == ColumnType::Json);
                Arc::new(self.texts(column.as_string(), is_json, mentions)) as ArrayRef
            }
            DataType::List(element) if element.data_type() == &DataType::Utf8 => {
                let list: &ListArray = column.as_list();
                let texts = self.texts(list.values().as_string(), false, |_| None);
                let parts = (Arc::clone(element), list.offsets().clone(), Arc::new(texts), list.nulls().cloned());
                Arc::new(ListArray::new(parts.0, parts.1, parts.2, parts.3))
            }
            _ => Arc::clone(column),
        });
        let columns = columns.collect();
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }

    fn texts<'n>(
        &self,
        texts: &StringArray,
        is_json: bool,
        mentions: impl Fn(usize) -> Option<&'n Vec<String>>,
    ) -> StringArray {
        let erased = texts.iter().enumerate().map(|(row, text)| {
            let text = text?;
            let json = if is_json { (self.erase_json)(text) } else { None };
            let text = json.as_deref().unwrap_or(text);
            let mut text = self.forgotten.erased(text).unwrap_or_else(|| text.to_owned());
            for mention in mentions(row).into_iter().flatten() {
                text = text.replace(mention, "@");
            }
            Some(text)
        });
        erased.collect()
    }

    /// Lists under which names the notes of a snapshot mention users who are forgotten, by note.
    fn nicknames(&self, folder: &Path, manifest: &Manifest) -> Result<HashMap<String, Vec<String>>, EraseError> {
        let mut names = HashMap::<String, Vec<String>>::new();
        for file in manifest.tables.get("note_mentions").into_iter().flat_map(|table| &table.files) {
            let path = folder.join(&file.path);
            let bytes = doing("read", &path, fs::read(&path))?;
            let batch = read(bytes).map_err(|source| EraseError::Damaged { path, source })?;
            let column = |name| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            let (Some(notes), Some(users), Some(nicknames)) =
                (column("note_id"), column("user_id"), column("nickname"))
            else {
                continue;
            };
            for ((note, user), nickname) in notes.iter().zip(users).zip(nicknames) {
                if let (Some(note), Some(user), Some(nickname)) = (note, user, nickname)
                    && self.forgotten.is_id(user)
                    && !nickname.trim().is_empty()
                {
                    names.entry(note.to_owned()).or_default().push(format!("@{nickname}"));
                }
            }
        }
        Ok(names)
    }

    /// Writes the card with the rows that there are now.
    fn card(&self, text: &str, manifest: &Manifest) -> String {
        let line = |line: &str| {
            let table = line.strip_prefix("| `").and_then(|rest| rest.split_once("` | ")).and_then(|(table, rest)| {
                let (rows, about) = rest.split_once(" | ")?;
                rows.parse::<u64>().ok()?;
                Some(format!("| `{table}` | {} | {about}", manifest.tables.get(table)?.rows))
            });
            table.unwrap_or_else(|| line.to_owned()) + "\n"
        };
        let text: String = text.lines().map(line).collect();
        self.forgotten.erased(&text).unwrap_or(text)
    }
}

/// Reads a file as one batch; a library's panic over damaged bytes is an error.
fn read(bytes: Vec<u8>) -> Result<RecordBatch, ParquetError> {
    let read = || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))?;
        let schema = Arc::clone(builder.schema());
        let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
        Ok(concat_batches(&schema, &batches)?)
    };
    caught(read).unwrap_or_else(|error| Err(ParquetError::General(error.to_owned())))
}

/// Puts rows into their table's order.
fn sorted(table: &str, rows: &RecordBatch) -> Result<RecordBatch, ParquetError> {
    let key = dictionary().into_iter().find(|known| known.name == table).map_or(&[][..], |known| known.sorted_by);
    let columns = key.iter().filter_map(|name| rows.column_by_name(name));
    let columns: Vec<_> = columns.map(|column| SortColumn { values: Arc::clone(column), options: None }).collect();
    if columns.is_empty() {
        return Ok(rows.clone());
    }
    let order = lexsort_to_indices(&columns, None)?;
    Ok(take_record_batch(rows, &order)?)
}
