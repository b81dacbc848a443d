//! What all answers tell, sorted by key and laid out by folder: the builder's memory, on disk.
//!
//! ```text
//! new answers ──flatten──▶ Merged ──(when large)──▶ spills ─┐
//!                                                           ├─join─▶ shelves ──▶ Parquet files
//! shelves of the build before ──────────────────────────────┘
//! ```
//!
//! Joining takes maxima, so the shelves depend on the set of answers alone: not on how many builds learnt it. They can be
//! thrown away at any time; the next build learns everything from the archive again.

mod family;
mod file;
mod index;
mod join;
mod spill;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub(super) use self::family::{AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects};
pub(super) use self::file::ShelfError;
use self::index::Index;
pub(super) use self::index::{Folders, Shelf};
pub(super) use self::spill::Spills;
pub(super) use self::work::Work;
use super::facts::Facts;
use super::partition::PartitionSpec;
use crate::disk::{Disk, DiskError, doing};

/// The folder of a dataset that holds the shelves.
pub(super) const FOLDER: &str = ".cache/merge_state";
/// The same in early versions of 0.1.0: of no use now.
const EARLIER_FOLDER: &str = "build";

/// The version of the records: what stands there in another one is learnt again. Raise it whenever what a family
/// keeps, or how it is written, changes.
pub(super) const RECORDS: u32 = 3;

/// The records of one folder, in the order of their keys.
pub(super) type Records<F> = dyn Iterator<Item = Result<(<F as Family>::Key, <F as Family>::Value), ShelfError>>;

/// The shelves of a dataset.
#[derive(Debug)]
pub(super) struct Shelves {
    disk: Disk,
    folder: PathBuf,
    index: Index,
}

impl Shelves {
    /// Opens the shelves, empty if they were made in another way or know answers that are no more.
    pub(super) fn open(
        disk: &Disk,
        dataset: &Path,
        (way, encoding): (String, String),
        parts: &BTreeSet<String>,
    ) -> Result<Self, DiskError> {
        let (folder, earlier) = (dataset.join(FOLDER), dataset.join(EARLIER_FOLDER));
        disk.remove_leftovers(dataset, |name| name == EARLIER_FOLDER)?;
        if earlier.join(index::FILE_NAME).is_file() {
            disk.remove_folder(&earlier)?;
        }
        disk.make_folder(&folder)?;
        let index = Index::read(&folder).filter(|index| index.way == way && index.parts.is_subset(parts));
        let mut index = index.unwrap_or_default();
        if index.encoding != encoding {
            index.families.values_mut().flat_map(BTreeMap::values_mut).for_each(|shelf| shelf.files = None);
        }
        (index.way, index.encoding) = (way, encoding);
        let shelves = Self { disk: disk.clone(), folder, index };
        shelves.sweep()?;
        Ok(shelves)
    }

    /// Forgets everything that was learnt.
    pub(super) fn clear(&mut self) -> Result<(), DiskError> {
        let (way, encoding) = (self.index.way.clone(), self.index.encoding.clone());
        self.index = Index { way, encoding, ..Index::default() };
        self.sweep()
    }

    /// Tells whether a part of the answers is known.
    pub(super) fn knows(&self, part: &str) -> bool {
        self.index.parts.contains(part)
    }

    /// Tells whether anything is known.
    pub(super) fn is_empty(&self) -> bool {
        self.index.parts.is_empty()
    }

    /// Makes room for what new answers tell.
    pub(super) fn spills(&self, bytes: u64, spec: PartitionSpec) -> Spills {
        let of_family = |folders: &Folders| {
            let strays = |(folder, shelf): (&String, &Shelf)| {
                let names = shelf.strays.iter().flatten().cloned();
                names.map(|name| (name, folder.clone())).collect::<Vec<_>>()
            };
            folders.iter().flat_map(strays).collect()
        };
        let strays = self.index.families.iter().map(|(name, folders)| (name.clone(), of_family(folders)));
        Spills::new(&self.disk, &self.folder, bytes, spec, strays.collect())
    }

    /// Hands out the work on one family: what is known of it, and what new answers tell.
    pub(super) fn work<F: Family>(&mut self, spills: &mut Spills) -> Work<F> {
        let known = self.index.families.remove(F::NAME).unwrap_or_default();
        let (spilled, rest) = spills.take::<F>();
        let touched = spills.touched::<F>();
        Work {
            disk: self.disk.clone(),
            home: self.folder.clone(),
            spec: spills.spec().clone(),
            known,
            spilled,
            rest,
            touched,
        }
    }

    /// Puts back what is known of a family.
    pub(super) fn put(&mut self, family: &str, folders: Folders) {
        self.index.families.insert(family.to_owned(), folders);
    }

    /// Sums up what all records tell.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.index.families.values().flat_map(BTreeMap::values).for_each(|shelf| facts.add(&shelf.facts));
        facts
    }

    /// Keeps all this for the next build, which then need not learn these parts.
    pub(super) fn keep(&mut self, parts: BTreeSet<String>) -> Result<(), DiskError> {
        let before = Index::read(&self.folder);
        self.index.parts = parts;
        if before.as_ref() != Some(&self.index) {
            self.index.write(&self.disk, &self.folder)?;
        }
        self.sweep()
    }

    /// Removes the files that the index does not name.
    fn sweep(&self) -> Result<(), DiskError> {
        let named: BTreeSet<&str> =
            self.index.families.values().flat_map(BTreeMap::values).map(|shelf| shelf.file.as_str()).collect();
        for entry in doing("list", &self.folder, fs::read_dir(&self.folder))? {
            let entry = doing("list", &self.folder, entry)?;
            let name = entry.file_name();
            if !name.to_str().is_some_and(|name| name == index::FILE_NAME || named.contains(name)) {
                self.disk.remove_unsynced(&entry.path())?;
            }
        }
        Ok(())
    }
}
