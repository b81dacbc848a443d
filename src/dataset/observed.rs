//! The cache of observations: `.cache/observations/SEGMENT/KIND-NNN.parquet`, one folder for each part of the answers.
//!
//! Each file is sorted, so that builds merge the files as they are. Any Parquet reader can use them. The cache may be deleted
//! at any time; the next build extracts everything again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::merge::sorted;
use super::merge_state::{Run, Sum, sum_of};
use super::parquet::{CACHED_ROWS, Encoder};
use super::writer::WriteError;
use crate::disk::{Disk, DiskError, StagedFolder, doing};
use crate::flatten::READING;
use crate::flatten::tables::{Outline, Row};
use crate::model::sha256_hex;
use crate::observations::{
    OBSERVATIONS_VERSION, ObservedAuthorRow, ObservedCallRow, ObservedHitRow, ObservedNoteRow, ObservedRejectRow,
};

/// The folder of a dataset that holds the observations.
const FOLDER: &str = ".cache/observations";
/// The file that says how they were extracted.
const FINGERPRINT: &str = "fingerprint";
/// The file of a part that says what its files hold.
const SUMS: &str = "sums.json";

/// What the files of a part hold, by name.
type Sums = BTreeMap<String, Sum>;

/// A kind of observation.
struct Kind {
    name: &'static str,
    schema: fn(&Outline) -> SchemaRef,
    sorted: fn(&[RecordBatch], usize) -> Result<Vec<RecordBatch>, ArrowError>,
}

impl Kind {
    const fn of<R: Row>() -> Self {
        Self { name: R::TABLE, schema: Outline::schema::<R>, sorted: sorted::<R> }
    }

    /// Names the file of this number.
    fn file(&self, number: usize) -> String {
        format!("{}-{number:03}.parquet", self.name)
    }

    /// Returns true if a file holds this kind.
    fn has(&self, file: &str) -> bool {
        file.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('-'))
    }
}

/// The kinds, in the order in which they are extracted.
const KINDS: [Kind; 5] = [
    Kind::of::<ObservedNoteRow>(),
    Kind::of::<ObservedAuthorRow>(),
    Kind::of::<ObservedHitRow>(),
    Kind::of::<ObservedCallRow>(),
    Kind::of::<ObservedRejectRow>(),
];

/// The observations of the parts of a dataset.
pub(super) struct ObservationCache<'a> {
    disk: &'a Disk,
    folder: PathBuf,
    outline: &'a Outline,
    /// The folders that are complete, and what their files hold.
    complete: BTreeMap<String, Sums>,
    open: Option<PartWriter>,
    /// What is to be merged, by kind.
    runs: BTreeMap<&'static str, Vec<Run>>,
    memory: Memory,
}

/// How much of what was extracted may stay in memory: all of it, or nothing.
#[derive(Clone, Copy, Debug)]
struct Memory {
    limit: usize,
    held: usize,
}

