//! One table of two snapshots compared, folder by folder.
//!
//! Files that both hold are not read. Of the others, the rows of the older snapshot are held in memory a part of a folder at
//! a time, so that memory is bounded by [`AT_ONCE`] and by the ids that are wanted, and not by the snapshots; and each file
//! is read as often as its own folder has parts. Rows that lie in another folder than before are found by their ids first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::super::manifest::{FileEntry, Manifest};
use super::growth::Steps;
use super::rows::{AT_ONCE, Columns, Known, Reader, types};
use super::{DiffError, TableDiff};
use crate::model::Count;

/// How much is told, and whether bytes are compared with the manifest first.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct Care {
    pub(in crate::dataset) most: usize,
    pub(in crate::dataset) check: bool,
}

/// The files of one folder in which two snapshots differ.
#[derive(Debug, Default)]
struct Folder<'a> {
    old: Vec<&'a FileEntry>,
    new: Vec<&'a FileEntry>,
}

impl Folder<'_> {
    /// In how many parts it is read.
    fn parts(&self) -> u64 {
        let rows = |files: &[&FileEntry]| files.iter().map(|file| file.rows).sum::<u64>();
        rows(&self.old).max(rows(&self.new)).div_ceil(AT_ONCE).max(1)
    }
}

/// Compares one table of two snapshots.
pub(in crate::dataset) fn table_diff(
    table: &str,
    key: &str,
    before: (&Path, &Manifest),
    after: (&Path, &Manifest),
    care: Care,
) -> Result<TableDiff, DiffError> {
    let (old, new) = (other_files(table, before.1, after.1), other_files(table, after.1, before.1));
    let mut told = TableDiff::default();
    let first = |side: (&Path, &Manifest)| {
        let file = side.1.tables.get(table)?.files.first()?;
        Some(types(&side.0.join(&file.path), care.check.then_some(file)))
    };
    let (Some(old_types), Some(new_types)) = (first(before), first(after)) else { return Ok(told) };
    let (columns, not_compared) = Columns::of_both(key, &old_types?, &new_types?);
    told.not_compared = not_compared;
    let sides = Sides { before: before.0, after: after.0, columns: &columns };
    let mut folders = by_folder(&old, &new);
    if care.check {
        sides.check(&folders)?;
    }
    let mut moved = Moved::new();
    if folders.len() > 1 {
        match sides.moved(&folders)? {
            Some(rows) => moved = rows,
            // As when the folders are others altogether.
            None => folders = vec![Folder { old, new }],
        }
    }
    let steps = sides.compare(&folders, moved, &mut told, care.most)?;
    let grown = columns.counts.iter().zip(steps).filter_map(|(name, steps)| Some((name.clone(), steps.growth()?)));
    told.growth = grown.collect();
    Ok(told)
}

/// Rows that their folder holds no more, by id; none once they are found in another folder.
type Moved = HashMap<Box<str>, Option<Known>>;

/// Both snapshots' folders, and the columns that are compared.
struct Sides<'a> {
    before: &'a Path,
    after: &'a Path,
    columns: &'a Columns,
}

