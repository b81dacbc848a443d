//! The build: all answers in, one snapshot out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::card::card;
use super::changes::{Changes, changes};
use super::learn::learn;
use super::manifest::{Manifest, Origin, SCHEMA_VERSION};
use super::observed::ObservationCache;
use super::parquet::BOUNDS;
use super::part::Part;
use super::partition::Layout;
use super::shelves::{
    AuthorMetrics, Authors, Calls, Family, Folders, Hits, NoteMetrics, Notes, RECORDS, Rejects, ShelfError, Shelves,
    Spills,
};
use super::snapshots::{self, Standing, snapshot_folder};
use super::writer::{SnapshotWriter, WriteError};
use crate::disk::{Disk, DiskError};
use crate::flatten::{READING, Recipe};

/// What a build made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The latest snapshot.
    pub snapshot: u64,
    /// Whether it is new; a build that would repeat the snapshot before publishes nothing.
    pub published: bool,
    /// Rows of each table.
    pub rows: BTreeMap<&'static str, u64>,
    /// How many things could not be read, by run; runs without any are not there.
    pub rejects_by_run: BTreeMap<String, u64>,
    /// How many elements were no notes, by run; runs without any are not there.
    pub skipped_by_run: BTreeMap<String, u64>,
    /// Notes that the snapshot before had not; none where that one cannot be read.
    pub new_notes: Option<u64>,
    /// Which notes those are; none if they are too many to be listed, or are all.
    pub new_ids: Option<BTreeSet<String>>,
    /// Notes whose content, counts or life differ from the snapshot before; none where that one cannot be read.
    pub changed_notes: Option<u64>,
    /// Files of the snapshot before that did not hold what they held; the new snapshot has them whole.
    pub damaged: Vec<PathBuf>,
}

/// Says why there is no new snapshot; the old one stands.
#[derive(Debug, thiserror::Error)]
pub enum BuildError<E: std::error::Error + 'static> {
    /// An answer could not be had.
    #[error("cannot read the answers")]
    Answer(#[source] E),
    /// The dataset holds answers of the other origin; the two never share a dataset.
    #[error("the dataset holds {dataset} answers, these are {answers} ones")]
    Origin {
        /// What the dataset holds.
        dataset: Origin,
        /// What was to be built.
        answers: Origin,
    },
    /// A later version of notemill made the dataset.
    #[error("the dataset has schema version {found}, this notemill knows {SCHEMA_VERSION}")]
    Newer {
        /// The dataset's schema version.
        found: u32,
    },
    /// No manifest can be read, so that nothing tells what the dataset is.
    #[error("no manifest can be read; `{}` is damaged", path.display())]
    Damaged {
        /// The newest of them.
        path: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A table could not be encoded.
    #[error("cannot encode a table")]
    Parquet(#[source] ::parquet::errors::ParquetError),
    /// What was learnt of the answers could not be read back.
    #[error("cannot read back what the answers told")]
    Shelf {
        /// The file.
        path: PathBuf,
    },
}

impl<E: std::error::Error + 'static> From<ShelfError> for BuildError<E> {
    fn from(error: ShelfError) -> Self {
        match error {
            ShelfError::Disk(error) => Self::Disk(error),
            ShelfError::Damaged { path } | ShelfError::Encode { path } => Self::Shelf { path },
        }
    }
}

impl<E: std::error::Error + 'static> From<WriteError> for BuildError<E> {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Disk(error) => Self::Disk(error),
            WriteError::Parquet(error) => Self::Parquet(error),
            WriteError::Shelf(error) => error.into(),
        }
    }
}

/// Says how a build works; what it makes does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Whether everything is learnt from the answers again.
    pub from_scratch: bool,
    /// How many answers are read at once.
    pub threads: usize,
    /// About how many bytes what answers tell may take in memory before it is laid aside.
    pub bytes: u64,
}

impl Default for Effort {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { from_scratch: false, threads, bytes: 48 << 20 }
    }
}

/// Builds all tables from all answers and publishes them as one snapshot.
///
/// The tables depend on the answers alone: not on their order, repetition or parts, on what builds before learnt, or on
/// the effort. If they are those of the latest snapshot, nothing is published. Memory is bounded by the effort and one file
/// of each of a folder's tables. One process at a time: the caller holds the lock.
///
/// # Errors
///
/// See [`BuildError`]; the latest snapshot stands then.
pub fn build<P: Part>(
    parts: &[P],
    disk: &Disk,
    folder: &Path,
    layout: &Layout,
    recipe: &Recipe,
    origin: Origin,
    effort: Effort,
) -> Result<Built, BuildError<P::Error>> {
    let standing = snapshots::open(disk, folder)?;
    check(&standing, origin)?;
    let all: BTreeSet<String> = parts.iter().map(|part| part.id().to_owned()).collect();
    let mut shelves = Shelves::open(disk, folder, ways(layout, recipe), &all)?;
    if effort.from_scratch {
        shelves.clear()?;
    }
    let mut observations = ObservationCache::open(disk, folder, recipe.outline(), &all, effort.from_scratch)?;
    let builder = Builder { disk, folder, layout, recipe, origin, effort, standing: &standing };
    let built = match builder.build(parts, &mut shelves, &mut observations) {
        // They are but a memory of the answers.
        Err(BuildError::Shelf { .. }) if !shelves.is_empty() => {
            shelves.clear()?;
            builder.build(parts, &mut shelves, &mut observations)?
        }
        built => built?,
    };
    shelves.keep(all)?;
    snapshots::prune(disk, folder, layout.keep_snapshots, built.snapshot)?;
    Ok(built)
}

