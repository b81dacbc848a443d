//! The observations that a segment retains: `archive/observations/SEGMENT/KIND.parquet`, in the order of its answers.
//!
//! They are written before the segment, whose metadata holds the checksum of each file. Any Parquet reader can use them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch, RecordBatchReader as _};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::{Deserialize, Serialize};

use super::ArchiveError;
use crate::disk::{Disk, doing};
use crate::flatten::tables::Outline;
use crate::model::{Answer, Body, KINDS, Retained, caught, sha256_hex, without_descriptions};
use crate::observations::{OBSERVATIONS_VERSION, conformed, schemas};

/// The folder of an archive that holds what segments retain.
pub(super) const FOLDER: &str = "observations";

/// Where a segment's metadata says what it retains.
pub(super) const RETAINED: &str = "notemill.observations";

/// Bytes of a page at most: each is compressed alone.
const PAGE_BYTES: usize = 8 << 20;

/// What a segment's metadata says of its observations.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    /// The version of their schemas.
    version: u32,
    /// The SHA-256 of each file, by its name.
    files: BTreeMap<String, String>,
}

/// Returns the folder of the observations that a segment retains.
pub(super) fn folder_of(segment: &Path) -> PathBuf {
    let name = segment.file_stem().unwrap_or_default();
    segment.parent().unwrap_or(Path::new("")).join(FOLDER).join(name)
}

/// Writes the observations of a segment's answers; returns what its metadata says of them, or nothing if there are none.
pub(super) fn write<'a>(
    disk: &Disk,
    segment: &Path,
    answers: impl Iterator<Item = &'a Answer>,
) -> Result<Option<String>, ArchiveError> {
    let damaged = |error: &dyn std::fmt::Display| ArchiveError::damaged(segment, error);
    let (mut written, mut all): (HashSet<i64>, Vec<Retained>) = (HashSet::new(), Vec::new());
    for answer in answers {
        // Of an answer that is there twice, the rows are the same.
        if let Some(Body::Retained(retained)) = &answer.body
            && written.insert(answer.sequence)
            && !all.last_mut().is_some_and(|last| last.extend(retained))
        {
            all.push(retained.clone());
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let all: Vec<[RecordBatch; KINDS]> = all.iter().map(Retained::batches).collect();
    let folder = folder_of(segment);
    if let Some(parent) = folder.parent() {
        disk.make_folder(parent)?;
    }
    if folder.exists() {
        // A command was killed before the segment was written.
        disk.remove_folder(&folder)?;
    }
    let mut staged = disk.stage(&folder)?;
    let mut files = BTreeMap::new();
    let [notes, authors, ..] = [0, 1].map(|kind| all.iter().filter_map(move |batches| batches.get(kind)));
    let outline = Outline {
        notes: notes.flat_map(|batch| Outline::added_in(&batch.schema())).collect(),
        authors: authors.flat_map(|batch| Outline::added_in(&batch.schema())).collect(),
        ..Outline::default()
    };
    for (kind, (name, schema)) in schemas(&outline).into_iter().enumerate() {
        let batches = all.iter().filter_map(|batches| batches.get(kind)).map(|batch| conformed(batch, &schema));
        let batches = batches.collect::<Result<Vec<_>, _>>().map_err(|error| damaged(&error))?;
        let bytes = encode(&batches, &schema).map_err(|error| damaged(&error))?;
        let name = format!("{name}.parquet");
        staged.write(&name, &bytes)?;
        files.insert(name, sha256_hex(&bytes));
    }
    staged.publish()?;
    let facts = Facts { version: OBSERVATIONS_VERSION, files };
    serde_json::to_string(&facts).map(Some).map_err(|error| damaged(&error))
}

fn encode(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<u8>, ParquetError> {
    let whole = concat_batches(schema, batches)?;
    // They are kept for good and written once: there is time to look for what repeats. Texts repeat in parts, which a
    // dictionary of whole values would hide.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(15)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_data_page_size_limit(PAGE_BYTES)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties))?;
    writer.write(&whole)?;
    writer.into_inner()
}

/// Where the rows of each answer begin, by its sequence, and how many there are.
type Places = HashMap<i64, (usize, usize)>;

/// The observations that a segment retains: of each kind, the rows, and where those of each answer are.
#[derive(Debug)]
pub(super) struct SegmentObservations {
    batches: Arc<[RecordBatch; KINDS]>,
    places: Vec<Places>,
}

impl SegmentObservations {
    /// Reads the observations of a segment, whose metadata says what they are.
    ///
    /// # Errors
    ///
    /// A file is not there, or not what was written.
    pub(super) fn open(segment: &Path, facts: &str) -> Result<Self, ArchiveError> {
        let facts: Facts = serde_json::from_str(facts).map_err(|error| ArchiveError::damaged(segment, error))?;
        if facts.version > OBSERVATIONS_VERSION {
            return Err(ArchiveError::damaged(segment, "a later notemill wrote its observations"));
        }
        let folder = folder_of(segment);
        let mut places = Vec::new();
        let mut read = |name: &str| {
            let name = format!("{name}.parquet");
            let path = folder.join(&name);
            let bytes = match std::fs::read(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(ArchiveError::damaged(&path, "it is gone"));
                }
                read => doing("read the observations", &path, read)?,
            };
            if facts.files.get(&name) != Some(&sha256_hex(&bytes)) {
                return Err(ArchiveError::damaged(&path, "its checksum is not what its segment says"));
            }
            let batch = decode(bytes).map(without_descriptions).map_err(|error| ArchiveError::damaged(&path, error))?;
            places.push(by_sequence(&batch).ok_or_else(|| ArchiveError::damaged(&path, "it has other columns"))?);
            Ok(batch)
        };
        let [notes, authors, hits, calls, rejects] = schemas(&Outline::default()).map(|(name, _)| name);
        let batches = [read(notes)?, read(authors)?, read(hits)?, read(calls)?, read(rejects)?];
        Ok(Self { batches: Arc::new(batches), places })
    }

    /// Returns the observations of an answer; nothing if there are none.
    pub(super) fn of(&self, sequence: i64, pseudonyms: Option<String>) -> Option<Retained> {
        let mut places = self.places.iter();
        let rows = [(); KINDS].map(|()| places.next()?.get(&sequence).copied());
        // Each answer has a call.
        rows.iter()
            .any(Option::is_some)
            .then(|| Retained::of(pseudonyms, Arc::clone(&self.batches), rows.map(Option::unwrap_or_default)))
    }
}

fn decode(bytes: Vec<u8>) -> Result<RecordBatch, ParquetError> {
    let decoded = caught(|| -> Result<RecordBatch, ParquetError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))?.build()?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok(concat_batches(&schema, &batches)?)
    });
    decoded.map_err(|error| ParquetError::General(error.to_owned()))?
}

/// Finds the rows of each answer, which stand together: where they begin, and how many there are.
fn by_sequence(batch: &RecordBatch) -> Option<Places> {
    let sequences = batch.column_by_name("sequence")?.as_primitive_opt::<Int64Type>()?;
    let mut rows = Places::new();
    for (at, sequence) in sequences.values().iter().enumerate() {
        rows.entry(*sequence).or_insert((at, 0)).1 += 1;
    }
    Some(rows)
}
