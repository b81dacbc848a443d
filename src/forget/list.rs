//! `forgotten.json`: what is forgotten, at the dataset's root.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::ForgetError;
use crate::disk::{Disk, DiskError, doing};
use crate::model::Forgotten;

/// The file's name in a dataset.
pub(super) const FILE: &str = "forgotten.json";

/// Reads what is forgotten in a dataset; none where nothing ever was.
///
/// # Errors
///
/// The file cannot be read: nothing may be asked then, for it might be what is forgotten.
pub fn read(dataset: &Path) -> Result<Option<Forgotten>, ForgetError> {
    let path = file(dataset);
    let bytes = match fs::read(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        bytes => doing("read", &path, bytes)?,
    };
    Forgotten::parse(&bytes).map(Some).map_err(|source| ForgetError::List { path, source })
}

/// Writes down what is forgotten.
pub(crate) fn write(disk: &Disk, dataset: &Path, forgotten: &Forgotten) -> Result<(), DiskError> {
    disk.replace_file(&file(dataset), &forgotten.to_json())
}

fn file(dataset: &Path) -> PathBuf {
    dataset.join(FILE)
}
