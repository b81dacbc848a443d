//! The work of a build on all families: new observations merged with what is kept, and the tables written, in parallel.

use std::cmp::Reverse;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::merge::{AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects, Stream, Tables, groups};
use super::merge_state::{Files, FolderState, Folders, MergeState, records_of};
use super::observed::ObservationCache;
use super::partition::PartitionSpec;
use super::tables::FolderWriter;
use super::writer::{SnapshotWriter, WriteError};
use crate::flatten::tables::{Outline, Row};

/// What all families have in common.
pub(super) struct Work<'a> {
    /// The snapshot in the making.
    pub(super) writer: &'a SnapshotWriter,
    /// What the tables have more and less than others.
    pub(super) outline: &'a Outline,
    /// How rows are sorted into folders.
    pub(super) spec: PartitionSpec,
    /// How many threads work.
    pub(super) threads: usize,
}

type Job<'a, T> = Box<dyn FnOnce() -> Result<T, WriteError> + Send + 'a>;

impl Work<'_> {
    /// Merges and writes all families. Notes are most of the work: while one thread merges them, others do the rest; then
    /// all write them, folder by folder.
    pub(super) fn run(&self, state: &mut MergeState, observations: &ObservationCache<'_>) -> Result<(), WriteError> {
        let jobs = vec![
            self.merge::<Notes>(state, observations, false),
            self.merge::<Authors>(state, observations, true),
            self.merge::<NoteMetrics>(state, observations, true),
            self.merge::<Calls>(state, observations, true),
            self.merge::<Hits>(state, observations, true),
            self.merge::<AuthorMetrics>(state, observations, true),
            self.merge::<Rejects>(state, observations, true),
        ];
        for (family, folders) in in_parallel(jobs, self.threads)? {
            state.put(family, folders);
        }
        for (folder, files) in in_parallel(self.write_notes(state), self.threads)? {
            state.encoded(Notes::NAME, &folder, files);
        }
        <Notes as Family>::Tables::end(self.writer)
    }

    fn merge<'a, F: Family>(
        &'a self,
        state: &mut MergeState,
        observations: &ObservationCache<'_>,
        writes: bool,
    ) -> Job<'a, (&'static str, Folders)> {
        let home = state.home().to_owned();
        let update = state.update::<F>(self.outline, &self.spec, observations.runs(<F::Observed as Row>::TABLE));
        Box::new(move || {
            let mut folders = update.run()?;
            if writes {
                for (folder, known) in &mut folders {
                    known.files = Some(write::<F>(folder, known, &home, self.writer)?);
                }
                F::Tables::end(self.writer)?;
            }
            Ok((F::NAME, folders))
        })
    }

    fn write_notes<'a>(&'a self, state: &MergeState) -> Vec<Job<'a, (String, Files)>> {
        let mut known: Vec<_> = state.folders(Notes::NAME).collect();
        // The largest first, so that none is left to one thread at the end.
        known.sort_by_key(|(_, known)| Reverse(known.sum.bytes));
        let home = state.home();
        let job = |(folder, known): (&String, &FolderState)| -> Job<'a, (String, Files)> {
            let (folder, known, home) = (folder.clone(), known.clone(), home.to_owned());
            Box::new(move || {
                let files = write::<Notes>(&folder, &known, &home, self.writer)?;
                Ok((folder, files))
            })
        };
        known.into_iter().map(job).collect()
    }
}

/// Writes the tables of one folder; those of a folder that did not change are taken from the snapshot before.
fn write<F: Family>(
    folder: &str,
    known: &FolderState,
    home: &Path,
    writer: &SnapshotWriter,
) -> Result<Files, WriteError> {
    if let Some(files) = &known.files
        && writer.keep(files)?
    {
        return Ok(files.clone());
    }
    let mut out = FolderWriter::new(writer, folder);
    let mut tables = F::Tables::new(writer.outline(), &out)?;
    let records = Stream::Open(records_of(&known.path(home), &known.sum)?);
    groups::<F, WriteError>(vec![records], |group| tables.push(group, &F::winners(group), &mut out))?;
    tables.finish(&mut out)?;
    Ok(out.into_files())
}

/// Works on jobs, in their order, each on the next thread that is free. Returns the first error if there is one.
fn in_parallel<T: Send>(jobs: Vec<Job<'_, T>>, threads: usize) -> Result<Vec<T>, WriteError> {
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(|| next().map(|job| job())).collect::<Result<Vec<_>, _>>();
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            // A thread that panicked takes the build with it.
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and_then(|mut done| {
                done.extend(other?);
                Ok(done)
            });
        }
        done
    })
}
