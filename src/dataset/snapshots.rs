//! Snapshots: numbered, immutable, one of them the latest; old ones are removed.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::manifest::{self, Manifest, ManifestError};
use super::pins::{self, pinned};
use crate::disk::{Disk, DiskError, doing};

/// The dataset card inside a snapshot.
pub(super) const CARD: &str = "README.md";
pub(super) const SNAPSHOTS: &str = "snapshots";
pub(super) const LINK: &str = "latest";
pub(super) const POINTER: &str = "latest.json";

/// What stands in a dataset's folder before a build.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The latest snapshot.
    pub(super) latest: Option<u64>,
    /// The highest number there is; 0 where there is none.
    pub(super) highest: u64,
    /// Its manifest; none where it cannot be read.
    pub(super) manifest: Option<Manifest>,
    /// The newest manifest that can be read; it tells the dataset's origin.
    pub(super) witness: Option<Manifest>,
    /// Manifests that cannot be read.
    pub(super) damaged: Vec<PathBuf>,
}

/// Returns the folder of a snapshot.
pub fn snapshot_folder(dataset: &Path, snapshot: u64) -> PathBuf {
    dataset.join(relative(snapshot))
}

/// Finds the number of the latest snapshot: what the link or `latest.json` names, else the highest.
pub fn latest(dataset: &Path) -> Result<Option<u64>, DiskError> {
    let named = pointed(dataset);
    let highest = || Ok(numbers(dataset)?.into_iter().rev().find(|number| is_whole(dataset, *number)));
    named.map_or_else(highest, |number| Ok(Some(number)))
}

/// Removes what a killed command left, and looks at what stands.
pub(super) fn open(disk: &Disk, dataset: &Path) -> Result<Standing, DiskError> {
    disk.make_folder(&dataset.join(SNAPSHOTS))?;
    disk.remove_leftovers(&dataset.join(SNAPSHOTS), |_| true)?;
    disk.remove_leftovers(dataset, |name| name == LINK || name == POINTER || name == pins::FILE_NAME)?;
    let highest = || Ok::<_, DiskError>(numbers(dataset)?.last().copied().unwrap_or(0));
    let Some(latest) = latest(dataset)? else { return Ok(Standing { highest: highest()?, ..Standing::default() }) };
    // A snapshot that was put into place, but never became the latest, was seen by nobody.
    if let (Some(_), Ok(pins)) = (pointed(dataset), pinned(dataset)) {
        for number in numbers(dataset)?.into_iter().filter(|number| *number > latest && !pins.contains(number)) {
            disk.remove_folder(&snapshot_folder(dataset, number))?;
        }
    }
    let mut standing = Standing { latest: Some(latest), highest: highest()?, ..Standing::default() };
    for number in numbers(dataset)?.into_iter().rev().filter(|number| *number <= latest) {
        match Manifest::read(&snapshot_folder(dataset, number)) {
            Ok(manifest) => {
                standing.manifest = (number == latest).then(|| manifest.clone());
                standing.witness = Some(manifest);
                break;
            }
            Err(ManifestError::Damaged { .. } | ManifestError::Disk(_)) => {
                standing.damaged.push(snapshot_folder(dataset, number).join(manifest::FILE_NAME));
            }
        }
    }
    Ok(standing)
}

/// Finds what stands in a snapshot's folder and is not named by its manifest, less the snapshot's own files.
pub(super) fn strangers(folder: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, DiskError> {
    let named: HashSet<PathBuf> = manifest.files().map(|file| folder.join(&file.path)).collect();
    let own = [manifest::FILE_NAME, CARD].map(|name| folder.join(name));
    let (mut strangers, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in doing("list", &folder, fs::read_dir(&folder))? {
            let path = doing("list", &folder, entry)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !named.contains(&path) && !own.contains(&path) {
                strangers.push(path);
            }
        }
    }
    strangers.sort();
    Ok(strangers)
}

/// Makes a snapshot the latest: the link in one step, then the file that says the same. On a file system without links, the
/// file alone says it, and that there is no link.
pub(super) fn point_to(disk: &Disk, dataset: &Path, snapshot: u64) -> Result<(), DiskError> {
    let target = relative(snapshot);
    let link = dataset.join(LINK);
    let linked = fs::read_link(&link).ok();
    let has_link = linked.as_deref() == Some(&target) || disk.replace_link(&link, &target)?;
    if !has_link && linked.is_some() {
        // One that was copied here, and can be moved no more: readers would see an older snapshot for ever.
        disk.remove_file(&link)?;
    }
    let pointer = dataset.join(POINTER);
    let mut told = json!({"snapshot": snapshot, "path": format!("{SNAPSHOTS}/{snapshot:06}")});
    if !has_link {
        told["link"] = false.into();
    }
    let text = format!("{told:#}\n");
    if fs::read(&pointer).ok().as_deref() != Some(text.as_bytes()) {
        disk.replace_file(&pointer, text.as_bytes())?;
    }
    Ok(())
}

/// Removes all but the newest `keep` snapshots; never the latest, never a pinned one.
pub(super) fn prune(disk: &Disk, dataset: &Path, keep: u32, latest: u64) -> Result<(), DiskError> {
    let Ok(pins) = pinned(dataset) else { return Ok(()) };
    let old = numbers(dataset)?.into_iter().rev().skip(keep.max(1) as usize);
    for number in old.filter(|number| *number != latest && !pins.contains(number)) {
        disk.remove_folder(&snapshot_folder(dataset, number))?;
    }
    Ok(())
}

fn relative(snapshot: u64) -> PathBuf {
    Path::new(SNAPSHOTS).join(format!("{snapshot:06}"))
}

/// Returns the snapshot that the link or the file names; the later of the two, for the link is swapped first.
fn pointed(dataset: &Path) -> Option<u64> {
    let named = [linked(dataset), told(dataset)].into_iter().flatten();
    named.filter(|number| is_whole(dataset, *number)).max()
}

/// Returns the number that the link names.
pub(super) fn linked(dataset: &Path) -> Option<u64> {
    fs::read_link(dataset.join(LINK)).ok()?.file_name()?.to_str()?.parse().ok()
}

/// Returns the number that `latest.json` names.
pub(super) fn told(dataset: &Path) -> Option<u64> {
    pointer(dataset)?.get("snapshot")?.as_u64()
}

/// Returns true if `latest.json` says that the file system has no links.
pub(super) fn has_no_link(dataset: &Path) -> bool {
    pointer(dataset).is_some_and(|told| told.get("link") == Some(&Value::Bool(false)))
}

fn pointer(dataset: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(dataset.join(POINTER)).ok()?).ok()
}

pub(super) fn is_whole(dataset: &Path, number: u64) -> bool {
    snapshot_folder(dataset, number).join(manifest::FILE_NAME).is_file()
}

pub(super) fn numbers(dataset: &Path) -> Result<BTreeSet<u64>, DiskError> {
    let folder = dataset.join(SNAPSHOTS);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => doing("list", &folder, entries)?,
    };
    let mut numbers = BTreeSet::new();
    for entry in entries {
        let name = doing("list", &folder, entry)?.file_name();
        numbers.extend(name.to_str().filter(|name| name.len() >= 6).and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// Lists the snapshots that stand.
pub fn kept(dataset: &Path) -> Result<BTreeSet<u64>, DiskError> {
    Ok(numbers(dataset)?.into_iter().filter(|number| is_whole(dataset, *number)).collect())
}
