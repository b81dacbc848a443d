//! The update of one family: new records merged with those kept, folder by folder.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use twox_hash::XxHash3_128;

use super::file::{Sum, Writer, records_of};
use super::index::{self, FolderState, Folders};
use super::{MergeError, Run};
use crate::dataset::facts::Facts;
use crate::dataset::merge::{Family, Member, Place, Schema, Sources, Stream, groups};
use crate::dataset::parquet::CACHED_ROWS;
use crate::dataset::partition::PartitionSpec;
use crate::disk::Disk;
use crate::model::hex;

/// More strays of one family are not named: a folder with others is read whenever anything is new.
const MOST_STRAYS: usize = 1000;
/// So many files are merged at once: each takes a batch and a page of each column of memory.
const MOST_FILES: usize = 32;
/// Rows that are read at once of all files together.
const ROWS_AT_ONCE: usize = 4096;
/// Records that are gathered and written together at most.
const BLOCK_ROWS: usize = 1024;
/// Bytes of text that are gathered and written together at most, one record aside.
const BLOCK_TEXT: usize = 1 << 20;

/// What is kept of a family and what is new; families have nothing in common, and are updated in parallel.
pub(in crate::dataset) struct Update<F: Family> {
    pub(super) disk: Disk,
    pub(super) home: PathBuf,
    pub(super) spec: PartitionSpec,
    pub(super) schema: Schema<F>,
    pub(super) known: Folders,
    pub(super) runs: Vec<Run>,
}

/// New records in the order of their keys.
enum Input {
    /// Observations.
    Run(Run),
    /// Records merged from many of them.
    Merged(PathBuf, Sum),
}

impl Input {
    fn bytes(&self) -> u64 {
        match self {
            Self::Run(run) => run.sum.bytes,
            Self::Merged(_, sum) => sum.bytes,
        }
    }
}

impl<F: Family> Update<F> {
    /// Takes in what is new. Folders that it cannot touch are not read.
    ///
    /// A key lies in the folder that it gives, or that its records give; else it is a stray, and its folder is known.
    /// Merging takes each value from one side, so a key moves to no folder but those of the two sides.
    pub(in crate::dataset) fn run(mut self) -> Result<Folders, MergeError> {
        if self.runs.is_empty() {
            return Ok(self.known);
        }
        let inputs = self.inputs()?;
        let touched = if self.known.is_empty() { BTreeSet::new() } else { self.touched(&inputs)? };
        let is_touched = |folder: &str, state: &FolderState| state.strays.is_none() || touched.contains(folder);
        let known = std::mem::take(&mut self.known);
        let (before, mut folders): (Folders, Folders) =
            known.into_iter().partition(|(folder, state)| is_touched(folder, state));
        let mut streams = self.streams(&inputs)?;
        for state in before.values() {
            let (path, sum) = (state.path(&self.home), state.sum.clone());
            let damaged = || MergeError::Damaged { path: self.home.join(index::FILE_NAME) };
            let first = unhex(&state.first).ok_or_else(damaged)?;
            streams.push(Stream::Later { first, open: Box::new(move || records_of(&path, &sum)) });
        }
        let named = folders.values().map(|state| state.strays.iter().flatten().count()).sum();
        let mut writers = Writers::<F>::new(&self, &folders, named);
        groups::<F, MergeError>(streams, |group| writers.add(group))?;
        for (folder, state) in writers.finish(&before)? {
            folders.insert(folder, state);
        }
        self.remove(inputs)?;
        Ok(folders)
    }

    /// Opens all that is new; what is in many files is merged to few first.
    fn inputs(&mut self) -> Result<Vec<Input>, MergeError> {
        let (in_memory, in_files): (Vec<Run>, Vec<Run>) =
            std::mem::take(&mut self.runs).into_iter().partition(|run| run.batches.is_some());
        // The smallest last, for they are merged first.
        let mut files: Vec<Input> = in_files.into_iter().map(Input::Run).collect();
        files.sort_by_key(|input| Reverse(input.bytes()));
        let mut number = 0;
        while files.len() > MOST_FILES {
            let too_many = files.len() - MOST_FILES;
            let some = files.split_off(files.len() - MOST_FILES.min(too_many + 1));
            let path = self.home.join(format!("run-{}-{number}", F::NAME));
            number += 1;
            let merged = self.merged(&some, path)?;
            self.remove(some)?;
            let at = files.partition_point(|input| input.bytes() > merged.bytes());
            files.insert(at, merged);
        }
        files.extend(in_memory.into_iter().map(Input::Run));
        Ok(files)
    }

