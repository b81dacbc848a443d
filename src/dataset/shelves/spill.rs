//! What new answers tell, in memory; when that grows large, in sorted files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::family::{AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects, name_of};
use super::file::{Reader, ShelfError, Sum, Writer};
use super::join::{Join, Sorted};
use crate::dataset::merge::Merged;
use crate::dataset::partition::PartitionSpec;
use crate::disk::Disk;
use crate::flatten::Flattened;

/// About how many bytes what an answer tells takes in memory: of the answer itself, and of each note and author.
const ANSWER_BYTES: u64 = 1024;
const NOTE_BYTES: u64 = 2048;
const AUTHOR_BYTES: u64 = 1024;
/// Texts take the more, the longer the body: one byte for so many of the body.
const BODY_BYTES: u64 = 4;
/// So many files of one family are joined to one: each that is read takes a block of memory.
const MOST_FILES: usize = 64;

/// A sorted file of one family's records.
pub(super) type Spilled = (PathBuf, Sum);
/// In which folders records lie whose key tells another one, by family and by the name of the key.
pub(super) type Strays = BTreeMap<String, HashMap<String, String>>;

/// Holds what new answers tell.
#[derive(Debug)]
pub(in crate::dataset) struct Spills {
    disk: Disk,
    folder: PathBuf,
    /// About how many bytes what is in memory may take.
    limit: u64,
    spec: PartitionSpec,
    strays: Strays,
    weight: u64,
    merged: Merged,
    files: BTreeMap<&'static str, Vec<Spilled>>,
    /// How many files were begun.
    begun: u64,
    /// The folders in which any of the new records lies, or the record before it, by family.
    touched: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Spills {
    pub(super) fn new(disk: &Disk, folder: &Path, limit: u64, spec: PartitionSpec, strays: Strays) -> Self {
        Self {
            disk: disk.clone(),
            folder: folder.to_owned(),
            limit,
            spec,
            strays,
            weight: 0,
            merged: Merged::default(),
            files: BTreeMap::new(),
            begun: 0,
            touched: BTreeMap::new(),
        }
    }

    /// Adds what one answer tells.
    pub(in crate::dataset) fn add(&mut self, flat: Flattened) -> Result<(), ShelfError> {
        self.weight += ANSWER_BYTES
            + flat.notes.len() as u64 * NOTE_BYTES
            + flat.authors.len() as u64 * AUTHOR_BYTES
            + flat.call.body_bytes.unwrap_or(0) / BODY_BYTES;
        self.merged.add(flat);
        if self.weight < self.limit {
            return Ok(());
        }
        self.weight = 0;
        self.spill::<Notes>()?;
        self.spill::<Authors>()?;
        self.spill::<Hits>()?;
        self.spill::<NoteMetrics>()?;
        self.spill::<AuthorMetrics>()?;
        self.spill::<Calls>()?;
        self.spill::<Rejects>()
    }

    fn spill<F: Family>(&mut self) -> Result<(), ShelfError> {
        let records = F::take(&mut self.merged);
        if records.is_empty() {
            return Ok(());
        }
        self.touch::<F>(&records);
        let file = self.write::<F>(records.into_iter().map(Ok))?;
        let files = self.files.entry(F::NAME).or_default();
        files.push(file);
        if files.len() < MOST_FILES {
            return Ok(());
        }
        let joined = std::mem::take(files);
        let file = self.write::<F>(Join::new(streams::<F>(&joined), F::merge))?;
        self.files.insert(F::NAME, vec![file]);
        joined.into_iter().try_for_each(|(path, _)| Ok(self.disk.remove_unsynced(&path)?))
    }

    fn write<F: Family>(
        &mut self,
        records: impl Iterator<Item = Result<(F::Key, F::Value), ShelfError>>,
    ) -> Result<Spilled, ShelfError> {
        let path = self.folder.join(format!("spill-{}-{}", F::NAME, self.begun));
        let mut writer = Writer::new(&self.disk, path, 0);
        self.begun += 1;
        for record in records {
            writer.push(&record?)?;
        }
        writer.finish()
    }

    fn touch<F: Family>(&mut self, records: &BTreeMap<F::Key, F::Value>) {
        let touched = self.touched.entry(F::NAME).or_default();
        let strays = self.strays.get(F::NAME).filter(|strays| !strays.is_empty());
        for (key, value) in records {
            touched.insert(F::folder(key, value, &self.spec));
            touched.extend(F::home(key, &self.spec));
            touched.extend(strays.and_then(|strays| strays.get(&name_of(key))).cloned());
        }
    }

    /// Hands out a family's records: in files, and in memory.
    pub(super) fn take<F: Family>(&mut self) -> (Vec<Spilled>, BTreeMap<F::Key, F::Value>) {
        let rest = F::take(&mut self.merged);
        self.touch::<F>(&rest);
        (self.files.remove(F::NAME).unwrap_or_default(), rest)
    }

    /// Says by what records are sorted into folders.
    pub(super) fn spec(&self) -> &PartitionSpec {
        &self.spec
    }

    /// Hands out the folders in which any of a family's new records lies, or the record before it.
    pub(super) fn touched<F: Family>(&mut self) -> BTreeSet<String> {
        self.touched.remove(F::NAME).unwrap_or_default()
    }
}

/// Opens sorted files.
pub(super) fn streams<F: Family>(files: &[Spilled]) -> Vec<Sorted<'static, F::Key, F::Value>> {
    files.iter().map(|(path, sum)| -> Sorted<'static, _, _> { Box::new(Reader::new(path, sum)) }).collect()
}
