//! Older snapshots that hold what newer ones leave out.

use std::path::Path;

use super::manifest::Manifest;
use super::snapshots::{self, snapshot_folder};
use crate::disk::DiskError;
use crate::flatten::tables::Outline;

/// Lists the snapshots whose tables hold columns that the outline drops, or users under other names than it has.
pub fn telling_more(dataset: &Path, outline: &Outline) -> Result<Vec<u64>, DiskError> {
    let tells_more = |number: &u64| {
        // What cannot be read is told by `verify`.
        let Ok(Manifest { outline: older, .. }) = Manifest::read(&snapshot_folder(dataset, *number)) else {
            return false;
        };
        let named = outline.pseudonyms.is_some() && older.pseudonyms != outline.pseudonyms;
        named || !outline.dropped.is_subset(&older.dropped)
    };
    Ok(snapshots::numbers(dataset)?.into_iter().filter(tells_more).collect())
}
