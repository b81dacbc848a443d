//! Raw answers that expire: their observations are retained in the place of their bodies.

use std::fmt::Display;

use jiff::Timestamp;

use super::read::open;
use super::replace::replace;
use super::retained::folder_of;
use super::{ArchiveError, folder};
use crate::model::{Answer, Body, Retained};
use crate::state::{Holds, Pending, State};

/// Puts observations in the place of the bodies of all sealed answers up to a moment. Returns how many there were.
///
/// `retain` returns what is retained of each answer; with `hides` it also gives pseudonyms to what is retained under the users'
/// own ids. The tables stay what they are, and after a kill each answer has its body or its observations.
///
/// # Errors
///
/// A segment cannot be read, or the disk or the state failed; the next command goes on.
pub fn expire<E: Display>(
    state: &mut State,
    until: Timestamp,
    hides: bool,
    retain: impl Fn(&[&Answer]) -> Result<Vec<Retained>, E>,
) -> Result<u64, ArchiveError> {
    let mut expired = 0;
    let due = state.turn()?.segments_to_expire(until, hides)?;
    for sealed in due {
        let goes = |answer: &Answer| match &answer.body {
            // A call without an answer has observations, too: itself.
            Some(Body::Raw(_)) | None => answer.observed_at <= until,
            Some(Body::Retained(retained)) => hides && retained.pseudonyms.is_none(),
            Some(Body::Told { .. }) => false,
        };
        let change = |rows: &mut [Pending]| {
            let mut due: Vec<&mut Answer> =
                rows.iter_mut().map(|row| &mut row.answer).filter(|answer| goes(answer)).collect();
            if due.is_empty() {
                return Ok(0);
            }
            let retained = retain(&due.iter().map(|answer| &**answer).collect::<Vec<_>>());
            let retained = retained.map_err(|error| error.to_string())?;
            for (answer, retained) in due.iter_mut().zip(retained) {
                expired += u64::from(answer.body.is_some());
                answer.body = Some(Body::Retained(retained));
            }
            Ok(due.len() as u64)
        };
        let changed = replace(state, &sealed, true, change, |_, _| Ok(()))?;
        if changed == 0 {
            // An older version could not tell; it need not be looked at again.
            let mut holds = Holds::default();
            for row in open(&folder(state.folder()).join(&sealed.name), &sealed.sha256, &[])? {
                holds.add(&row?.0);
            }
            let turn = state.turn()?;
            turn.set_holds(&sealed.name, &holds)?;
            turn.commit()?;
        }
    }
    Ok(expired)
}

