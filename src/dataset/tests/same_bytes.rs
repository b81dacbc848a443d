//! Same answers, same bytes: whatever the parts, their order, the builds between, the threads and the memory.

use proptest::prelude::*;
use serde_json::Value;

use super::filed::any_layout;
use super::*;
use crate::model::{Body, sha256_hex};
use crate::observations;

/// One small answer; few ids, months and moments, so that notes move, merge and repeat.
pub(super) fn any_answer() -> impl Strategy<Value = Answer> {
    let note = (0_u8..6, prop::option::of(0_i64..4), 0_i64..3, any::<bool>()).prop_map(|(id, month, likes, odd)| {
        let user = json!({"userid": format!("u{}", likes), "nickname": format!("n{likes}")});
        // Some ids tell a month of their own; their notes are filed there until an answer tells another. The others are
        // filed where they were first seen.
        let id = if id < 3 {
            format!("n{id}")
        } else {
            format!("{:08x}{id:016}", 1_700_000_000 + i64::from(id) * 2_700_000)
        };
        let mut note = json!({"id": id, "title": format!("t{likes}"), "likes": likes, "user": user});
        if let Some(month) = month {
            note["timestamp"] = json!(1_700_000_000 + month * 2_700_000);
        }
        if odd {
            note["collected_count"] = json!({});
        }
        note
    });
    let notes = prop::collection::vec(note, 0..4);
    (notes, 0_u8..5, 0_i64..200_000, prop::option::of(prop::collection::vec(0_u32..4, 0..4))).prop_map(
        |(notes, kind, second, admitted)| {
            let first = notes.first().cloned().unwrap_or(Value::Null);
            let id = first["id"].as_str().unwrap_or("n9").to_owned();
            let made = match kind {
                0 => answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": notes}}).to_string(), second),
                1 => answer(
                    "justoneapi",
                    user_notes("u1"),
                    &json!({"code": 0, "data": {"notes": notes}}).to_string(),
                    second,
                ),
                2 => answer(
                    "justoneapi",
                    detail(&id),
                    &json!({"code": 0, "data": [{"note_list": [first]}]}).to_string(),
                    second,
                ),
                // A success that shows nothing.
                3 => answer("justoneapi", detail(&id), r#"{"code": 0, "data": []}"#, second),
                _ => {
                    answer("justoneapi", profile("u2"), r#"{"code": 0, "data": {"nickname": "p", "fans": 3}}"#, second)
                }
            };
            Answer { admitted, ..made }
        },
    )
}

/// Lists what a snapshot's files are: names, sums, rows.
fn files(home: &Path, snapshot: u64) -> std::collections::BTreeMap<String, crate::dataset::TableEntry> {
    manifest(home, snapshot).tables
}

fn built(home: &Path, parts: &[Kept], effort: Effort) -> u64 {
    build(parts, &Disk::machine(), home, &LAYOUT, &Recipe::default(), Origin::Live, effort).unwrap().snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_sequence_of_builds_gives_what_one_build_from_scratch_gives(
        (answers, shuffled) in prop::collection::vec(any_answer(), 1..24)
            .prop_flat_map(|answers| (Just(answers.clone()), Just(answers).prop_shuffle())),
        cuts in prop::collection::vec(0_usize..24, 0..5),
        threads in 1_usize..4,
        bytes in prop::sample::select(vec![1_u64, 3_000, 20_000, 1 << 27]),
        layout in any_layout(),
    ) {
        let built = |home: &Path, parts: &[Kept], effort| {
            build(parts, &Disk::machine(), home, &layout, &Recipe::default(), Origin::Live, effort).unwrap().snapshot
        };
        let (once, often) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        built(once.path(), &[Kept::new(&answers)], Effort { threads: 1, ..Effort::default() });
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(shuffled.len())).chain([shuffled.len()]).collect();
        ends.sort_unstable();
        let effort = Effort { from_scratch: false, threads, bytes };
        let (mut parts, mut from, mut last) = (Vec::new(), 0, 0);
        for end in ends {
            parts.push(Kept::new(&shuffled[from..end]));
            from = end;
            last = built(often.path(), &parts, effort);
        }
        prop_assert_eq!(files(often.path(), last), files(once.path(), 1));
        let before = last;
        last = built(often.path(), &parts, Effort { from_scratch: true, ..effort });
        prop_assert_eq!(last, before, "a build from scratch finds the tables that stand");
        prop_assert_eq!(built(often.path(), &parts, effort), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn retained_answers_give_the_bytes_of_the_raw_ones(
        answers in prop::collection::vec((any_answer(), any::<bool>()), 1..12),
    ) {
        let raw: Vec<Answer> = answers.iter().map(|(answer, _)| answer.clone()).collect();
        let told = answers.iter().map(|(answer, goes)| {
            let body = if *goes { Some(Body::Retained(observations::retain(&Recipe::default(), answer).unwrap())) } else { answer.body.clone() };
            Answer { body, ..answer.clone() }
        });
        let told: Vec<Answer> = told.collect();
        let (of_raw, of_told) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        built(of_raw.path(), &[Kept::new(&raw)], Effort::default());
        built(of_told.path(), &[Kept::new(&told)], Effort::default());
        prop_assert_eq!(files(of_told.path(), 1), files(of_raw.path(), 1));
    }
}

/// Changes with every change of what is written: of a reader, a column, the encoding. If that was meant, raise
/// `READING` or `SCHEMA_VERSION`, tell it in the changelog, and write down the new one.
#[test]
fn the_bytes_of_the_samples_are_known() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let sums: Vec<_> = manifest(home.path(), 1).files().map(|file| (file.path.clone(), file.sha256.clone())).collect();
    assert_eq!(sha256_hex(format!("{sums:?}").as_bytes()), GOLDEN);
}

const GOLDEN: &str = "daba7133d8deebe0937ebfa5828266d2b9deebf73a86e649a5762bc001881622";

#[test]
fn what_no_new_answer_touches_is_neither_read_nor_encoded_again() {
    let home = tempfile::tempdir().unwrap();
    let mut parts = vec![Kept::new(&[found(1, "n1", 1)])];
    built(home.path(), &parts, Effort::default());
    // A day later: the records of the day before are not read, or their damage would be seen.
    parts.push(Kept::new(&[found(90_000, "n2", 1)]));
    let state = state_of(home.path(), "calls-observed_date=2026-11-22");
    fs::write(&state, "damaged").unwrap();
    assert_eq!(built(home.path(), &parts, Effort::default()), 2);
    assert_eq!(fs::read(&state).unwrap(), b"damaged");
    let [first, second] = [1, 2].map(|snapshot| files(home.path(), snapshot)["calls"].files.clone());
    assert_eq!((second.len(), &second[0]), (2, &first[0]));
}

/// A note of a month, by its id, that an answer may say was published in another month.
fn of_month(second: i64, id: i64, published: Option<i64>, likes: i64) -> Answer {
    let moment = |month: i64| 1_700_000_000 + month * 2_700_000;
    let mut note = json!({"id": format!("{:08x}00000000{id:08}", moment(id)), "title": "t", "likes": likes});
    if let Some(month) = published {
        note["timestamp"] = json!(moment(month));
    }
    answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": [note]}}).to_string(), second)
}

#[test]
fn a_night_reads_only_the_months_that_its_notes_lie_in_and_finds_those_that_moved() {
    // The first notes lie where their ids say; the next is published in another month, 5, than its id says, 3. The last has
    // no time, and lies in 2027-01, where it was first seen.
    let first: Vec<Answer> = (0..3)
        .map(|month| of_month(month, month, None, 1))
        .chain([of_month(9, 3, Some(5), 1), found(50 * 86_400, "n9", 1)])
        .collect();
    // The month that is spared, and the night's answer.
    for (spared, night) in [
        ("2023-11", of_month(90_000, 1, None, 2)),
        ("2024-01", of_month(90_000, 1, Some(7), 2)),
        ("2023-12", of_month(90_000, 3, None, 2)),
        ("2023-12", of_month(90_000, 3, Some(4), 2)),
        ("2023-12", found(90_000, "n9", 2)),
        ("2024-01", found(90 * 86_400, "n9", 2)),
    ] {
        let (home, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut parts = vec![Kept::new(&first)];
        built(home.path(), &parts, Effort::default());
        parts.push(Kept::new(&[night]));
        let state = state_of(home.path(), &format!("notes-published_month={spared}"));
        let sound = fs::read(&state).unwrap();
        fs::write(&state, "damaged").unwrap();
        let last = built(home.path(), &parts, Effort::default());
        assert_eq!(fs::read(&state).unwrap(), b"damaged", "{spared} was read");
        fs::write(&state, sound).unwrap();
        built(whole.path(), &parts, Effort::default());
        assert_eq!(files(home.path(), last), files(whole.path(), 1), "{spared}");
    }
}

#[test]
fn more_notes_that_moved_than_can_be_named_are_found_all_the_same() {
    let (home, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let notes: Vec<_> =
        (0..1100).map(|id| json!({"id": format!("n{id}"), "title": "t", "timestamp": 1_700_000_000})).collect();
    let page = json!({"code": 0, "data": {"items": notes}}).to_string();
    let mut parts = vec![Kept::new(&[answer("justoneapi", search(1), &page, 1)])];
    built(home.path(), &parts, Effort::default());
    parts.push(Kept::new(&[found(90_000, "n7", 3)]));
    let last = built(home.path(), &parts, Effort::default());
    built(whole.path(), &parts, Effort::default());
    assert_eq!(files(home.path(), last), files(whole.path(), 1));
    assert_eq!(manifest(home.path(), last).tables["notes"].rows, 1100);
}

#[test]
fn more_files_than_can_be_merged_at_once_are_merged_in_steps() {
    let (home, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let answers: Vec<_> = (0..300).map(|at| found(at, &format!("n{}", at % 70), at)).collect();
    // More than 32 files of each kind, and more than can be merged to one file.
    let parts: Vec<Kept> = answers.iter().map(|answer| Kept::new(std::slice::from_ref(answer))).collect();
    built(home.path(), &parts, Effort { bytes: 1, ..Effort::default() });
    built(whole.path(), &[Kept::new(&answers)], Effort::default());
    assert_eq!(files(home.path(), 1), files(whole.path(), 1));
    let left = fs::read_dir(home.path().join(".cache/merge_state")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().starts_with("run-")).count(), 0);
}

/// Finds the builder's file of one folder.
fn state_of(home: &Path, name: &str) -> std::path::PathBuf {
    let mut files = fs::read_dir(home.join(".cache/merge_state")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(name)).unwrap()
}

/// Finds the folder of observations of some part.
fn observations(home: &Path) -> std::path::PathBuf {
    let folders = fs::read_dir(home.join(".cache/observations")).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).min().unwrap()
}

/// Leaves observations alone in the cache, less the second half of a file.
fn damage_observations(home: &Path, file: &str) {
    fs::remove_dir_all(home.join(".cache/merge_state")).unwrap();
    let file = observations(home).join(file);
    let bytes = fs::read(&file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

/// Something that happens to a dataset's folder.
type Damage = fn(&Path);

#[test]
fn a_memory_that_is_damaged_or_of_other_answers_is_made_again() {
    let answers: Vec<_> = (0..3).map(|at| Kept::new(&[found(at, "n1", at), found(at + 9, "n2", at)])).collect();
    let whole = tempfile::tempdir().unwrap();
    built(whole.path(), &answers, Effort::default());
    let expected = files(whole.path(), 1);
    let damage: [(&str, Damage); 11] = [
        ("a folder is gone", |home| fs::remove_file(state_of(home, "notes-")).unwrap()),
        ("a folder is cut", |home| fs::write(state_of(home, "notes-"), "x").unwrap()),
        ("the index is cut", |home| fs::write(home.join(".cache/merge_state/index"), "x").unwrap()),
        ("all is gone", |home| fs::remove_dir_all(home.join(".cache")).unwrap()),
        ("a person's file is there", |home| fs::write(home.join(".cache/merge_state/notes"), "x").unwrap()),
        ("only observations are there", |home| fs::remove_dir_all(home.join(".cache/merge_state")).unwrap()),
        ("only observations are there, and one file is cut", |home| {
            damage_observations(home, "observed_notes-000.parquet");
        }),
        ("only observations are there, and one file is gone", |home| {
            damage_observations(home, "observed_calls-000.parquet");
            fs::remove_file(observations(home).join("observed_calls-000.parquet")).unwrap();
        }),
        ("only observations are there, and a bit of one has changed", |home| {
            fs::remove_dir_all(home.join(".cache/merge_state")).unwrap();
            let file = observations(home).join("observed_notes-000.parquet");
            let mut bytes = fs::read(&file).unwrap();
            bytes[100] ^= 1;
            fs::write(file, bytes).unwrap();
        }),
        ("only observations are there, and their sums name nothing", |home| {
            fs::remove_dir_all(home.join(".cache/merge_state")).unwrap();
            fs::write(observations(home).join("sums.json"), "{}").unwrap();
        }),
        ("only observations are there, and their sums are cut", |home| damage_observations(home, "sums.json")),
    ];
    for (what, damage) in damage {
        let home = tempfile::tempdir().unwrap();
        built(home.path(), &answers[..2], Effort::default());
        damage(home.path());
        let last = built(home.path(), &answers, Effort::default());
        assert_eq!(files(home.path(), last), expected, "{what}");
    }
    // Answers that are no more: nothing of them stays.
    let home = tempfile::tempdir().unwrap();
    built(home.path(), &[answers.clone(), vec![Kept::new(&[found(1, "n7", 1)])]].concat(), Effort::default());
    let last = built(home.path(), &answers, Effort::default());
    assert_eq!(files(home.path(), last), expected);
}