impl Sides<'_> {
    fn reader(&self, part: u64, parts: u64) -> Reader<'_> {
        Reader { columns: self.columns, part, parts }
    }

    fn check(&self, folders: &[Folder<'_>]) -> Result<(), DiffError> {
        for Folder { old, new } in folders {
            old.iter().try_for_each(|file| super::rows::check(&self.before.join(&file.path), file))?;
            new.iter().try_for_each(|file| super::rows::check(&self.after.join(&file.path), file))?;
        }
        Ok(())
    }

    /// Reads the older rows whose folder does not hold them in the newer snapshot; none where they are too many to be held.
    fn moved(&self, folders: &[Folder<'_>]) -> Result<Option<Moved>, DiffError> {
        let mut moved = Moved::new();
        for folder in folders {
            let parts = folder.parts();
            for part in 0..parts {
                let reader = self.reader(part, parts);
                let mut ids: HashSet<Box<str>> = HashSet::new();
                for file in &folder.old {
                    reader.ids(self.before, file, &mut |id| {
                        ids.insert(id.into());
                    })?;
                }
                for file in &folder.new {
                    reader.ids(self.after, file, &mut |id| {
                        ids.remove(id);
                    })?;
                }
                if (moved.len() + ids.len()) as u64 > AT_ONCE {
                    return Ok(None);
                }
                for file in &folder.old {
                    if ids.is_empty() {
                        break;
                    }
                    reader.read(self.before, file, &mut |id, row| {
                        if let Some(id) = ids.take(id) {
                            moved.insert(id, Some(row));
                        }
                    })?;
                }
            }
        }
        Ok(Some(moved))
    }

    /// Compares folder after folder; what has moved is known by then. Returns how counts grew.
    fn compare(
        &self,
        folders: &[Folder<'_>],
        mut moved: Moved,
        told: &mut TableDiff,
        most: usize,
    ) -> Result<Vec<Steps>, DiffError> {
        let mut steps = vec![Steps::default(); self.columns.counts.len()];
        for folder in folders {
            let parts = folder.parts();
            for part in 0..parts {
                let reader = self.reader(part, parts);
                let mut known: HashMap<Box<str>, Known> = HashMap::new();
                for file in &folder.old {
                    reader.read(self.before, file, &mut |id, row| {
                        if !moved.contains_key(id) {
                            known.insert(id.into(), row);
                        }
                    })?;
                }
                for file in &folder.new {
                    reader.read(self.after, file, &mut |id, row| match known
                        .remove(id)
                        .or_else(|| moved.get_mut(id)?.take())
                    {
                        None => told.new.add(id, most),
                        Some(own) => told.compare(id, self.columns, &own, &row, &mut steps, most),
                    })?;
                }
                for id in known.keys() {
                    told.gone.add(id, most);
                }
            }
        }
        for (id, _) in moved.iter().filter(|(_, row)| row.is_some()) {
            told.gone.add(id, most);
        }
        Ok(steps)
    }
}

/// Sorts files by their folders.
fn by_folder<'a>(old: &[&'a FileEntry], new: &[&'a FileEntry]) -> Vec<Folder<'a>> {
    let mut folders: BTreeMap<&str, Folder<'a>> = BTreeMap::new();
    let folder = |file: &&'a FileEntry| file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for file in old {
        folders.entry(folder(file)).or_default().old.push(file);
    }
    for file in new {
        folders.entry(folder(file)).or_default().new.push(file);
    }
    folders.into_values().collect()
}

/// Lists the files of a table that the other snapshot does not hold.
fn other_files<'a>(table: &str, manifest: &'a Manifest, other: &Manifest) -> Vec<&'a FileEntry> {
    let theirs = other.tables.get(table).into_iter().flat_map(|table| &table.files);
    let theirs: HashSet<(&str, &str)> = theirs.map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let files = manifest.tables.get(table).into_iter().flat_map(|table| &table.files);
    files.filter(|file| !theirs.contains(&(file.path.as_str(), file.sha256.as_str()))).collect()
}

impl TableDiff {
    fn compare(&mut self, id: &str, columns: &Columns, own: &Known, row: &Known, steps: &mut [Steps], most: usize) {
        match (own.is_gone, row.is_gone) {
            (false, true) => self.vanished.add(id, most),
            (true, false) => self.returned.add(id, most),
            _ => {}
        }
        let counts = own.counts.iter().zip(&row.counts);
        let grown: Vec<Option<i64>> = counts.map(|(old, new)| Some(step(((*old)?, own), ((*new)?, row)))).collect();
        let is_respelt = |name: &String| {
            let at = columns.counts.iter().position(|count| count == name);
            at.is_some_and(|at| grown.get(at) == Some(&Some(0)))
        };
        let mut is_changed = false;
        for (name, (old, new)) in columns.compared.iter().zip(own.digests.iter().zip(&row.digests)) {
            if old != new && !is_respelt(name) {
                is_changed = true;
                match self.columns.get_mut(name) {
                    Some(count) => *count += 1,
                    None => drop(self.columns.insert(name.clone(), 1)),
                }
            }
        }
        if is_changed {
            self.changed.add(id, most);
        }
        for (steps, grown) in steps.iter_mut().zip(grown) {
            if let Some(grown) = grown {
                steps.add(grown);
            }
        }
    }
}

/// Says how far a count grew; another spelling of one number is no growth.
fn step((old, before): (i64, &Known), (new, after): (i64, &Known)) -> i64 {
    // A table does not say which of a row's counts is rounded: one that ends in zeros is.
    let spells = |count: i64, other| {
        let rounded = Count::rounded(count);
        rounded.unit >= 100 && rounded.rounds(other)
    };
    let is_respelt = (before.is_approximate && spells(old, new)) || (after.is_approximate && spells(new, old));
    if is_respelt { 0 } else { new.saturating_sub(old) }
}