/// Converts what earlier versions kept as JSON in the place of bodies, once. What cannot be read stays.
///
/// # Errors
///
/// As for [`expire`].
pub fn convert<E>(state: &mut State, retain: impl Fn(&Answer) -> Result<Retained, E>) -> Result<(), ArchiveError> {
    let folder = folder(state.folder());
    let segments = state.turn()?.segments_with_observations()?;
    for sealed in segments {
        if folder_of(&folder.join(&sealed.name)).is_dir() {
            continue;
        }
        let change = |rows: &mut [Pending]| {
            let mut converted = 0;
            for answer in rows.iter_mut().map(|row| &mut row.answer) {
                let is_told = matches!(answer.body, Some(Body::Told { .. }));
                if let Some(retained) = if is_told { retain(answer).ok() } else { None } {
                    answer.body = Some(Body::Retained(retained));
                    converted += 1;
                }
            }
            Ok(converted)
        };
        replace(state, &sealed, true, change, |_, _| Ok(()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::archive::{answers, reconcile, seal, segments};
    use crate::flatten::{Recipe, fixtures};
    use crate::model::{Call, NoteId};
    use crate::observations::{RetainError, retain, retain_all};
    use crate::state::{BodyPlace, Clock, StateError};

    const KEY: &str = "0123";

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A dataset with two segments: answers of the seconds 0 to 2, and of 3 to 5.
    fn filled(folder: &Path) -> State {
        let mut state = State::open(folder).unwrap().with_clock(Clock::standing(moment(9)));
        for second in 0..6 {
            let call = Call::NoteDetail { note_id: NoteId::parse(&format!("n{second}")).unwrap() };
            let turn = state.turn().unwrap();
            let sequence = turn.next_sequence(moment(second)).unwrap();
            turn.add_recovered_run("r1", sequence).unwrap();
            let answer = Answer {
                sequence,
                observed_at: moment(second),
                ..fixtures::answer("justoneapi", call, "{\"code\":0}", 0)
            };
            turn.keep(&answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
            turn.commit().unwrap();
            if second % 3 == 2 {
                seal(&mut state, "r1").unwrap();
            }
        }
        state
    }

    fn retained(key: Option<&str>, answers: &[&Answer]) -> Result<Vec<Retained>, RetainError> {
        let mut all = retain_all(&Recipe::default(), answers)?;
        for retained in &mut all {
            retained.pseudonyms = key.map(str::to_owned);
        }
        Ok(all)
    }

    /// What each answer is: raw, retained, retained under a key, or JSON of an earlier version.
    fn bodies(state: &mut State) -> String {
        let kind = |answer: Answer| match answer.body.unwrap() {
            Body::Raw(_) => 'r',
            Body::Retained(Retained { pseudonyms: None, .. }) => 't',
            Body::Retained(_) => 'k',
            Body::Told { .. } => 'j',
        };
        let mut all: Vec<Answer> = answers(state).unwrap().map(Result::unwrap).collect();
        all.sort_by_key(|answer| answer.sequence);
        all.into_iter().map(kind).collect()
    }

    fn ids(state: &mut State) -> Vec<String> {
        let mut ids: Vec<_> = segments(state).unwrap().iter().map(|segment| segment.id().to_owned()).collect();
        ids.sort();
        ids
    }

    #[test]
    fn answers_up_to_a_moment_expire_and_builds_know_their_segments_still() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let known = ids(&mut state);
        let plain = |state: &mut State, second| {
            expire(state, moment(second), false, |answers| retained(None, answers)).unwrap()
        };
        for (second, count, expected) in [
            (-1, 0, "rrrrrr"),
            (3, 4, "ttttrr"),
            (3, 0, "ttttrr"),
            (4, 1, "tttttr"),
            (99, 1, "tttttt"),
            (99, 0, "tttttt"),
        ] {
            assert_eq!((plain(&mut state, second), bodies(&mut state).as_str()), (count, expected), "{second}");
            assert_eq!(ids(&mut state), known);
        }
        assert!(state.turn().unwrap().told_keys().unwrap().is_empty());
        // What is retained under the users' own ids gets pseudonyms as soon as there is a key for them, at any age.
        assert_eq!(expire(&mut state, moment(-1), true, |answers| retained(Some(KEY), answers)).unwrap(), 6);
        assert_eq!(bodies(&mut state), "kkkkkk");
        assert_eq!(
            expire(&mut state, moment(99), true, |_| -> Result<Vec<Retained>, RetainError> { unreachable!() }).unwrap(),
            0
        );
        assert_eq!(state.turn().unwrap().told_keys().unwrap(), [KEY.to_owned()].into());
        assert_eq!(ids(&mut state), known);
    }

    #[test]
    fn a_lost_state_learns_what_is_retained_and_what_is_raw() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        expire(&mut state, moment(3), true, |answers| retained(Some(KEY), answers)).unwrap();
        drop(state);
        for name in ["state.sqlite", "state.sqlite-wal", "state.sqlite.sha256"] {
            let _ = std::fs::remove_file(folder.path().join(name));
        }
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!(reconcile(&mut state).unwrap(), 6);
        assert_eq!(bodies(&mut state), "kkkkrr");
        let turn = state.turn().unwrap();
        assert_eq!(turn.told_keys().unwrap(), [KEY.to_owned()].into());
        assert_eq!(turn.segments_to_expire(moment(3), false).unwrap().len(), 0, "nothing of them is raw");
        assert_eq!(turn.segments_to_expire(moment(4), false).unwrap().len(), 1);
        drop(turn);
        let mut found = crate::model::Inspection::default();
        drop(state);
        let facts = crate::state::hold(folder.path()).unwrap().inspect(&mut found).unwrap();
        crate::archive::verify(folder.path(), &facts, &mut found).unwrap();
        assert_eq!(found.damage, []);
    }

    #[test]
    fn an_older_copy_of_the_state_finds_its_answers_in_the_segments_that_came_after() {
        let folder = tempfile::tempdir().unwrap();
        let copies = ["state.sqlite", "state.sqlite.sha256"]
            .map(|name| (folder.path().join(name), folder.path().join(format!("{name}.bak"))));
        drop(filled(folder.path()));
        for (file, copy) in &copies {
            std::fs::copy(file, copy).unwrap();
        }
        let mut state = State::open(folder.path()).unwrap();
        expire(&mut state, moment(3), false, |answers| retained(None, answers)).unwrap();
        drop(state);
        for (file, copy) in &copies {
            std::fs::copy(copy, file).unwrap();
        }
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!((reconcile(&mut state).unwrap(), reconcile(&mut state).unwrap()), (0, 0));
        assert_eq!(bodies(&mut state), "ttttrr");
        let names: Vec<_> = state.turn().unwrap().segments().unwrap().into_iter().map(|sealed| sealed.name).collect();
        assert_eq!(names, ["r1-3.parquet", "r1-4.parquet"]);
        assert_eq!(expire(&mut state, moment(99), false, |answers| retained(None, answers)).unwrap(), 2);
        // What is gone without another that holds its answers is damage.
        let last = state.turn().unwrap().segments().unwrap().pop().unwrap();
        std::fs::remove_file(folder.path().join("archive").join(last.name)).unwrap();
        assert!(matches!(reconcile(&mut state), Err(ArchiveError::Damaged { .. })));
    }

    #[test]
    fn what_is_retained_waits_in_the_state_as_it_is_and_can_be_sealed_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        expire(&mut state, moment(99), true, |answers| retained(Some(KEY), answers)).unwrap();
        let sealed = answers(&mut state).unwrap().next().unwrap().unwrap();
        let turn = state.turn().unwrap();
        let known = turn.latest_fact(&sealed.call.key()).unwrap().unwrap();
        turn.admit_more(known.id, Some(&[0, 7]), sealed.body.clone()).unwrap();
        let waiting = turn.unsealed(1000).unwrap().remove(0).answer;
        assert_eq!(waiting, Answer { admitted: Some(vec![0, 7]), ..sealed });
        assert!((1000..20_000).contains(&turn.unsealed_bytes().unwrap()), "schemas take the most");
        turn.commit().unwrap();
        assert_eq!(seal(&mut state, "r2").unwrap(), 1);
        assert_eq!(bodies(&mut state), "kkkkkkk");
    }

    #[test]
    fn what_an_earlier_version_told_is_converted_once_and_what_cannot_be_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let read = "{\"reading\":3,\"body_bytes\":9,\"skipped\":1,\"notes\":[],\"authors\":[],\"rejects\":[]}";
        for (second, key, json) in [(0, None, read), (1, Some(KEY.to_owned()), read), (2, None, "{}")] {
            let call = Call::NoteDetail { note_id: NoteId::parse(&format!("n{second}")).unwrap() };
            let body = Some(Body::Told { key, json: json.to_owned() });
            let turn = state.turn().unwrap();
            let sequence = turn.next_sequence(moment(second)).unwrap();
            turn.add_recovered_run("r1", sequence).unwrap();
            let answer = Answer { sequence, body, ..fixtures::answer("justoneapi", call, "", second) };
            turn.keep(&answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
            turn.commit().unwrap();
        }
        seal(&mut state, "r1").unwrap();
        assert_eq!(bodies(&mut state), "jjj");
        let (known, keys) = (ids(&mut state), state.turn().unwrap().told_keys().unwrap());
        for _ in 0..2 {
            convert(&mut state, |answer| retain(&Recipe::default(), answer)).unwrap();
            assert_eq!((reconcile(&mut state).unwrap(), bodies(&mut state).as_str()), (0, "tkj"));
            assert_eq!((ids(&mut state), state.turn().unwrap().told_keys().unwrap()), (known.clone(), keys.clone()));
            let names: Vec<_> =
                state.turn().unwrap().segments().unwrap().into_iter().map(|sealed| sealed.name).collect();
            assert_eq!(names, ["r1-2.parquet"]);
        }
        let flat =
            answers(&mut state).unwrap().map(|answer| crate::observations::read(&Recipe::default(), &answer.unwrap()));
        assert_eq!(flat.map(|flat| (flat.skipped, flat.rejects.len())).collect::<Vec<_>>(), [(1, 0), (1, 0), (0, 1)]);
    }

    #[test]
    fn lost_or_damaged_observations_are_damage_and_strays_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        expire(&mut state, moment(99), false, |answers| retained(None, answers)).unwrap();
        let observations = folder.path().join("archive/observations");
        let file = observations.join("r1-3/observed_calls.parquet");
        let whole = std::fs::read(&file).unwrap();
        let other = std::fs::read(observations.join("r1-4/observed_calls.parquet")).unwrap();
        for damage in [None, Some(&other[..]), Some(&whole[1..]), Some(b"")] {
            match damage {
                None => std::fs::remove_file(&file).unwrap(),
                Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            }
            assert!(answers(&mut state).unwrap().any(|answer| answer.is_err()), "{damage:?}");
            let mut found = crate::model::Inspection::default();
            drop(state);
            let facts = crate::state::hold(folder.path()).unwrap().inspect(&mut found).unwrap();
            crate::archive::verify(folder.path(), &facts, &mut found).unwrap();
            assert_eq!(found.damage.len(), 1, "{:?}", found.damage);
            state = State::open(folder.path()).unwrap();
        }
        std::fs::write(&file, whole).unwrap();
        // A kill before a segment was named, or after one was replaced.
        std::fs::create_dir(observations.join("r1-9")).unwrap();
        std::fs::create_dir(observations.join(".tmp-r1-9")).unwrap();
        std::fs::rename(observations.join("r1-4"), folder.path().join("elsewhere")).unwrap();
        assert!(matches!(reconcile(&mut state), Err(ArchiveError::Damaged { .. })), "it has lost its own");
        std::fs::rename(folder.path().join("elsewhere"), observations.join("r1-4")).unwrap();
        assert_eq!(reconcile(&mut state).unwrap(), 0);
        let mut left: Vec<_> =
            std::fs::read_dir(&observations).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["r1-3", "r1-4"]);
        assert_eq!(bodies(&mut state), "tttttt");
    }

    #[test]
    fn a_segment_without_bodies_is_looked_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        expire(&mut state, moment(99), false, |answers| retained(None, answers)).unwrap();
        // As an older version would have left it.
        let old = state.turn().unwrap().segments().unwrap().remove(0);
        let turn = state.turn().unwrap();
        turn.set_holds(&old.name, &Holds { raw_since: Some(moment(0)), ..Holds::default() }).unwrap();
        turn.commit().unwrap();
        assert_eq!(
            expire(&mut state, moment(99), false, |_| -> Result<Vec<Retained>, RetainError> { unreachable!() })
                .unwrap(),
            0
        );
        assert_eq!(state.turn().unwrap().segments_to_expire(moment(99), false).unwrap(), []);
    }

    #[test]
    fn a_kill_between_two_segments_leaves_each_answer_raw_or_retained() -> Result<(), StateError> {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let segment = folder.path().join("archive/r1-2.parquet");
        let whole = std::fs::read(&segment).unwrap();
        std::fs::remove_file(&segment).unwrap();
        assert!(expire(&mut state, moment(99), false, |answers| retained(None, answers)).is_err());
        std::fs::write(&segment, whole).unwrap();
        assert_eq!(bodies(&mut state), "tttrrr");
        assert_eq!(expire(&mut state, moment(99), false, |answers| retained(None, answers)).unwrap(), 3);
        assert_eq!(state.turn()?.segments()?.len(), 2);
        Ok(())
    }
}
