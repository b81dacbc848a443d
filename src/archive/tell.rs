//! Raw answers that go: what they told stands in their place.

use std::fmt::Display;

use jiff::Timestamp;

use super::read::open;
use super::replace::replace;
use super::{ArchiveError, folder};
use crate::model::{Answer, Body};
use crate::state::{Holds, State};

/// Puts what answers told in the place of their bodies, in all sealed answers up to a moment. Returns how many there were.
///
/// `tell` says what an answer told; with `hides` it also gives pseudonyms to what was told under the users' own ids. The
/// tables stay what they are, and a kill anywhere leaves each answer raw or told.
///
/// # Errors
///
/// A segment cannot be read, or the disk or the state failed; the next command goes on.
pub fn tell<E: Display>(
    state: &mut State,
    until: Timestamp,
    hides: bool,
    tell: impl Fn(&Answer) -> Result<Option<Body>, E>,
) -> Result<u64, ArchiveError> {
    let mut told = 0;
    let due = state.turn()?.segments_to_tell(until, hides)?;
    for sealed in due {
        let goes = |answer: &Answer| match &answer.body {
            Some(Body::Raw(_)) => answer.observed_at <= until,
            Some(Body::Told { key, .. }) => hides && key.is_none(),
            None => false,
        };
        let change = |answer: &mut Answer, _: &mut String| {
            let goes = goes(answer);
            if goes {
                answer.body = tell(answer).map_err(|error| error.to_string())?;
            }
            Ok(goes)
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
        told += changed;
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::archive::{answers, reconcile, seal, segments};
    use crate::flatten::fixtures;
    use crate::model::{Call, NoteId};
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

    #[expect(clippy::unnecessary_wraps, reason = "stands where a recipe tells")]
    fn told(key: Option<&str>, answer: &Answer) -> Result<Option<Body>, String> {
        Ok(Some(Body::Told { key: key.map(str::to_owned), json: format!("told of {}", answer.call.key()) }))
    }

    /// What each answer is: raw, told, or told under a key.
    fn bodies(state: &mut State) -> String {
        let kind = |answer: Answer| match answer.body.unwrap() {
            Body::Raw(_) => 'r',
            Body::Told { key: None, .. } => 't',
            Body::Told { key: Some(_), .. } => 'k',
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
    fn answers_up_to_a_moment_are_told_and_builds_know_their_segments_still() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let known = ids(&mut state);
        let plain =
            |state: &mut State, second| tell(state, moment(second), false, |answer| told(None, answer)).unwrap();
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
        // What was told under the users' own ids gets pseudonyms as soon as there is a key for them, at any age.
        assert_eq!(tell(&mut state, moment(-1), true, |answer| told(Some(KEY), answer)).unwrap(), 6);
        assert_eq!(bodies(&mut state), "kkkkkk");
        assert_eq!(
            tell(&mut state, moment(99), true, |_| -> Result<Option<Body>, String> { unreachable!() }).unwrap(),
            0
        );
        assert_eq!(state.turn().unwrap().told_keys().unwrap(), [KEY.to_owned()].into());
        assert_eq!(ids(&mut state), known);
    }

    #[test]
    fn a_lost_state_learns_what_is_told_and_what_is_raw() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        tell(&mut state, moment(3), true, |answer| told(Some(KEY), answer)).unwrap();
        drop(state);
        for name in ["state.sqlite", "state.sqlite-wal", "state.sqlite.sha256"] {
            let _ = std::fs::remove_file(folder.path().join(name));
        }
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!(reconcile(&mut state).unwrap(), 6);
        assert_eq!(bodies(&mut state), "kkkkrr");
        let turn = state.turn().unwrap();
        assert_eq!(turn.told_keys().unwrap(), [KEY.to_owned()].into());
        assert_eq!(turn.segments_to_tell(moment(3), false).unwrap().len(), 0, "nothing of them is raw");
        assert_eq!(turn.segments_to_tell(moment(4), false).unwrap().len(), 1);
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
        tell(&mut state, moment(3), false, |answer| told(None, answer)).unwrap();
        drop(state);
        for (file, copy) in &copies {
            std::fs::copy(copy, file).unwrap();
        }
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!((reconcile(&mut state).unwrap(), reconcile(&mut state).unwrap()), (0, 0));
        assert_eq!(bodies(&mut state), "ttttrr");
        let names: Vec<_> = state.turn().unwrap().segments().unwrap().into_iter().map(|sealed| sealed.name).collect();
        assert_eq!(names, ["r1-3.parquet", "r1-4.parquet"]);
        assert_eq!(tell(&mut state, moment(99), false, |answer| told(None, answer)).unwrap(), 2);
        // What is gone without another that holds its answers is damage.
        let last = state.turn().unwrap().segments().unwrap().pop().unwrap();
        std::fs::remove_file(folder.path().join("archive").join(last.name)).unwrap();
        assert!(matches!(reconcile(&mut state), Err(ArchiveError::Damaged { .. })));
    }

    #[test]
    fn what_is_told_waits_in_the_state_as_it_is_and_can_be_sealed_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        tell(&mut state, moment(99), true, |answer| told(Some(KEY), answer)).unwrap();
        let sealed = answers(&mut state).unwrap().next().unwrap().unwrap();
        let turn = state.turn().unwrap();
        let known = turn.latest_fact(&sealed.call.key()).unwrap().unwrap();
        turn.admit_more(known.id, Some(&[0, 7]), sealed.body.clone()).unwrap();
        let waiting = turn.unsealed(1000).unwrap().remove(0).answer;
        assert_eq!(waiting, Answer { admitted: Some(vec![0, 7]), ..sealed });
        let size = waiting.body.as_ref().unwrap().bytes().len() + KEY.len() + 1;
        assert_eq!(turn.unsealed_bytes().unwrap(), size as u64);
        turn.commit().unwrap();
        assert_eq!(seal(&mut state, "r2").unwrap(), 1);
        assert_eq!(bodies(&mut state), "kkkkkkk");
    }

    #[test]
    fn a_segment_without_bodies_is_looked_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        tell(&mut state, moment(99), false, |_| Ok::<_, String>(None)).unwrap();
        // As an older version would have left it.
        let old = state.turn().unwrap().segments().unwrap().remove(0);
        let turn = state.turn().unwrap();
        turn.set_holds(&old.name, &Holds { raw_since: Some(moment(0)), ..Holds::default() }).unwrap();
        turn.commit().unwrap();
        assert_eq!(
            tell(&mut state, moment(99), false, |_| -> Result<Option<Body>, String> { unreachable!() }).unwrap(),
            0
        );
        assert_eq!(state.turn().unwrap().segments_to_tell(moment(99), false).unwrap(), []);
    }

    #[test]
    fn a_kill_between_two_segments_leaves_each_answer_raw_or_told() -> Result<(), StateError> {
        let folder = tempfile::tempdir().unwrap();
        let mut state = filled(folder.path());
        let segment = folder.path().join("archive/r1-2.parquet");
        let whole = std::fs::read(&segment).unwrap();
        std::fs::remove_file(&segment).unwrap();
        assert!(tell(&mut state, moment(99), false, |answer| told(None, answer)).is_err());
        std::fs::write(&segment, whole).unwrap();
        assert_eq!(bodies(&mut state), "tttrrr");
        assert_eq!(tell(&mut state, moment(99), false, |answer| told(None, answer)).unwrap(), 3);
        assert_eq!(state.turn()?.segments()?.len(), 2);
        Ok(())
    }
}
