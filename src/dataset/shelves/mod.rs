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

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use self::family::name_of;
pub(super) use self::family::{AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects};
pub(super) use self::file::ShelfError;
use self::file::{Reader, Writer};
use self::index::Index;
pub(super) use self::index::{Folders, Shelf};
use self::join::Join;
pub(super) use self::spill::Spills;
use self::spill::streams;
use super::facts::Facts;
use super::manifest::FileEntry;
use crate::disk::{Disk, DiskError, doing};
use crate::job::Partition;

/// The folder of a dataset that holds the shelves.
pub(super) const FOLDER: &str = "build";

/// The version of the records: what stands in `build/` in another one is learnt again. Raise it whenever what a family
/// keeps, or how it is written, changes.
pub(super) const RECORDS: u32 = 3;

/// The records of one folder, in the order of their keys.
pub(super) type Records<F> = dyn Iterator<Item = Result<(<F as Family>::Key, <F as Family>::Value), ShelfError>>;

/// More strays of one family are not named: a folder with others is read whenever anything is learnt.
const MOST_STRAYS: usize = 1000;

/// A shelf in the making.
struct New {
    writer: Writer,
    facts: Facts,
    strays: Option<BTreeSet<String>>,
}

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
        let folder = dataset.join(FOLDER);
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
    pub(super) fn spills(&self, bytes: u64, partition: Partition) -> Spills {
        let of_family = |folders: &Folders| {
            let strays = |(folder, shelf): (&String, &Shelf)| {
                let names = shelf.strays.iter().flatten().cloned();
                names.map(|name| (name, folder.clone())).collect::<Vec<_>>()
            };
            folders.iter().flat_map(strays).collect()
        };
        let strays = self.index.families.iter().map(|(name, folders)| (name.clone(), of_family(folders)));
        Spills::new(&self.disk, &self.folder, bytes, partition, strays.collect())
    }

    /// Takes in what new answers tell of one family. Folders that they cannot touch are not read.
    ///
    /// A record lies in the folder that its key tells, or its values; else it is a stray, and its folder is known. Merging
    /// takes each value from one side, so it moves to no folder but those of the two sides.
    pub(super) fn learn<F: Family>(&mut self, spills: &mut Spills) -> Result<(), ShelfError> {
        let old = self.index.families.remove(F::NAME).unwrap_or_default();
        let (spilled, rest) = spills.take::<F>();
        if spilled.is_empty() && rest.is_empty() {
            self.index.families.insert(F::NAME.to_owned(), old);
            return Ok(());
        }
        let touched = |folder: &str, shelf: &Shelf| shelf.strays.is_none() || spills.touches::<F>(folder);
        let (touched, mut folders): (Folders, Folders) =
            old.into_iter().partition(|(folder, shelf)| touched(folder, shelf));
        let shelved = touched.values().map(|shelf| (self.folder.join(&shelf.file), shelf.sum.clone()));
        let mut streams = streams::<F>(&shelved.chain(spilled.iter().cloned()).collect::<Vec<_>>());
        streams.push(Box::new(rest.into_iter().map(Ok)));

        let partition = spills.partition();
        let mut named: usize = folders.values().map(|shelf| shelf.strays.iter().flatten().count()).sum();
        let mut writers: BTreeMap<String, New> = BTreeMap::new();
        for record in Join::new(streams, F::merge) {
            let record = record?;
            let folder = F::folder(&record.0, &record.1, partition);
            let home = F::home(&record.0, partition);
            let is_stray = home.as_ref() != Some(&folder);
            if folders.contains_key(&folder) {
                // What would be overwritten was not read. It cannot happen; if it does, everything is learnt again.
                return Err(ShelfError::Damaged { path: self.folder.join(index::FILE_NAME) });
            }
            let others = folders.len() + writers.len();
            let new = writers.entry(folder).or_insert_with_key(|folder| {
                let path = self.folder.join(format!("new-{}-{folder}", F::NAME));
                let writer = Writer::new(&self.disk, path, others);
                New { writer, facts: Facts::default(), strays: Some(BTreeSet::new()) }
            });
            F::tell(&record.0, &record.1, &mut new.facts);
            new.writer.push(&record)?;
            if is_stray && let Some(strays) = &mut new.strays {
                if home.is_some() && named < MOST_STRAYS {
                    strays.insert(name_of(&record.0));
                    named += 1;
                } else {
                    new.strays = None;
                }
            }
        }
        for (folder, New { writer, facts, strays }) in writers {
            let (path, sum) = writer.finish()?;
            let kept = if let Some(same) = touched.get(&folder).filter(|before| before.sum == sum) {
                self.disk.remove_unsynced(&path)?;
                same.clone()
            } else {
                let file = format!("{}-{folder}-{}", F::NAME, sum.hash.get(..12).unwrap_or_default());
                self.disk.rename_unsynced(&path, &self.folder.join(&file))?;
                Shelf { file, sum, strays, facts, files: None }
            };
            folders.insert(folder, kept);
        }
        self.index.families.insert(F::NAME.to_owned(), folders);
        for (path, _) in spilled {
            self.disk.remove_unsynced(&path)?;
        }
        Ok(())
    }

    /// Returns the folders of a family.
    pub(super) fn folders<F: Family>(&self) -> Folders {
        self.index.families.get(F::NAME).cloned().unwrap_or_default()
    }

    /// Reads the records of a folder.
    pub(super) fn records<F: Family>(&self, of: &Shelf) -> Box<Records<F>> {
        Box::new(Reader::new(&self.folder.join(&of.file), &of.sum))
    }

    /// Keeps which files were made of a folder's records.
    pub(super) fn encoded<F: Family>(&mut self, folder: &str, files: BTreeMap<String, Vec<FileEntry>>) {
        let folders = self.index.families.get_mut(F::NAME);
        if let Some(shelf) = folders.and_then(|folders| folders.get_mut(folder)) {
            shelf.files = Some(files);
        }
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
