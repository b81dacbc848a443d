//! What the state says of the archive, against what is on disk: only what was replaced is removed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::samples::Samples;
use super::{Answers, ArchiveError, folder, retained};
use crate::disk::{DiskError, doing};
use crate::model::{Answer, Call, Money, sha256_hex};
use crate::state::{BodyPlace, Holds, Marked, Sealed, Spend, State, Turn};
use crate::vendor::{NoteRef, Page};

/// Makes the state agree with the archive. Returns how many answers it did not know.
///
/// A segment that the state does not name is taken in: a kill came between its rename and its turn, or the state was
/// lost, or an older copy of it was put back. That copy may name a segment that another one has replaced since: it is
/// dropped if all of its answers stand in others. One that the state says was replaced is removed. Files of other names
/// are left alone.
///
/// # Errors
///
/// A segment that the state names is gone with its answers, or one that it does not name cannot be read.
pub fn reconcile(state: &mut State) -> Result<u64, ArchiveError> {
    let folder = folder(state.folder());
    state.disk().remove_leftovers(&folder, |name| name.ends_with(".parquet"))?;
    let mut on_disk = segments(&folder)?;
    let mut gone = BTreeSet::new();
    for sealed in state.turn()?.segments()? {
        let Some(path) = on_disk.remove(&sealed.name) else {
            gone.insert(sealed.name);
            continue;
        };
        // Reading it all would take long before every run; that it is cut is seen at once.
        let bytes = doing("look at", &path, fs::metadata(&path))?.len();
        if bytes != sealed.bytes {
            let reason = format!("it has {bytes} bytes, and {} were sealed", sealed.bytes);
            return Err(ArchiveError::damaged(&path, reason));
        }
    }
    let dropped = state.turn()?.dropped_segments()?;
    let mut learnt = 0;
    for (name, path) in on_disk {
        if dropped.contains(&name) {
            // A kill came between the turn that replaced it and its removal.
            state.disk().remove_file(&path)?;
            continue;
        }
        learnt += take_in(state, &name, &path, &gone)?;
    }
    for name in gone {
        let turn = state.turn()?;
        if !turn.answers_of(Some(&name))?.is_empty() {
            return Err(ArchiveError::damaged(&folder.join(name), "it is gone"));
        }
        turn.forget_segment(&name)?;
        turn.commit()?;
    }
    let turn = state.turn()?;
    if turn.raise_spent()? {
        turn.commit()?;
    } else {
        drop(turn);
    }
    remove_strays(state, &folder)?;
    Ok(learnt)
}

/// Removes the observations of segments that are no more; a segment that has lost its own is damaged.
fn remove_strays(state: &mut State, folder: &Path) -> Result<(), ArchiveError> {
    let observations = folder.join(retained::FOLDER);
    state.disk().remove_leftovers(&observations, |_| true)?;
    let turn = state.turn()?;
    let named: BTreeSet<PathBuf> =
        turn.segments()?.iter().map(|sealed| retained::folder_of(&folder.join(&sealed.name))).collect();
    for sealed in turn.segments_with_observations()? {
        let path = folder.join(sealed.name);
        if !retained::folder_of(&path).is_dir() {
            // Earlier versions had them in the segment itself; one that has them beside it cannot be opened.
            Answers::of_bytes(&path, doing("read the segment", &path, fs::read(&path))?)?;
        }
    }
    drop(turn);
    let found = match fs::read_dir(&observations) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => doing("list", &observations, found)?,
    };
    for entry in found {
        let path = doing("list", &observations, entry)?.path();
        if path.is_dir() && !named.contains(&path) {
            state.disk().remove_folder(&path)?;
        }
    }
    Ok(())
}

/// Takes a segment into the state in one turn, so that a kill leaves all of it or nothing to do again. It may hold answers
/// of segments that are gone.
fn take_in(state: &mut State, name: &str, path: &Path, gone: &BTreeSet<String>) -> Result<u64, ArchiveError> {
    let bytes = doing("read the segment", path, fs::read(path))?;
    let (size, sha256) = (bytes.len() as u64, sha256_hex(&bytes));
    let answers = Answers::of_bytes(path, bytes)?;
    if let Some(origin) = answers.origin() {
        state.claim_origin(origin)?;
    }
    let turn = state.turn()?;
    let spent = answers.spent();
    let (mut rows, mut learnt, mut holds, mut samples) = (0, 0, Holds::default(), Samples::default());
    for row in answers {
        let (answer, page) = row?;
        holds.add(&answer);
        if !gone.is_empty() {
            turn.move_answer(&answer, gone, name)?;
        }
        match turn.mark_sealed(&answer, name)? {
            Marked::Waited { version } => version.iter().for_each(|version| samples.offer(&answer, version)),
            Marked::Sealed => {}
            Marked::Unknown => {
                turn.add_recovered_run(&answer.run_id, answer.sequence)?;
                turn.keep(&answer, &page, None, BodyPlace::Sealed { segment: name })?;
                let page = serde_json::from_str(&page).map_err(|error| ArchiveError::damaged(path, error))?;
                learn(&turn, &answer, &page)?;
                learnt += 1;
            }
        }
        rows += 1;
    }
    if let Some(spent) = spent.filter(|_| learnt > 0) {
        turn.note_spent(spent)?;
    }
    samples.keep(&turn)?;
    turn.add_segment(&Sealed { name: name.to_owned(), rows, bytes: size, sha256 }, &holds)?;
    turn.commit()?;
    Ok(learnt)
}

/// Learns what a refresh and the caps must know of an answer.
fn learn(turn: &Turn<'_>, answer: &Answer, page: &Page) -> Result<(), ArchiveError> {
    // Each time that it was sent may have been billed, except the last if that is known to be free.
    let calls = u64::from(answer.attempts).saturating_sub(u64::from(!answer.billed.counts()));
    turn.count_recovered(&answer.run_id, Spend { calls, cost: answer.cost }, answer.observed_at)?;
    match &answer.call {
        Call::NoteDetail { note_id } if answer.outcome.is_fact() => {
            turn.detail_fetched(note_id, answer.outcome, answer.moment())?;
        }
        Call::NoteDetail { note_id } if answer.billed.counts() || answer.cost > Money::ZERO => {
            turn.detail_failed(note_id, answer.moment())?;
        }
        Call::SearchNotes { .. } | Call::UserNotes { .. } => {
            let admitted = answer.admitted.as_ref().map(|own| own.iter().collect::<HashSet<_>>());
            let is_admitted = |note: &&NoteRef| admitted.as_ref().is_none_or(|own| own.contains(&note.position));
            for note in page.notes.iter().filter(is_admitted) {
                turn.note_listed(&note.id, answer.call.endpoint(), &note.counts, &answer.run_id)?;
                turn.note_seen(&note.id, &answer.run_id, Some(answer.sequence))?;
            }
        }
        Call::NoteDetail { .. } | Call::UserProfile { .. } => {}
    }
    Ok(())
}

/// Lists the files that have a segment's name.
pub(super) fn segments(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DiskError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => doing("list", folder, entries)?,
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = doing("list", folder, entry)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let number = name.strip_suffix(".parquet").and_then(|name| name.rsplit_once('-')).map(|(_, number)| number);
        if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
            found.insert(name, path);
        }
    }
    Ok(found)
}