impl<'a> ObservationCache<'a> {
    /// Opens the cache; new observations may take so many bytes in memory. Observations that were extracted in another way,
    /// or from answers that are no more, are removed.
    pub(super) fn open(
        disk: &'a Disk,
        dataset: &Path,
        outline: &'a Outline,
        parts: &BTreeSet<String>,
        bytes: u64,
    ) -> Result<Self, DiskError> {
        let folder = dataset.join(FOLDER);
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
            disk.remove_leftovers(parent, |found| name == found)?;
        }
        let memory = Memory { limit: usize::try_from(bytes).unwrap_or(usize::MAX), held: 0 };
        let (complete, runs) = (BTreeMap::new(), BTreeMap::new());
        let mut cache = Self { disk, folder, outline, complete, open: None, runs, memory };
        let is_same =
            fs::read_to_string(cache.folder.join(FINGERPRINT)).is_ok_and(|found| found == cache.fingerprint());
        if !is_same {
            cache.clear()?;
        }
        disk.remove_leftovers(&cache.folder, |_| true)?;
        let wanted: BTreeSet<String> = parts.iter().map(|part| folder_name(part)).collect();
        for entry in doing("list", &cache.folder, fs::read_dir(&cache.folder))? {
            let path = doing("list", &cache.folder, entry)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let sums = if wanted.contains(&name) { sums(&path) } else { None };
            if let Some(sums) = sums {
                cache.complete.insert(name, sums);
            } else if path.is_dir() {
                disk.remove_folder(&path)?;
            } else if name != FINGERPRINT {
                disk.remove_unsynced(&path)?;
            }
        }
        Ok(cache)
    }

    /// Says how observations are extracted.
    fn fingerprint(&self) -> String {
        // Names and paths always become JSON.
        let outline = serde_json::to_string(self.outline).unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION");
        format!("notemill {version} observations {OBSERVATIONS_VERSION} reading {READING} {outline}\n")
    }

    /// Removes all observations.
    pub(super) fn clear(&mut self) -> Result<(), DiskError> {
        self.open = None;
        self.complete.clear();
        self.runs.clear();
        self.memory.held = 0;
        if self.folder.is_dir() {
            self.disk.remove_folder(&self.folder)?;
        }
        self.disk.make_folder(&self.folder)?;
        self.disk.replace_file(&self.folder.join(FINGERPRINT), self.fingerprint().as_bytes())
    }

    /// Returns true if the observations of a part are there.
    pub(super) fn has(&self, part: &str) -> bool {
        self.complete.contains_key(&folder_name(part))
    }

    /// Returns true if any observations are there.
    pub(super) fn has_any(&self) -> bool {
        !self.complete.is_empty()
    }

    /// Has the observations of a part merged that an earlier build extracted. Returns false if they are not there.
    pub(super) fn reuse(&mut self, part: &str) -> bool {
        let name = folder_name(part);
        let Some(sums) = self.complete.get(&name) else { return false };
        let folder = self.folder.join(&name);
        for kind in &KINDS {
            let runs = sums.iter().filter(|(file, _)| kind.has(file));
            let runs = runs.map(|(file, sum)| Run { path: folder.join(file), sum: sum.clone(), batches: None });
            self.runs.entry(kind.name).or_default().extend(runs);
        }
        true
    }

    /// Adds observations of a part. The observations of a part come in the order of its answers, part after part.
    pub(super) fn add(&mut self, part: &str, observed: [RecordBatch; 5]) -> Result<(), WriteError> {
        let name = folder_name(part);
        if self.open.as_ref().is_none_or(|open| open.name != name) {
            self.finish_part()?;
            if self.complete.remove(&name).is_some() {
                self.disk.remove_folder(&self.folder.join(&name))?;
            }
            self.open = Some(PartWriter::new(self.disk.stage(&self.folder.join(&name))?, name));
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.add(observed);
        // Sorted, they take the same again.
        if open.bytes >= self.memory.limit / 2 { self.write(false) } else { Ok(()) }
    }

    /// Completes the observations of all these parts; those that have no answers get files without rows.
    pub(super) fn finish<'p>(&mut self, parts: impl Iterator<Item = &'p str>) -> Result<(), WriteError> {
        self.finish_part()?;
        for part in parts {
            if !self.has(part) {
                let name = folder_name(part);
                self.open = Some(PartWriter::new(self.disk.stage(&self.folder.join(&name))?, name));
                self.finish_part()?;
            }
        }
        Ok(())
    }

    fn finish_part(&mut self) -> Result<(), WriteError> {
        self.write(true)?;
        let Some(PartWriter { name, mut staged, sums, .. }) = self.open.take() else { return Ok(()) };
        // Names and sums always become JSON.
        staged.write_unsynced(SUMS, &serde_json::to_vec_pretty(&sums).unwrap_or_default())?;
        staged.publish_unsynced()?;
        self.complete.insert(name, sums);
        Ok(())
    }

    /// Sorts and writes what waits; the last file of a kind is there even if it has no rows.
    fn write(&mut self, is_last: bool) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.bytes = 0;
        for ((kind, batches), files) in KINDS.iter().zip(&mut open.batches).zip(&mut open.files) {
            let batches = (kind.sorted)(&std::mem::take(batches), CACHED_ROWS)?;
            if batches.is_empty() && !(is_last && *files == 0) {
                continue;
            }
            let mut encoder = Encoder::of_cache((kind.schema)(self.outline))?;
            let mut done = Vec::new();
            for batch in &batches {
                done.extend(encoder.write(batch)?);
            }
            done.push(encoder.end()?);
            let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
            // One file mostly: then it is what is in memory.
            let is_held = done.len() == 1 && self.memory.held.saturating_add(bytes) <= self.memory.limit;
            let mut batches = is_held.then(|| batches.into());
            self.memory.held += bytes;
            for file in done {
                let name = kind.file(*files);
                *files += 1;
                open.staged.write_unsynced(&name, &file.bytes)?;
                let (path, sum) = (self.folder.join(&open.name).join(&name), sum_of(&file.bytes));
                open.sums.insert(name, sum.clone());
                self.runs.entry(kind.name).or_default().push(Run { path, sum, batches: batches.take() });
            }
        }
        if self.memory.held > self.memory.limit {
            self.runs.values_mut().flatten().for_each(|run| run.batches = None);
        }
        Ok(())
    }

    /// Hands out the observations of a kind that are to be merged.
    pub(super) fn runs(&self, kind: &str) -> Vec<Run> {
        self.runs.get(kind).cloned().unwrap_or_default()
    }

    /// Forgets what is to be merged; the observations stay.
    pub(super) fn forget_runs(&mut self) {
        self.runs.clear();
    }
}

/// Reads what the files of a folder hold; none if any of them is not there or of another length, as after a power cut.
fn sums(folder: &Path) -> Option<Sums> {
    let sums: Sums = serde_json::from_slice(&fs::read(folder.join(SUMS)).ok()?).ok()?;
    let is_whole = |(file, sum): (&String, &Sum)| {
        let found = folder.join(file).metadata();
        !file.contains(['/', '\\']) && found.is_ok_and(|found| found.is_file() && found.len() == sum.bytes)
    };
    let is_there = |kind: &Kind| sums.keys().any(|file| kind.has(file));
    (sums.iter().all(is_whole) && KINDS.iter().all(is_there)).then_some(sums)
}

/// Returns the name of the folder of a part: its id, if that can be the name of a folder.
fn folder_name(part: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if part.len() <= 100
        && part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && part.chars().all(is_plain)
        && part != FINGERPRINT
    {
        return part.to_owned();
    }
    sha256_hex(part.as_bytes())
}

/// The files of one part in the making.
struct PartWriter {
    name: String,
    staged: StagedFolder,
    sums: Sums,
    /// How many files each kind has.
    files: [usize; 5],
    /// What waits to be sorted, by kind, and how many bytes it takes.
    batches: [Vec<RecordBatch>; 5],
    bytes: usize,
}

impl PartWriter {
    fn new(staged: StagedFolder, name: String) -> Self {
        Self { name, staged, sums: BTreeMap::new(), files: [0; 5], batches: Default::default(), bytes: 0 }
    }

    fn add(&mut self, observed: [RecordBatch; 5]) {
        for (batches, batch) in self.batches.iter_mut().zip(observed) {
            if batch.num_rows() > 0 {
                self.bytes += batch.get_array_memory_size();
                batches.push(batch);
            }
        }
    }
}