    /// Merges some to one file.
    fn merged(&self, some: &[Input], path: PathBuf) -> Result<Input, MergeError> {
        let mut writer = Writer::new(&self.disk, path, self.schema.arrow())?;
        let mut block = Block::<F>::default();
        groups::<F, MergeError>(self.streams(some)?, |group| {
            block.push(group, &F::winners(group), 0);
            block.flush_if_full(|_, batch| writer.write(batch))
        })?;
        block.flush(|_, batch| writer.write(batch))?;
        let (path, sum) = writer.finish()?;
        Ok(Input::Merged(path, sum))
    }

    /// Removes the files that were made on the way.
    fn remove(&self, inputs: Vec<Input>) -> Result<(), MergeError> {
        for input in inputs {
            if let Input::Merged(path, _) = input {
                self.disk.remove_unsynced(&path)?;
            }
        }
        Ok(())
    }

    fn streams(&self, inputs: &[Input]) -> Result<Vec<Stream<'static>>, MergeError> {
        let rows = (ROWS_AT_ONCE / inputs.len().max(1)).min(CACHED_ROWS);
        let open = |input: &Input| match input {
            Input::Run(run) => run.records(&self.schema, rows),
            Input::Merged(path, sum) => records_of(path, sum),
        };
        inputs.iter().map(|input| Ok(Stream::Open(open(input)?))).collect()
    }

    /// Lists the folders in which any of the new keys lies, or lay before.
    fn touched(&self, inputs: &[Input]) -> Result<BTreeSet<String>, MergeError> {
        let mut strays: HashMap<&str, &str> = HashMap::new();
        for (folder, state) in &self.known {
            strays.extend(state.strays.iter().flatten().map(|name| (name.as_str(), folder.as_str())));
        }
        let mut touched = BTreeSet::new();
        groups::<F, MergeError>(self.streams(inputs)?, |group| {
            touched.insert(F::folder(group, &F::winners(group), &self.spec));
            touched.extend(F::home(group, &self.spec));
            if !strays.is_empty() {
                touched.extend(strays.get(name_of(group).as_str()).map(|folder| (*folder).to_owned()));
            }
            Ok(())
        })?;
        Ok(touched)
    }
}

/// Names a key, to be found again.
fn name_of<F: Family>(group: &[Member<F>]) -> String {
    let key = group.first().map_or(&[][..], Member::key);
    format!("{:032x}", XxHash3_128::oneshot(key))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Records that wait to be written, each to one of some files.
struct Block<F: Family> {
    sources: Sources<F>,
    rows: Vec<(usize, Place)>,
    /// Bytes of text.
    text: usize,
    keep: Vec<usize>,
}

impl<F: Family> Default for Block<F> {
    fn default() -> Self {
        Self { sources: Sources::default(), rows: Vec::new(), text: 0, keep: Vec::new() }
    }
}

impl<F: Family> Block<F> {
    /// Adds the records that are kept of a key.
    fn push(&mut self, group: &[Member<F>], winners: &F::Winners, file: usize) {
        self.keep.clear();
        F::kept(winners, &mut self.keep);
        self.keep.sort_unstable();
        self.keep.dedup();
        for member in self.keep.iter().filter_map(|at| group.get(*at)) {
            self.text += member.text();
            self.rows.push((file, self.sources.place(member)));
        }
    }

    fn flush_if_full(
        &mut self,
        write: impl FnMut(usize, &RecordBatch) -> Result<(), MergeError>,
    ) -> Result<(), MergeError> {
        if self.rows.len() >= BLOCK_ROWS || self.text >= BLOCK_TEXT { self.flush(write) } else { Ok(()) }
    }

    /// Writes all of them, file by file, in the order of their keys.
    fn flush(
        &mut self,
        mut write: impl FnMut(usize, &RecordBatch) -> Result<(), MergeError>,
    ) -> Result<(), MergeError> {
        self.rows.sort_by_key(|(file, _)| *file);
        for rows in self.rows.chunk_by(|(own, _), (other, _)| own == other) {
            let places: Vec<Place> = rows.iter().map(|(_, place)| *place).collect();
            if let Some((file, _)) = rows.first() {
                write(*file, &self.sources.records(&places)?)?;
            }
        }
        self.rows.clear();
        self.sources.clear();
        self.text = 0;
        Ok(())
    }
}

/// The folders of a family in the making.
struct Writers<'a, F: Family> {
    update: &'a Update<F>,
    /// The folders that are not read.
    untouched: &'a Folders,
    /// How many strays are named.
    named: usize,
    numbers: BTreeMap<String, usize>,
    folders: Vec<New>,
    block: Block<F>,
}