/// Says how answers are read and sorted into folders, and how records become files: both must be the same for what an
/// earlier build made to be of use.
fn ways(layout: &Layout, recipe: &Recipe) -> (String, String) {
    // Names and words always become JSON.
    let outline = serde_json::to_string(recipe.outline()).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let Layout { partition, time_zone, .. } = layout;
    let way =
        format!("notemill {version} records {RECORDS} reading {READING} by {partition:?} in {time_zone} {outline}");
    (way, format!("schema {SCHEMA_VERSION} {BOUNDS:?} {:?} {outline}", layout.compression))
}

struct Builder<'a> {
    disk: &'a Disk,
    folder: &'a Path,
    layout: &'a Layout,
    recipe: &'a Recipe,
    origin: Origin,
    effort: Effort,
    standing: &'a Standing,
}

impl Builder<'_> {
    fn build<P: Part>(
        &self,
        parts: &[P],
        shelves: &mut Shelves,
        observations: &mut ObservationCache<'_>,
    ) -> Result<Built, BuildError<P::Error>> {
        // To merge an answer once more changes nothing.
        let is_new = |part: &&P| !(shelves.knows(part.id()) && observations.has(part.id()));
        let new: Vec<&P> = parts.iter().filter(is_new).collect();
        let mut spills = shelves.spills(self.effort.bytes, self.layout.partitions());
        learn(&new, self.recipe, self.effort.threads, |extracted| {
            if let Some(part) = new.get(extracted.part) {
                observations.add(part.id(), extracted.observed)?;
            }
            Ok(extracted.flattened.into_iter().try_for_each(|flat| spills.add(flat))?)
        })?;
        observations.finish(new.iter().map(|part| part.id()))?;
        let (standing, folder) = (self.standing, self.folder);
        let next = standing.highest + 1;
        let before = standing.latest.zip(standing.manifest.as_ref());
        let before = before.map(|(latest, manifest)| (snapshot_folder(folder, latest), manifest));
        let (target, outline) = (snapshot_folder(folder, next), self.recipe.outline());
        let writer = SnapshotWriter::begin(self.disk, &target, self.layout, outline, before.clone())?;
        let families = vec![
            job::<Notes>(shelves, &mut spills, &writer),
            job::<Authors>(shelves, &mut spills, &writer),
            job::<NoteMetrics>(shelves, &mut spills, &writer),
            job::<Calls>(shelves, &mut spills, &writer),
            job::<Hits>(shelves, &mut spills, &writer),
            job::<AuthorMetrics>(shelves, &mut spills, &writer),
            job::<Rejects>(shelves, &mut spills, &writer),
        ];
        for (family, folders) in in_parallel(families, self.effort.threads)? {
            shelves.put(family, folders);
        }

        let facts = shelves.facts();
        let mut built = Built {
            snapshot: standing.latest.unwrap_or(next),
            published: !writer.is_unchanged(),
            rows: writer.rows(),
            rejects_by_run: facts.rejects.clone(),
            skipped_by_run: facts.skipped.clone(),
            new_notes: Some(0),
            new_ids: None,
            changed_notes: Some(0),
            damaged: [standing.damaged.as_slice(), writer.damaged().as_slice()].concat(),
        };
        if built.published {
            built.snapshot = next;
            let manifest = writer.publish(next, self.origin, |manifest| card(manifest, &facts))?;
            let told = match (&before, standing.latest) {
                (Some((old, before)), _) => changes((old, before), (&snapshot_folder(folder, next), &manifest)),
                (None, None) => {
                    Some(Changes { new: built.rows.get("notes").copied().unwrap_or(0), ..Changes::default() })
                }
                (None, Some(_)) => None,
            };
            built.new_notes = told.as_ref().map(|told| told.new);
            built.changed_notes = told.as_ref().map(|told| told.changed);
            built.new_ids = told.and_then(|told| told.new_ids);
        }
        snapshots::point_to(self.disk, folder, built.snapshot)?;
        Ok(built)
    }
}

type Job<'a> = Box<dyn FnOnce() -> Result<(&'static str, Folders), WriteError> + Send + 'a>;

fn job<'a, F: Family + 'a>(shelves: &mut Shelves, spills: &mut Spills, writer: &'a SnapshotWriter) -> Job<'a> {
    let work = shelves.work::<F>(spills);
    Box::new(move || Ok((F::NAME, work.run(writer)?)))
}

/// Works on families, in their order, each on the next thread that is free. Returns the first error if there is one.
fn in_parallel(jobs: Vec<Job<'_>>, threads: usize) -> Result<Vec<(&'static str, Folders)>, WriteError> {
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

fn check<E: std::error::Error + 'static>(standing: &Standing, origin: Origin) -> Result<(), BuildError<E>> {
    let Some(Manifest { schema_version, origin: dataset, .. }) = standing.witness else {
        return match standing.damaged.first() {
            Some(path) => Err(BuildError::Damaged { path: path.clone() }),
            None => Ok(()),
        };
    };
    if schema_version > SCHEMA_VERSION {
        return Err(BuildError::Newer { found: schema_version });
    }
    if dataset != origin {
        return Err(BuildError::Origin { dataset, answers: origin });
    }
    Ok(())
}
