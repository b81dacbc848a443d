//! The archive re-read: every segment's size and checksum, then every answer in it. Nothing is changed.

use std::path::Path;

use super::reconcile::segments;
use super::{Answers, folder};
use crate::disk::{DiskError, doing};
use crate::model::{Inspection, sha256_hex};
use crate::state::{Sealed, StateFacts};
use crate::vendor::Page;

/// Re-reads every segment of a dataset, one at a time, against what the state says of them.
pub fn verify(dataset: &Path, facts: &StateFacts, found: &mut Inspection) -> Result<(), DiskError> {
    let folder = folder(dataset);
    let mut on_disk = segments(&folder)?;
    let (mut files, mut answers) = (0, 0);
    for sealed in facts.segments.iter().flatten() {
        let path = folder.join(&sealed.name);
        if on_disk.remove(&sealed.name).is_none() {
            found.damage(&path, "it is gone");
            continue;
        }
        files += 1;
        answers += segment(&path, Some(sealed), facts, found)?;
    }
    for (name, path) in &on_disk {
        if facts.dropped.contains(name) {
            found.note(path, "it was replaced; the next command removes it");
            continue;
        }
        files += 1;
        let before = found.damage.len();
        answers += segment(path, None, facts, found)?;
        if found.damage.len() == before && facts.segments.is_some() {
            found.note(path, "the state does not know it yet; the next command takes it in");
        }
    }
    found.read.extend([("segments", files), ("sealed answers", answers)]);
    Ok(())
}

/// Reads one segment; returns how many of its answers are whole.
fn segment(path: &Path, sealed: Option<&Sealed>, facts: &StateFacts, found: &mut Inspection) -> Result<u64, DiskError> {
    let bytes = doing("read the segment", path, std::fs::read(path))?;
    if let Some(sealed) = sealed {
        if bytes.len() as u64 != sealed.bytes {
            found.damage(path, format!("it has {} bytes, and {} were sealed", bytes.len(), sealed.bytes));
            return Ok(0);
        }
        if sha256_hex(&bytes) != sealed.sha256 {
            found.damage(path, "its checksum is not what the state says");
            return Ok(0);
        }
    }
    let answers = match Answers::of_bytes(path, bytes) {
        Ok(answers) => answers,
        Err(error) => {
            found.damage(path, error.reason());
            return Ok(0);
        }
    };
    if let (Some(origin), Some(wanted)) = (answers.origin(), &facts.origin)
        && origin != wanted
    {
        found.damage(path, format!("it holds {origin} answers, and the dataset {wanted} ones"));
    }
    let mut rows = 0;
    for row in answers {
        match row {
            Ok((answer, page)) => {
                rows += 1;
                if serde_json::from_str::<Page>(&page).is_err() {
                    found.damage(path, format!("what was read from the answer of {} is no page", answer.observed_at));
                }
                if sealed.is_some() && !facts.knows(&answer) {
                    found.damage(path, format!("the state does not know its answer of {}", answer.observed_at));
                }
            }
            Err(error) => {
                found.damage(path, error.reason());
                return Ok(rows);
            }
        }
    }
    if let Some(sealed) = sealed.filter(|sealed| sealed.rows != rows) {
        found.damage(path, format!("it holds {rows} answers, and {} were sealed", sealed.rows));
    }
    Ok(rows)
}
