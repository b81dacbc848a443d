//! The work on one family: new records joined with what is known, and the folders that changed written as tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::family::{Family, name_of};
use super::file::{Reader, ShelfError, Writer};
use super::index::{self, Folders, Shelf};
use super::join::Join;
use super::spill::{Spilled, streams};
use crate::dataset::facts::Facts;
use crate::dataset::partition::PartitionSpec;
use crate::dataset::tables::FolderWriter;
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::disk::Disk;

/// More strays of one family are not named: a folder with others is read whenever anything is learnt.
const MOST_STRAYS: usize = 1000;

/// What is known of a family and what new answers tell; families have nothing in common, and are worked on in parallel.
pub(in crate::dataset) struct Work<F: Family> {
    pub(super) disk: Disk,
    pub(super) home: PathBuf,
    pub(super) spec: PartitionSpec,
    pub(super) known: Folders,
    pub(super) spilled: Vec<Spilled>,
    pub(super) rest: BTreeMap<F::Key, F::Value>,
    /// The folders in which any of the new records lies, or the record before it.
    pub(super) touched: BTreeSet<String>,
}

/// A shelf in the making.
struct New {
    writer: Writer,
    facts: Facts,
    strays: Option<BTreeSet<String>>,
}

impl<F: Family> Work<F> {
    /// Does all of it; returns what is known of the family then.
    pub(in crate::dataset) fn run(self, snapshot: &SnapshotWriter) -> Result<Folders, WriteError> {
        let home = self.home.clone();
        let mut folders = if self.spilled.is_empty() && self.rest.is_empty() { self.known } else { self.learn()? };
        for (folder, shelf) in &mut folders {
            // What was not touched is what it was.
            if let Some(files) = &shelf.files
                && snapshot.keep(files)?
            {
                continue;
            }
            let mut out = FolderWriter::new(snapshot, folder);
            F::write(&mut Reader::new(&home.join(&shelf.file), &shelf.sum), &mut out)?;
            shelf.files = Some(out.into_files());
        }
        F::end(snapshot)?;
        Ok(folders)
    }

    /// Takes in what new answers tell. Folders that they cannot touch are not read.
    ///
    /// A record lies in the folder that its key tells, or its values; else it is a stray, and its folder is known. Merging
    /// takes each value from one side, so it moves to no folder but those of the two sides.
    fn learn(self) -> Result<Folders, ShelfError> {
        let touched = |folder: &str, shelf: &Shelf| shelf.strays.is_none() || self.touched.contains(folder);
        let (touched, mut folders): (Folders, Folders) =
            self.known.into_iter().partition(|(folder, shelf)| touched(folder, shelf));
        let shelved = touched.values().map(|shelf| (self.home.join(&shelf.file), shelf.sum.clone()));
        let mut streams = streams::<F>(&shelved.chain(self.spilled.iter().cloned()).collect::<Vec<_>>());
        streams.push(Box::new(self.rest.into_iter().map(Ok)));

        let mut named: usize = folders.values().map(|shelf| shelf.strays.iter().flatten().count()).sum();
        let mut writers: BTreeMap<String, New> = BTreeMap::new();
        for record in Join::new(streams, F::merge) {
            let record = record?;
            let folder = F::folder(&record.0, &record.1, &self.spec);
            let is_stray = F::home(&record.0, &self.spec).as_ref() != Some(&folder);
            if folders.contains_key(&folder) {
                // What would be overwritten was not read. It cannot happen; if it does, everything is learnt again.
                return Err(ShelfError::Damaged { path: self.home.join(index::FILE_NAME) });
            }
            let others = folders.len() + writers.len();
            let new = writers.entry(folder).or_insert_with_key(|folder| {
                let path = self.home.join(format!("new-{}-{folder}", F::NAME));
                let writer = Writer::new(&self.disk, path, others);
                New { writer, facts: Facts::default(), strays: Some(BTreeSet::new()) }
            });
            F::tell(&record.0, &record.1, &mut new.facts);
            new.writer.push(&record)?;
            if is_stray && let Some(strays) = &mut new.strays {
                if named < MOST_STRAYS {
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
                self.disk.rename_unsynced(&path, &self.home.join(&file))?;
                Shelf { file, sum, strays, facts, files: None }
            };
            folders.insert(folder, kept);
        }
        for (path, _) in self.spilled {
            self.disk.remove_unsynced(&path)?;
        }
        Ok(folders)
    }
}
