//! Replacing a segment: its answers changed, in a new file under a new name.
//!
//! ```text
//! one turn drops the new name ──▶ new file written, synced, renamed ──▶ one turn names it and drops the old name ──▶ old file removed
//! ```
//!
//! Of a dropped name no file is ever taken in, so that a kill anywhere leaves one of the two; the next command removes
//! the other.

use super::read::open;
use super::retained::folder_of;
use super::seal::{free_name, write};
use super::{ArchiveError, folder};
use crate::state::{Pending, Sealed, State, StateError, Turn};

/// How many answers are changed at once.
const AT_ONCE: usize = 64;

/// Writes a segment anew with its answers changed; tells how many were. Where none was, the segment stays.
///
/// `change` gets a few answers at a time, with what the crawl read from them, and returns how many it changed, or why it
/// cannot.
/// `turn` does what must become durable together with that; the state names the new segment by then. Where it
/// `tells_the_same`, builds need not learn it again.
///
/// # Errors
///
/// The segment cannot be read, or the disk or the state failed; one of the two segments is named all the same.
pub fn replace(
    state: &mut State,
    old: &Sealed,
    tells_the_same: bool,
    mut change: impl FnMut(&mut [Pending]) -> Result<u64, String>,
    turn: impl FnOnce(&Turn<'_>, &Sealed) -> Result<(), StateError>,
) -> Result<u64, ArchiveError> {
    let path = folder(state.folder()).join(&old.name);
    let (mut rows, mut changed) = (Vec::new(), 0);
    let mut answers = open(&path, &old.sha256, &[])?;
    loop {
        let some = answers
            .by_ref()
            .take(AT_ONCE)
            .map(|row| row.map(|(answer, page)| Pending { id: 0, answer, page, version: None }));
        let mut some = some.collect::<Result<Vec<_>, _>>()?;
        if some.is_empty() {
            break;
        }
        changed += change(&mut some).map_err(|reason| ArchiveError::damaged(&path, reason))?;
        rows.append(&mut some);
    }
    if changed == 0 {
        return Ok(0);
    }
    let run = old.name.rsplit_once('-').map_or("recovered", |(run, _)| run);
    let name = free_name(state, run)?;
    let intent = state.turn()?;
    intent.drop_segment(&name)?;
    intent.commit()?;
    let (new, holds) = write(state, name, &mut rows)?;
    let named = state.turn()?;
    named.replace_segment(old, &new, &holds, tells_the_same)?;
    turn(&named, &new)?;
    named.commit()?;
    state.disk().remove_file(&path)?;
    let observations = folder_of(&path);
    if observations.exists() {
        state.disk().remove_folder(&observations)?;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::archive::{answers, reconcile, seal};
    use crate::flatten::fixtures;
    use crate::model::{Answer, Call, NoteId};
    use crate::state::BodyPlace;

    fn filled(folder: &Path) -> State {
        let mut state = State::open(folder).unwrap();
        let turn = state.turn().unwrap();
        for number in 0..3 {
            let call = Call::NoteDetail { note_id: NoteId::parse(&format!("n{number}")).unwrap() };
            let sequence = turn.next_sequence(jiff::Timestamp::UNIX_EPOCH).unwrap();
            turn.add_recovered_run("r1", sequence).unwrap();
            let answer = Answer { sequence, ..fixtures::answer("justoneapi", call, "{}", number) };
            turn.keep(&answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
        }
        turn.commit().unwrap();
        seal(&mut state, "r1").unwrap();
        state
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder.join("archive")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn bodies(state: &mut State) -> Vec<bool> {
        answers(state).unwrap().map(|answer| answer.unwrap().body.is_some()).collect()
    }

    fn drop_second(state: &mut State) -> u64 {
        let old = state.turn().unwrap().segments().unwrap().remove(0);
        let drops =
            |row: &mut Pending| row.answer.call.key().contains("n1") && std::mem::take(&mut row.answer.body).is_some();
        let change = |rows: &mut [Pending]| Ok(rows.iter_mut().map(|row| u64::from(drops(row))).sum());
        replace(state, &old, false, change, |_, _| Ok(())).unwrap()
    }

    #[test]
    fn a_segment_is_replaced_under_a_new_name_and_its_old_name_never_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let old = std::fs::read(folder.path().join("archive/r1-1.parquet")).unwrap();
        assert_eq!((drop_second(&mut state), drop_second(&mut state)), (1, 0));
        assert_eq!(names(folder.path()), ["r1-2.parquet"]);
        assert_eq!(bodies(&mut state), [true, false, true]);
        // A kill before the removal, or an older copy that was put back.
        std::fs::write(folder.path().join("archive/r1-1.parquet"), old).unwrap();
        assert_eq!(reconcile(&mut state).unwrap(), 0);
        assert_eq!(names(folder.path()), ["r1-2.parquet"]);
        drop(state);
        let mut found = crate::model::Inspection::default();
        let facts = crate::state::hold(folder.path()).unwrap().inspect(&mut found).unwrap();
        crate::archive::verify(folder.path(), &facts, &mut found).unwrap();
        assert_eq!(found.damage, []);
    }

    #[test]
    fn a_kill_before_the_turn_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let old = state.turn().unwrap().segments().unwrap().remove(0);
        let killed = replace(
            &mut state,
            &old,
            false,
            |rows| Ok(rows.iter_mut().map(|row| u64::from(std::mem::take(&mut row.answer.body).is_some())).sum()),
            |_, _| Err(StateError::Record("killed".into())),
        );
        assert!(killed.is_err());
        assert_eq!(reconcile(&mut state).unwrap(), 0, "its answers are known");
        assert_eq!(names(folder.path()), ["r1-1.parquet"]);
        assert_eq!(bodies(&mut state), [true; 3]);
        assert_eq!(drop_second(&mut state), 1);
        assert_eq!(names(folder.path()), ["r1-3.parquet"]);
    }
}
