//! What is kept from build to build: of each key the records that won anything, by folder, and what was made of them.
//!
//! ```text
//! runs of new observations ─┐
//!                           ├─groups()─▶ the records kept of each key, in the file of their folder ─▶ tables
//! the folders they touch ───┘
//! ```
//!
//! What is kept merges like all observations, so it depends on the set of answers alone: not on how many builds saw them.
//! It can be thrown away at any time; the next build merges all observations again.

mod file;
mod index;
mod run;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

pub(super) use self::file::{Sum, records_of, sum_of};
use self::index::Index;
pub(super) use self::index::{Files, FolderState, Folders};
pub(super) use self::run::Run;
pub(super) use self::update::Update;
use super::facts::Facts;
use super::merge::{Family, Schema};
use super::partition::PartitionSpec;
use crate::disk::{Disk, DiskError, doing};
use crate::flatten::tables::Outline;

/// The folder of a dataset that holds the state.
pub(super) const FOLDER: &str = ".cache/merge_state";
/// The same in early versions of 0.1.0: of no use now.
const EARLIER_FOLDER: &str = "build";

/// Says why records cannot be merged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file is not what was written.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Records have other columns than they should have.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// The state of a dataset.
#[derive(Debug)]
pub(super) struct MergeState {
    disk: Disk,
    folder: PathBuf,
    index: Index,
}

impl MergeState {
    /// Opens the state, empty if it was made in another way or of answers that are no more.
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
            index.families.values_mut().flat_map(BTreeMap::values_mut).for_each(|state| state.files = None);
        }
        (index.way, index.encoding) = (way, encoding);
        let state = Self { disk: disk.clone(), folder, index };
        state.sweep()?;
        Ok(state)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> Result<(), DiskError> {
        let (way, encoding) = (self.index.way.clone(), self.index.encoding.clone());
        self.index = Index { way, encoding, ..Index::default() };
        self.sweep()
    }

    /// Returns true if a part of the answers was merged.
    pub(super) fn knows(&self, part: &str) -> bool {
        self.index.parts.contains(part)
    }

    /// Hands out the work on one family: what is known of it, and new observations.
    pub(super) fn update<F: Family>(&mut self, outline: &Outline, spec: &PartitionSpec, runs: Vec<Run>) -> Update<F> {
        Update {
            disk: self.disk.clone(),
            home: self.folder.clone(),
            spec: spec.clone(),
            schema: Schema::new(outline),
            known: self.index.families.remove(F::NAME).unwrap_or_default(),
            runs,
        }
    }

    /// Lists the folders of a family.
    pub(super) fn folders(&self, family: &str) -> impl Iterator<Item = (&String, &FolderState)> {
        self.index.families.get(family).into_iter().flatten()
    }

    /// Returns where the files of records are.
    pub(super) fn home(&self) -> &Path {
        &self.folder
    }

    /// Puts back what is known of a family.
    pub(super) fn put(&mut self, family: &str, folders: Folders) {
        self.index.families.insert(family.to_owned(), folders);
    }

    /// Notes the files that were encoded from a folder of a family.
    pub(super) fn encoded(&mut self, family: &str, folder: &str, files: Files) {
        let state = self.index.families.get_mut(family).and_then(|folders| folders.get_mut(folder));
        if let Some(state) = state {
            state.files = Some(files);
        }
    }

    /// Sums up what all records say.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.index.families.values().flat_map(BTreeMap::values).for_each(|state| facts.add(&state.facts));
        facts
    }

    /// Keeps all this for the next build, which then need not merge these parts.
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
            self.index.families.values().flat_map(BTreeMap::values).map(|state| state.file.as_str()).collect();
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
