//! A `latest` that is not a link: what a copy, an archive or git made of it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::manifest::{self, Manifest};
use super::snapshots::{self, CARD, LINK, SNAPSHOTS, snapshot_folder};
use crate::disk::{Disk, DiskError, doing};
use crate::model::sha256_hex;

/// More of a file is not read: a link that became text is short.
const LONGEST_NAME: u64 = 64;
/// What file managers leave in folders.
const DROPPINGS: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// What stands at `latest` in place of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// A whole or partial copy of a snapshot that is there, and nothing else.
    Snapshot(u64),
    /// A file that holds the link's text, as git writes it on systems without links.
    Text(u64),
    /// Something that nobody else may have.
    Other,
}

/// Says why `latest` cannot be made a link again.
#[derive(Debug, thiserror::Error)]
pub enum LatestError {
    /// It may hold something that is nowhere else.
    #[error("`{}` is neither a link nor a mere copy of a snapshot", path.display())]
    Other {
        /// The file or folder.
        path: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Makes `latest` a link again, or removes it where there are no links, if it is a copy; returns the snapshot that it
/// was a copy of. Nothing is lost: the snapshot itself stands.
///
/// # Errors
///
/// It is something else, or the disk failed.
pub fn mend_latest(disk: &Disk, dataset: &Path) -> Result<Option<u64>, LatestError> {
    let path = dataset.join(LINK);
    let Some(copied) = copied(dataset)? else { return Ok(None) };
    let (number, is_folder) = match copied {
        Copied::Snapshot(number) => (number, true),
        Copied::Text(number) => (number, false),
        Copied::Other => return Err(LatestError::Other { path }),
    };
    let latest = snapshots::latest(dataset)?.map_or(number, |latest| latest.max(number));
    disk.remove_leftovers(dataset, |name| name == LINK)?;
    if is_folder {
        disk.remove_folder(&path)?;
    } else {
        disk.remove_file(&path)?;
    }
    snapshots::point_to(disk, dataset, latest)?;
    Ok(Some(number))
}

/// Finds out what `latest` is; none if it is a link or is not there.
pub(super) fn copied(dataset: &Path) -> Result<Option<Copied>, DiskError> {
    let path = dataset.join(LINK);
    let Ok(found) = path.symlink_metadata() else { return Ok(None) };
    if found.is_symlink() {
        return Ok(None);
    }
    let number = if found.is_dir() {
        copy_of(dataset, &path)?.map(Copied::Snapshot)
    } else if found.len() <= LONGEST_NAME {
        named(dataset, &doing("read", &path, fs::read(&path))?).map(Copied::Text)
    } else {
        None
    };
    Ok(Some(number.unwrap_or(Copied::Other)))
}

/// Returns the whole snapshot that a link's text names.
fn named(dataset: &Path, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim().replace('\\', "/");
    let number = text.strip_prefix(SNAPSHOTS)?.strip_prefix('/')?.parse().ok()?;
    snapshots::is_whole(dataset, number).then_some(number)
}

/// Returns the snapshot that a folder is a copy of, if each of its files is one of that snapshot, and stands there, too.
fn copy_of(dataset: &Path, copy: &Path) -> Result<Option<u64>, DiskError> {
    let Ok(manifest) = Manifest::read(copy) else { return Ok(None) };
    let original = snapshot_folder(dataset, manifest.snapshot);
    if !own_files_agree(copy, &original) {
        return Ok(None);
    }
    let droppings = |path: &PathBuf| DROPPINGS.iter().any(|name| path.file_name().is_some_and(|own| own == *name));
    if !snapshots::strangers(copy, &manifest)?.iter().all(droppings) {
        return Ok(None);
    }
    let mut seen = HashSet::new();
    for file in manifest.files().filter(|file| seen.insert(&file.path)) {
        let own = copy.join(&file.path);
        if !own.exists() {
            continue;
        }
        let stands = original.join(&file.path).metadata().is_ok_and(|found| found.len() == file.bytes);
        if !stands || sha256_hex(&doing("read", &own, fs::read(&own))?) != file.sha256 {
            return Ok(None);
        }
    }
    Ok(Some(manifest.snapshot))
}

/// Compares the manifest and the card, which no manifest names.
fn own_files_agree(copy: &Path, original: &Path) -> bool {
    let agrees = |name: &str| match (fs::read(copy.join(name)), fs::read(original.join(name))) {
        (Ok(own), Ok(its)) => own == its,
        (own, _) => own.is_err() && name == CARD,
    };
    agrees(manifest::FILE_NAME) && agrees(CARD)
}