/// A folder in the making.
struct New {
    folder: String,
    writer: Writer,
    first: String,
    facts: Facts,
    strays: Option<BTreeSet<String>>,
}

impl<'a, F: Family> Writers<'a, F> {
    fn new(update: &'a Update<F>, untouched: &'a Folders, named: usize) -> Self {
        Self { update, untouched, named, numbers: BTreeMap::new(), folders: Vec::new(), block: Block::default() }
    }

    fn add(&mut self, group: &[Member<F>]) -> Result<(), MergeError> {
        let winners = F::winners(group);
        let folder = F::folder(group, &winners, &self.update.spec);
        let is_stray = F::home(group, &self.update.spec).as_ref() != Some(&folder);
        let number = match self.numbers.get(&folder) {
            Some(number) => *number,
            None => self.begin(folder, group)?,
        };
        let Some(new) = self.folders.get_mut(number) else { return Ok(()) };
        F::sum(group, &winners, &mut new.facts);
        if is_stray && let Some(strays) = &mut new.strays {
            if self.named < MOST_STRAYS {
                strays.insert(name_of(group));
                self.named += 1;
            } else {
                new.strays = None;
            }
        }
        self.block.push(group, &winners, number);
        let folders = &mut self.folders;
        self.block.flush_if_full(|number, batch| write_to(folders, number, batch))
    }

    fn begin(&mut self, folder: String, group: &[Member<F>]) -> Result<usize, MergeError> {
        let Update { disk, home, schema, .. } = self.update;
        if self.untouched.contains_key(&folder) {
            // What would be overwritten was not read. It cannot happen; if it does, everything is merged again.
            return Err(MergeError::Damaged { path: home.join(index::FILE_NAME) });
        }
        let writer = Writer::new(disk, home.join(format!("new-{}-{folder}", F::NAME)), schema.arrow())?;
        let first = group.first().map(|first| hex(first.key())).unwrap_or_default();
        let number = self.folders.len();
        self.numbers.insert(folder.clone(), number);
        self.folders.push(New { folder, writer, first, facts: Facts::default(), strays: Some(BTreeSet::new()) });
        Ok(number)
    }

    /// Ends all files. What a folder was `before` stays as it is if its records are the same.
    fn finish(mut self, before: &Folders) -> Result<Vec<(String, FolderState)>, MergeError> {
        let folders = &mut self.folders;
        self.block.flush(|number, batch| write_to(folders, number, batch))?;
        let Update { disk, home, .. } = self.update;
        let mut states = Vec::new();
        for New { folder, writer, first, facts, strays } in self.folders {
            let (path, sum) = writer.finish()?;
            let same = before.get(&folder).filter(|before| before.sum == sum);
            let state = if let Some(same) = same {
                disk.remove_unsynced(&path)?;
                same.clone()
            } else {
                let file = format!("{}-{folder}-{}", F::NAME, sum.hash.get(..12).unwrap_or_default());
                disk.rename_unsynced(&path, &home.join(&file))?;
                FolderState { file, sum, first, strays, facts, files: None }
            };
            states.push((folder, state));
        }
        Ok(states)
    }
}

fn write_to(folders: &mut [New], number: usize, batch: &RecordBatch) -> Result<(), MergeError> {
    folders.get_mut(number).map_or(Ok(()), |new| new.writer.write(batch))
}
