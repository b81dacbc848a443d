//! The build: all answers in, one snapshot out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::card::card;
use super::changes::{Changes, changes};
use super::manifest::{Manifest, Origin, SCHEMA_VERSION};
use super::merge::Merged;
use super::merge::rows::{hashtag_rows, image_rows, mention_rows, note_rows};
use super::partition::{Layout, by_folder};
use super::snapshots::{self, Standing, snapshot_folder};
use super::writer::{SnapshotWriter, WriteError};
use crate::disk::{Disk, DiskError};
use crate::flatten::flatten;
use crate::flatten::tables::{PartitionedBy, Row, dictionary};
use crate::model::Answer;

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
}

impl<E: std::error::Error + 'static> From<WriteError> for BuildError<E> {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Disk(error) => Self::Disk(error),
            WriteError::Parquet(error) => Self::Parquet(error),
        }
    }
}

/// Builds all tables from all answers and publishes them as one snapshot.
///
/// The tables depend on the answers alone, not on their order or repetition. If they are those of the latest snapshot,
/// nothing is published. Memory grows with the rows of all tables. One process at a time: the caller holds the lock.
///
/// # Errors
///
/// See [`BuildError`]; the latest snapshot stands then.
pub fn build<E: std::error::Error + 'static>(
    answers: impl Iterator<Item = Result<Answer, E>>,
    disk: &Disk,
    folder: &Path,
    layout: &Layout,
    origin: Origin,
) -> Result<Built, BuildError<E>> {
    let standing = snapshots::open(disk, folder)?;
    check(&standing, origin)?;
    let mut merged = Merged::default();
    for answer in answers {
        merged.add(flatten(&answer.map_err(BuildError::Answer)?));
    }

    let next = standing.highest + 1;
    let before = standing.latest.zip(standing.manifest.as_ref());
    let before = before.map(|(latest, manifest)| (snapshot_folder(folder, latest), manifest));
    let mut writer = SnapshotWriter::begin(disk, &snapshot_folder(folder, next), *layout, before.clone())?;
    write_tables(&merged, *layout, &mut writer)?;

    let mut built = Built {
        snapshot: standing.latest.unwrap_or(next),
        published: !writer.is_unchanged(),
        rows: rows(&writer),
        rejects_by_run: merged.rejects_by_run(),
        skipped_by_run: merged.skipped_by_run(),
        new_notes: Some(0),
        changed_notes: Some(0),
        damaged: [standing.damaged.as_slice(), writer.damaged()].concat(),
    };
    if built.published {
        built.snapshot = next;
        let manifest = writer.publish(next, origin, |manifest| card(manifest, &merged))?;
        let told = match (&before, standing.latest) {
            (Some((old, before)), _) => changes((old, before), (&snapshot_folder(folder, next), &manifest)),
            (None, None) => Some(Changes { new: built.rows.get("notes").copied().unwrap_or(0), changed: 0 }),
            (None, Some(_)) => None,
        };
        (built.new_notes, built.changed_notes) = told.map(|told| (told.new, told.changed)).unzip();
    }
    snapshots::point_to(disk, folder, built.snapshot)?;
    snapshots::prune(disk, folder, layout.keep_snapshots, built.snapshot)?;
    Ok(built)
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

fn write_tables(merged: &Merged, layout: Layout, writer: &mut SnapshotWriter) -> Result<(), WriteError> {
    let filed = merged.notes().map(|(id, note)| (note.filed_at(id), (id, note)));
    let notes = by_folder(PartitionedBy::Published, layout.partition, filed);
    // Rows of one folder at a time.
    writer.table(notes.iter().map(|(folder, notes)| (folder.clone(), note_rows(notes))))?;
    writer.table(notes.iter().map(|(folder, notes)| (folder.clone(), image_rows(notes))))?;
    writer.table(notes.iter().map(|(folder, notes)| (folder.clone(), hashtag_rows(notes))))?;
    writer.table(notes.iter().map(|(folder, notes)| (folder.clone(), mention_rows(notes))))?;
    writer.table([(String::new(), merged.author_rows())])?;
    writer.table([(String::new(), merged.author_tag_rows())])?;
    write_by_date(writer, layout, merged.hit_rows())?;
    write_by_date(writer, layout, merged.note_metric_rows())?;
    write_by_date(writer, layout, merged.author_metric_rows())?;
    write_by_date(writer, layout, merged.call_rows())?;
    write_by_date(writer, layout, merged.reject_rows())
}

fn write_by_date<R: Row>(
    writer: &mut SnapshotWriter,
    layout: Layout,
    rows: Vec<(Timestamp, R)>,
) -> Result<(), WriteError> {
    let dated = rows.into_iter().map(|(time, row)| (Some(time), row));
    writer.table(by_folder(PartitionedBy::ObservedDate, layout.partition, dated))
}

fn rows(writer: &SnapshotWriter) -> BTreeMap<&'static str, u64> {
    let tables = dictionary().into_iter();
    tables.map(|table| (table.name, writer.tables().get(table.name).map_or(0, |entry| entry.rows))).collect()
}
