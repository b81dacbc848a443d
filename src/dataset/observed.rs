//! The cache of observations: `.cache/observations/SEGMENT/KIND-NNN.parquet`, one folder for each part of the answers.
//!
//! Any Parquet reader can use it. It may be deleted at any time; the next build extracts everything again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::parquet::{Encoded, Encoder};
use super::writer::WriteError;
use crate::disk::{Disk, DiskError, StagedFolder, doing};
use crate::flatten::READING;
use crate::flatten::tables::{Outline, Row};
use crate::model::sha256_hex;
use crate::observations::{
    OBSERVATIONS_VERSION, Observed, ObservedAuthorRow, ObservedCallRow, ObservedHitRow, ObservedNoteRow,
    ObservedRejectRow,
};

/// The folder of a dataset that holds the observations.
const FOLDER: &str = ".cache/observations";
/// The file that says how they were extracted.
const FINGERPRINT: &str = "fingerprint";

/// The observations of the parts of a dataset.
#[derive(Debug)]
pub(super) struct ObservationCache<'a> {
    disk: &'a Disk,
    folder: PathBuf,
    outline: &'a Outline,
    /// The folders that are complete.
    complete: BTreeSet<String>,
    open: Option<(String, PartWriter)>,
}

impl<'a> ObservationCache<'a> {
    /// Opens the cache. Observations that were extracted in another way, or from answers that are no more, are removed.
    pub(super) fn open(
        disk: &'a Disk,
        dataset: &Path,
        outline: &'a Outline,
        parts: &BTreeSet<String>,
        from_scratch: bool,
    ) -> Result<Self, DiskError> {
        let folder = dataset.join(FOLDER);
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
            disk.remove_leftovers(parent, |found| name == found)?;
        }
        // Names and paths always become JSON.
        let outline_json = serde_json::to_string(outline).unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION");
        let fingerprint =
            format!("notemill {version} observations {OBSERVATIONS_VERSION} reading {READING} {outline_json}\n");
        let is_same = fs::read_to_string(folder.join(FINGERPRINT)).is_ok_and(|found| found == fingerprint);
        if (from_scratch || !is_same) && folder.is_dir() {
            disk.remove_folder(&folder)?;
        }
        disk.make_folder(&folder)?;
        if from_scratch || !is_same {
            disk.replace_file(&folder.join(FINGERPRINT), fingerprint.as_bytes())?;
        }
        disk.remove_leftovers(&folder, |_| true)?;
        let wanted: BTreeSet<String> = parts.iter().map(|part| folder_name(part)).collect();
        let mut complete = BTreeSet::new();
        for entry in doing("list", &folder, fs::read_dir(&folder))? {
            let path = doing("list", &folder, entry)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && wanted.contains(&name) {
                complete.insert(name);
            } else if path.is_dir() {
                disk.remove_folder(&path)?;
            } else if name != FINGERPRINT {
                disk.remove_unsynced(&path)?;
            }
        }
        Ok(Self { disk, folder, outline, complete, open: None })
    }

    /// Returns true if the observations of a part are there.
    pub(super) fn has(&self, part: &str) -> bool {
        self.complete.contains(&folder_name(part))
    }

    /// Adds observations of a part. The observations of a part come in the order of its answers, part after part.
    pub(super) fn add(&mut self, part: &str, observed: Observed) -> Result<(), WriteError> {
        let name = folder_name(part);
        if self.complete.contains(&name) {
            return Ok(());
        }
        if self.open.as_ref().is_none_or(|(open, _)| *open != name) {
            self.finish_part()?;
            let staged = self.disk.stage(&self.folder.join(&name))?;
            self.open = Some((name, PartWriter::new(staged, self.outline)?));
        }
        match &mut self.open {
            Some((_, writer)) => writer.add(observed),
            None => Ok(()),
        }
    }

    fn finish_part(&mut self) -> Result<(), WriteError> {
        if let Some((name, writer)) = self.open.take() {
            writer.finish()?;
            self.complete.insert(name);
        }
        Ok(())
    }

    /// Completes the observations of all these parts; those that have no answers get files without rows.
    pub(super) fn finish<'p>(&mut self, parts: impl Iterator<Item = &'p str>) -> Result<(), WriteError> {
        for part in parts {
            if !self.has(part) {
                self.add(part, Observed::default())?;
            }
        }
        self.finish_part()
    }
}

/// Returns the name of the folder of a part: its id, if that can be the name of a folder.
fn folder_name(part: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if part.len() <= 100
        && part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && part.chars().all(is_plain)
        && part != FINGERPRINT
    {
        return part.to_owned();
    }
    sha256_hex(part.as_bytes())
}

/// The files of one part.
#[derive(Debug)]
struct PartWriter {
    staged: StagedFolder,
    notes: Kind<ObservedNoteRow>,
    authors: Kind<ObservedAuthorRow>,
    hits: Kind<ObservedHitRow>,
    calls: Kind<ObservedCallRow>,
    rejects: Kind<ObservedRejectRow>,
}

impl PartWriter {
    fn new(staged: StagedFolder, outline: &Outline) -> Result<Self, WriteError> {
        Ok(Self {
            staged,
            notes: Kind::new(outline)?,
            authors: Kind::new(outline)?,
            hits: Kind::new(outline)?,
            calls: Kind::new(outline)?,
            rejects: Kind::new(outline)?,
        })
    }

    fn add(&mut self, observed: Observed) -> Result<(), WriteError> {
        let Observed { notes, authors, hits, calls, rejects } = observed;
        self.notes.add(&mut self.staged, notes)?;
        self.authors.add(&mut self.staged, authors)?;
        self.hits.add(&mut self.staged, hits)?;
        self.calls.add(&mut self.staged, calls)?;
        self.rejects.add(&mut self.staged, rejects)
    }

    fn finish(mut self) -> Result<(), WriteError> {
        self.notes.finish(&mut self.staged)?;
        self.authors.finish(&mut self.staged)?;
        self.hits.finish(&mut self.staged)?;
        self.calls.finish(&mut self.staged)?;
        self.rejects.finish(&mut self.staged)?;
        Ok(self.staged.publish()?)
    }
}

/// The files of one kind of observation.
#[derive(Debug)]
struct Kind<R: Row> {
    encoder: Encoder<R>,
    files: usize,
}

impl<R: Row> Kind<R> {
    fn new(outline: &Outline) -> Result<Self, WriteError> {
        Ok(Self { encoder: Encoder::of_cache(outline)?, files: 0 })
    }

    fn add(&mut self, staged: &mut StagedFolder, rows: Vec<R>) -> Result<(), WriteError> {
        for row in rows {
            if let Some(full) = self.encoder.push(row)? {
                write::<R>(staged, self.files, &full)?;
                self.files += 1;
            }
        }
        Ok(())
    }

    /// Writes the last file; a kind without observations has one without rows.
    fn finish(self, staged: &mut StagedFolder) -> Result<(), WriteError> {
        let Self { encoder, files } = self;
        let last = if files == 0 { Some(encoder.end()?) } else { encoder.finish()? };
        last.map_or(Ok(()), |last| write::<R>(staged, files, &last))
    }
}

fn write<R: Row>(staged: &mut StagedFolder, number: usize, encoded: &Encoded) -> Result<(), WriteError> {
    Ok(staged.write(&format!("{}-{number:03}.parquet", R::TABLE), &encoded.bytes)?)
}
