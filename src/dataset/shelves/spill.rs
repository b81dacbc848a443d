//! What new answers tell, in memory; when that grows large, in sorted files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::family::{AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects};
use super::file::{ShelfError, Sum, Writer};
use crate::dataset::merge::Merged;
use crate::disk::Disk;
use crate::flatten::Flattened;
use crate::job::Partition;

/// What an answer weighs beside its body.
const ANSWER_BYTES: u64 = 2048;

/// A sorted file of one family's records.
pub(super) type Spilled = (PathBuf, Sum);

/// Holds what new answers tell.
#[derive(Debug)]
pub(in crate::dataset) struct Spills {
    disk: Disk,
    folder: PathBuf,
    /// How many bytes of bodies what is in memory may come from.
    limit: u64,
    weight: u64,
    merged: Merged,
    files: BTreeMap<&'static str, Vec<Spilled>>,
    /// The folders of records whose folder follows from their key, by family.
    touched: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Spills {
    pub(super) fn new(disk: &Disk, folder: &Path, limit: u64) -> Self {
        Self {
            disk: disk.clone(),
            folder: folder.to_owned(),
            limit,
            weight: 0,
            merged: Merged::default(),
            files: BTreeMap::new(),
            touched: BTreeMap::new(),
        }
    }

    /// Adds what one answer tells.
    pub(in crate::dataset) fn add(&mut self, flat: Flattened) -> Result<(), ShelfError> {
        self.weight += flat.call.body_bytes.unwrap_or(0) + ANSWER_BYTES;
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
        let files = self.files.entry(F::NAME).or_default();
        let mut writer = Writer::new(&self.disk, self.folder.join(format!("spill-{}-{}", F::NAME, files.len())));
        for record in records {
            writer.push(&record)?;
        }
        files.push(writer.finish()?);
        Ok(())
    }

    fn touch<F: Family>(&mut self, records: &BTreeMap<F::Key, F::Value>) {
        if F::IS_SETTLED {
            let folders = records.iter().map(|(key, value)| F::folder(key, value, Partition::default()));
            self.touched.entry(F::NAME).or_default().extend(folders);
        }
    }

    /// Hands out a family's records: in files, and in memory.
    pub(super) fn take<F: Family>(&mut self) -> (Vec<Spilled>, BTreeMap<F::Key, F::Value>) {
        let rest = F::take(&mut self.merged);
        self.touch::<F>(&rest);
        (self.files.remove(F::NAME).unwrap_or_default(), rest)
    }

    /// Tells whether any of a family's records lies in a folder.
    pub(super) fn touches<F: Family>(&self, folder: &str) -> bool {
        self.touched.get(F::NAME).is_some_and(|folders| folders.contains(folder))
    }
}
