//! Pins: snapshots that no build removes. `pins.json` lists their numbers.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::snapshots::{is_whole, kept};
use crate::disk::{Disk, DiskError, doing};

/// The list's name in a dataset.
pub(super) const FILE_NAME: &str = "pins.json";

/// Says why a snapshot cannot be pinned.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The list cannot be read.
    #[error("the list of pinned snapshots `{}` is damaged", path.display())]
    Damaged {
        /// The list.
        path: PathBuf,
        /// Where it ends to make sense.
        source: serde_json::Error,
    },
    /// No such snapshot stands.
    #[error("there is no snapshot {snapshot:06}")]
    Absent {
        /// What was asked for.
        snapshot: u64,
        /// Those that stand.
        kept: BTreeSet<u64>,
    },
}

/// Lists the snapshots that are pinned; one of them may have been removed by hand.
pub fn pinned(dataset: &Path) -> Result<BTreeSet<u64>, PinError> {
    let path = dataset.join(FILE_NAME);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        bytes => doing("read", &path, bytes)?,
    };
    serde_json::from_slice(&bytes).map_err(|source| PinError::Damaged { path, source })
}

/// Keeps a snapshot for good; tells whether it was not pinned before. The caller holds the dataset.
pub fn pin(disk: &Disk, dataset: &Path, snapshot: u64) -> Result<bool, PinError> {
    let mut pins = pinned(dataset)?;
    if !is_whole(dataset, snapshot) {
        return Err(PinError::Absent { snapshot, kept: kept(dataset)? });
    }
    let is_new = pins.insert(snapshot);
    if is_new {
        write(disk, dataset, &pins)?;
    }
    Ok(is_new)
}

/// Gives a snapshot back to `keep_snapshots`; tells whether it was pinned. The caller holds the dataset.
pub fn unpin(disk: &Disk, dataset: &Path, snapshot: u64) -> Result<bool, PinError> {
    let mut pins = pinned(dataset)?;
    let was_pinned = pins.remove(&snapshot);
    if was_pinned {
        write(disk, dataset, &pins)?;
    } else if !is_whole(dataset, snapshot) {
        return Err(PinError::Absent { snapshot, kept: kept(dataset)? });
    }
    Ok(was_pinned)
}

fn write(disk: &Disk, dataset: &Path, pins: &BTreeSet<u64>) -> Result<(), DiskError> {
    disk.remove_leftovers(dataset, |name| name == FILE_NAME)?;
    // Numbers always become JSON.
    let mut json = serde_json::to_vec(pins).unwrap_or_default();
    json.push(b'\n');
    disk.replace_file(&dataset.join(FILE_NAME), &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_snapshots(numbers: &[u64]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for number in numbers {
            let folder = super::super::snapshot_folder(home.path(), *number);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("manifest.json"), "{}").unwrap();
        }
        home
    }

    #[test]
    fn pins_are_kept_and_taken_back() {
        let home = with_snapshots(&[2, 3]);
        let (disk, folder) = (Disk::machine(), home.path());
        assert!(pinned(folder).unwrap().is_empty());
        assert!(pin(&disk, folder, 3).unwrap() && pin(&disk, folder, 2).unwrap());
        assert!(!pin(&disk, folder, 2).unwrap());
        assert_eq!(fs::read_to_string(folder.join("pins.json")).unwrap(), "[2,3]\n");
        assert!(unpin(&disk, folder, 3).unwrap() && !unpin(&disk, folder, 3).unwrap());
        assert_eq!(pinned(folder).unwrap(), BTreeSet::from([2]));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let home = with_snapshots(&[2, 3]);
        for asked in [pin, unpin] {
            let error = asked(&Disk::machine(), home.path(), 9).unwrap_err();
            assert!(matches!(error, PinError::Absent { snapshot: 9, kept } if kept == BTreeSet::from([2, 3])));
        }
        // One that was removed by hand can still be taken off the list.
        fs::write(home.path().join("pins.json"), "[9]").unwrap();
        assert!(unpin(&Disk::machine(), home.path(), 9).unwrap());
    }

    #[test]
    fn a_damaged_list_is_never_written_over() {
        let home = with_snapshots(&[2]);
        for text in ["", "[2", "{}", "[-1]", "[2.5]", "\"2\""] {
            fs::write(home.path().join("pins.json"), text).unwrap();
            for asked in [pin, unpin] {
                assert!(matches!(asked(&Disk::machine(), home.path(), 2), Err(PinError::Damaged { .. })), "{text}");
            }
            assert_eq!(fs::read_to_string(home.path().join("pins.json")).unwrap(), text);
        }
    }
}
