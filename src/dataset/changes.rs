//! What a snapshot brings: notes that are new, notes that changed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, RecordBatch, StringArray};
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::manifest::{FileEntry, Manifest};
use crate::flatten::tables::{NoteRow, Row as _};
use crate::model::caught;

/// What a person would call a change; addresses, tokens and times of observation differ with every answer.
const TELLING: &[&str] = &[
    "title",
    "description",
    "note_type",
    "updated_at",
    "ip_location",
    "liked_count",
    "collected_count",
    "comment_count",
    "share_count",
    "image_count",
    "hashtags",
    "is_gone",
];

/// How many notes a snapshot has that the one before had not, or had otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) new: u64,
    pub(super) changed: u64,
}

/// Compares two snapshots; only the files that differ are read. None where one of them cannot be.
pub(super) fn changes(before: (&Path, &Manifest), after: (&Path, &Manifest)) -> Option<Changes> {
    // The older files are read as they are: damage is told elsewhere.
    let telling: Vec<&str> = TELLING.iter().copied().filter(|name| has(before.1, name) && has(after.1, name)).collect();
    let old = caught(|| read(before.0, &other_files(before.1, after.1), &telling)).ok()??;
    let new = read(after.0, &other_files(after.1, before.1), &telling)?;
    let mut changes = Changes::default();
    for (id, row) in &new {
        match old.get(id) {
            None => changes.new += 1,
            Some(own) if own != row => changes.changed += 1,
            Some(_) => {}
        }
    }
    Some(changes)
}

/// Tells whether the notes of a snapshot have a column; a job may leave it out.
fn has(manifest: &Manifest, column: &str) -> bool {
    !manifest.outline.drops(NoteRow::TABLE, column)
}

/// Lists the files of notes that the other snapshot does not hold.
fn other_files<'a>(manifest: &'a Manifest, other: &Manifest) -> Vec<&'a str> {
    let files = |manifest: &'a Manifest| manifest.tables.get(NoteRow::TABLE).into_iter().flat_map(|table| &table.files);
    let theirs: HashSet<&FileEntry> = other.tables.get(NoteRow::TABLE).into_iter().flat_map(|t| &t.files).collect();
    files(manifest).filter(|file| !theirs.contains(file)).map(|file| file.path.as_str()).collect()
}

fn read(folder: &Path, paths: &[&str], telling: &[&str]) -> Option<HashMap<String, OwnedRow>> {
    let columns = NoteRow::columns();
    let compared = columns.iter().filter(|column| telling.contains(&column.name.as_ref()));
    let fields = compared.map(|column| SortField::new(column.data_type.clone())).collect();
    let converter = RowConverter::new(fields).ok()?;
    let mut notes = HashMap::new();
    for path in paths {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(folder.join(path)).ok()?).ok()?;
        let names = telling.iter().copied().chain(["note_id"]);
        let mask = ProjectionMask::columns(reader.parquet_schema(), names);
        for batch in reader.with_projection(mask).build().ok()? {
            add(&batch.ok()?, &converter, &mut notes)?;
        }
    }
    Some(notes)
}

fn add(batch: &RecordBatch, converter: &RowConverter, notes: &mut HashMap<String, OwnedRow>) -> Option<()> {
    let ids = batch.column_by_name("note_id")?.as_any().downcast_ref::<StringArray>()?;
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns());
    let telling: Vec<_> =
        named.filter(|(field, _)| field.name() != "note_id").map(|(_, column)| column.clone()).collect();
    let rows = converter.convert_columns(&telling).ok()?;
    for (id, row) in ids.iter().zip(rows.iter()) {
        notes.insert(id?.to_owned(), row.owned());
    }
    Some(())
}
