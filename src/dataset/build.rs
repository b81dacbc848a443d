//! The build: all answers in, one snapshot out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::card::card;
use super::changes::{Changes, changes};
use super::learn::learn;
use super::manifest::{Manifest, Origin, SCHEMA_VERSION};
use super::merge::MERGE_VERSION;
use super::merge_state::{MergeError, MergeState};
use super::observed::ObservationCache;
use super::parquet::BOUNDS;
use super::part::Part;
use super::partition::Layout;
use super::snapshots::{self, Standing, snapshot_folder};
use super::work::Work;
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
    /// A file of the cache is not what was written there, even just now.
    #[error("`{}` in the cache is damaged", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
    },
}

impl<E: std::error::Error + 'static> From<MergeError> for BuildError<E> {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Disk(error) => Self::Disk(error),
            MergeError::Damaged { path } => Self::Cache { path },
            MergeError::Arrow(error) => Self::Parquet(error.into()),
        }
    }
}

impl<E: std::error::Error + 'static> From<WriteError> for BuildError<E> {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Disk(error) => Self::Disk(error),
            WriteError::Parquet(error) => Self::Parquet(error),
            WriteError::Merge(error) => error.into(),
        }
    }
}

/// Says how a build works; what it makes does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Whether everything is extracted from the answers again.
    pub from_scratch: bool,
    /// How many answers are read at once.
    pub threads: usize,
    /// About how many bytes of observations may be in memory; what is more is read back from the cache.
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
    let mut state = MergeState::open(disk, folder, ways(layout, recipe), &all)?;
    let mut observations = ObservationCache::open(disk, folder, recipe.outline(), &all, effort.bytes)?;
    if effort.from_scratch {
        state.clear()?;
        observations.clear()?;
    }
    let is_fresh = !observations.has_any() && !parts.iter().any(|part| state.knows(part.id()));
    let builder = Builder { disk, folder, layout, recipe, origin, effort, standing: &standing };
    let built = match builder.build(parts, &mut state, &mut observations) {
        // All that is cached can be had from the answers.
        Err(BuildError::Cache { .. }) if !is_fresh => {
            state.clear()?;
            observations.clear()?;
            builder.build(parts, &mut state, &mut observations)?
        }
        built => built?,
    };
    state.keep(all)?;
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
        format!("notemill {version} merge {MERGE_VERSION} reading {READING} by {partition:?} in {time_zone} {outline}");
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
        state: &mut MergeState,
        observations: &mut ObservationCache<'_>,
    ) -> Result<Built, BuildError<P::Error>> {
        self.extract(parts, state, observations)?;
        let (standing, folder) = (self.standing, self.folder);
        let next = standing.highest + 1;
        let before = standing.latest.zip(standing.manifest.as_ref());
        let before = before.map(|(latest, manifest)| (snapshot_folder(folder, latest), manifest));
        let (target, outline) = (snapshot_folder(folder, next), self.recipe.outline());
        let writer = SnapshotWriter::begin(self.disk, &target, self.layout, outline, before.clone())?;
        Work { writer: &writer, outline, spec: self.layout.partitions(), threads: self.effort.threads }
            .run(state, observations)?;
        observations.forget_runs();

        let facts = state.facts();
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

impl Builder<'_> {
    /// Extracts the observations of new answers; to merge an answer once more changes nothing.
    fn extract<P: Part>(
        &self,
        parts: &[P],
        state: &MergeState,
        observations: &mut ObservationCache<'_>,
    ) -> Result<(), BuildError<P::Error>> {
        let mut new: Vec<&P> = Vec::new();
        for part in parts {
            let is_known = state.knows(part.id());
            if !(is_known && observations.has(part.id())) && (is_known || !observations.reuse(part.id())) {
                new.push(part);
            }
        }
        learn(&new, self.recipe, self.effort.threads, |extracted| {
            let observed = extracted.observed.map_err(WriteError::from)?;
            Ok(new.get(extracted.part).map_or(Ok(()), |part| observations.add(part.id(), observed))?)
        })?;
        Ok(observations.finish(new.iter().map(|part| part.id()))?)
    }
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
