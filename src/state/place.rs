//! What is at the place of a dataset and of its files, checked before anything is made or sent.

use std::fs;
use std::io;
use std::path::Path;

use super::{FILE, StateError, lock, wal};

/// Files of a dataset besides its state's.
const OTHERS: [&str; 2] = ["latest.json", "forgotten.json"];

/// Checks that a folder can be a dataset: it is one or can be made, and no file of it is a folder.
pub(super) fn check(folder: &Path) -> Result<(), StateError> {
    for path in folder.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        match path.metadata() {
            Ok(found) if found.is_dir() => break,
            Ok(_) => return Err(StateError::NotAFolder { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Ok(to) = fs::read_link(path) {
                    return Err(StateError::LinkToNothing { path: path.to_owned(), to });
                }
            }
            // What cannot be looked at is reported when it is opened.
            Err(_) => {}
        }
    }
    check_state(folder)?;
    OTHERS.iter().try_for_each(|name| no_folder(&folder.join(name)))
}

/// Checks that no file of a state is a folder.
pub(super) fn check_state(folder: &Path) -> Result<(), StateError> {
    let file = folder.join(FILE);
    no_folder(&folder.join(lock::FILE))?;
    ["", ".sha256", "-wal", "-shm"].iter().try_for_each(|ending| no_folder(&wal::beside(&file, ending)))
}

fn no_folder(path: &Path) -> Result<(), StateError> {
    if path.is_dir() { Err(StateError::NotAFile { path: path.to_owned() }) } else { Ok(()) }
}
