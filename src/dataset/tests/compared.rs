//! Snapshots compared, made by builds and by hand.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::dataset::{Diff, DiffError, FileEntry, Growth, Ids, RowCount, TableDiff, TableEntry, compared, diff};
use crate::model::sha256_hex;

fn ids(ids: &[&str]) -> Ids {
    Ids { count: ids.len() as u64, ids: ids.iter().map(|id| (*id).to_owned()).collect() }
}

fn all(home: &Path, before: u64, after: u64) -> Diff {
    diff(home, before, after, usize::MAX).unwrap()
}

/// Puts a snapshot of a few columns into its place, as another version would have written it.
fn by_hand(home: &Path, snapshot: u64, columns: &[(&str, ArrayRef)]) {
    by_hand_in(home, snapshot, "notes", columns);
}

fn by_hand_in(home: &Path, snapshot: u64, inside: &str, columns: &[(&str, ArrayRef)]) {
    let batch = RecordBatch::try_from_iter(columns.iter().map(|(name, column)| (*name, column.clone()))).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let bytes = writer.into_inner().unwrap();
    let (rows, sha256) = (batch.num_rows() as u64, sha256_hex(&bytes));
    let path = format!("{inside}/{}.parquet", &sha256[..12]);
    let folder = snapshot_folder(home, snapshot);
    fs::create_dir_all(folder.join(inside)).unwrap();
    fs::write(folder.join(&path), &bytes).unwrap();
    let manifest = json!({
        "schema_version": snapshot, "tool_version": "0", "snapshot": snapshot, "origin": "live",
        "layout": { "partition": "month", "compression": "zstd" },
        "tables": { "notes": { "rows": rows, "files": [
            { "path": path, "rows": rows, "bytes": bytes.len(), "sha256": sha256 }
        ] } }
    });
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn what_is_new_gone_and_changed_is_told_by_column() {
    let home = tempfile::tempdir().unwrap();
    // Notes of three months; one of them is found to be of another month later.
    let (january, february) = ("65920080000000000000000a", "65bad8800000000000000001");
    made(home.path(), &[found(1, january, 10), found(2, february, 7), found(3, "n3", 1)]);
    let moved = json!({"id": february, "title": "t", "likes": 7, "timestamp": 1_767_225_600});
    let moved = answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": [moved]}}).to_string(), 4);
    made(home.path(), &[found(5, january, 40), moved, found(6, "n4", 1)]);
    let told = all(home.path(), 1, 2);
    assert_eq!((&told.notes.new, &told.notes.gone), (&ids(&["n4"]), &ids(&["n3"])));
    assert_eq!(told.notes.changed, ids(&[january, february]));
    let columns: Vec<_> = told.notes.columns.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(columns, [("liked_count", 1), ("published_at", 1)], "a folder is no column");
    assert_eq!(told.notes.growth["liked_count"], Growth { rows: 1, sum: 30, median: 30.0 });
    assert_eq!((told.notes.growth.len(), told.notes.not_compared.len()), (1, 0));
    assert_eq!(told.rows["notes"], RowCount { before: 3, after: 3 });
    // The other way round, what was new is gone.
    let back = all(home.path(), 2, 1);
    assert_eq!((&back.notes.new, &back.notes.gone), (&told.notes.gone, &told.notes.new));
    assert_eq!(back.notes.growth["liked_count"].sum, -30);
}

#[test]
fn equal_snapshots_and_equal_questions_give_equal_answers() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    made(home.path(), &[samples(), vec![found(9, "n9", 1)]].concat());
    let same = all(home.path(), 2, 2);
    assert_eq!((same.before, same.notes, same.authors), (same.after, TableDiff::default(), TableDiff::default()));
    let text = |most| serde_json::to_string(&diff(home.path(), 1, 2, most).unwrap()).unwrap();
    assert_eq!(text(9), text(9));
    let bytes = fs::read(snapshot_folder(home.path(), 1).join("manifest.json")).unwrap();
    assert!(text(9).contains(&sha256_hex(&bytes)));
    assert_eq!(diff(home.path(), 2, 1, 0).unwrap().notes.gone, Ids { count: 1, ..Ids::default() });
}

#[test]
fn another_spelling_of_a_count_is_no_change() {
    let spelt = |second, likes: &str| {
        let note = json!({"id": "n1", "title": "t", "likes": likes});
        answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": [note]}}).to_string(), second)
    };
    let cases = [
        ("1.5万", "15690", 0),
        ("1.5万", "16100", 1),
        ("15690", "1.5万", 0),
        ("15690", "1.7万", 1),
        ("15690", "15700", 1),
    ];
    for (first, second, changed) in cases {
        let home = tempfile::tempdir().unwrap();
        made(home.path(), &[spelt(1, first)]);
        let built = made(home.path(), &[spelt(1, first), spelt(2, second)]);
        assert_eq!(built.changed_notes, Some(changed), "{first} and {second}");
        let told = all(home.path(), 1, 2);
        assert_eq!(told.notes.changed.count, changed, "{first} and {second}");
        let grown = told.notes.growth.get("liked_count").map_or(0, |growth| growth.sum);
        assert_eq!(grown != 0, changed > 0, "{first} and {second}");
    }
}

#[test]
fn columns_that_one_side_lacks_are_named_and_the_rest_is_compared() {
    let home = tempfile::tempdir().unwrap();
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let id = |values: &[&str]| ("note_id", texts(values));
    let one: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    by_hand(
        home.path(),
        1,
        &[id(&["a", "b", "c"]), ("title", texts(&["x", "y", "z"])), ("mood", one.clone()), ("liked_count", counts)],
    );
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), Some(9), None]));
    by_hand(
        home.path(),
        2,
        &[
            id(&["a", "b", "d"]),
            ("title", texts(&["x", "Y", "z"])),
            ("mood", texts(&["1", "2", "3"])),
            ("liked_count", counts),
            ("cover_url", texts(&["u", "v", "w"])),
        ],
    );
    let told = all(home.path(), 1, 2);
    let other: Vec<&str> = told.notes.not_compared.iter().map(String::as_str).collect();
    assert_eq!(other, ["cover_url", "mood"]);
    assert_eq!((&told.notes.new, &told.notes.gone), (&ids(&["d"]), &ids(&["c"])));
    assert_eq!(told.notes.changed, ids(&["a", "b"]));
    assert_eq!((told.notes.columns["title"], told.notes.columns["liked_count"]), (1, 2));
    assert_eq!(told.notes.growth["liked_count"], Growth { rows: 1, sum: 4, median: 4.0 }, "null is no count");
    assert_eq!((told.before.schema_version, told.after.schema_version), (1, 2));
}

/// More rows than are held at once: every part is compared once, and nothing twice.
#[test]
fn more_rows_than_memory_holds_are_compared_in_parts() {
    let home = tempfile::tempdir().unwrap();
    let names = |from: usize, to: usize| (from..to).map(|at| format!("n{at:07}")).collect::<Vec<_>>();
    let snapshot = |number, names: &[String], title: &dyn Fn(usize) -> &'static str| {
        let ids: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let titles: ArrayRef = Arc::new(StringArray::from_iter_values((0..names.len()).map(title)));
        by_hand(home.path(), number, &[("note_id", ids), ("title", titles)]);
    };
    snapshot(1, &names(0, 300_000), &|_| "t");
    snapshot(2, &names(10, 300_020), &|at| if at % 80_000 == 0 { "T" } else { "t" });
    let told = diff(home.path(), 1, 2, 2).unwrap().notes;
    assert_eq!((told.new.count, told.gone.count, told.changed.count), (20, 10, 4));
    assert_eq!(told.gone.ids.iter().collect::<Vec<_>>(), ["n0000000", "n0000001"]);
    assert_eq!(told.changed.ids.iter().collect::<Vec<_>>(), ["n0000010", "n0080010"]);
}

/// Notes that lie in another folder than before are the same notes, whether few or more than are held at once.
#[test]
fn a_note_that_moved_is_neither_new_nor_gone() {
    let note = |second: i64, id: &str, month: i64, likes: i64| {
        let note = json!({"id": id, "title": "t", "likes": likes, "timestamp": 1_700_000_000 + month * 2_700_000});
        answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": [note]}}).to_string(), second)
    };
    let home = tempfile::tempdir().unwrap();
    let first = [note(1, "a", 0, 1), note(2, "b", 0, 1), note(3, "c", 1, 1), note(4, "d", 2, 1)];
    // One moves forward, one backward and changes, one is new in a month of its own, one is gone.
    let second = [note(1, "a", 3, 1), note(2, "b", 0, 1), note(3, "c", 0, 9), note(5, "e", 4, 1)];
    made(home.path(), &first);
    made(home.path(), &second);
    let told = all(home.path(), 1, 2).notes;
    assert_eq!((told.new, told.gone), (ids(&["e"]), ids(&["d"])));
    assert_eq!(told.changed, ids(&["a", "c"]), "the time of publication is a column, too");
    assert_eq!((told.columns["published_at"], told.columns["liked_count"]), (2, 1));

    let names: Vec<String> = (0..300_000).map(|at| format!("n{at:07}")).collect();
    let snapshot = |number, folder: &str| {
        let column: ArrayRef = Arc::new(StringArray::from(names.clone()));
        by_hand_in(home.path(), number, folder, &[("note_id", column)]);
    };
    snapshot(3, "notes/published_year=2024");
    snapshot(4, "notes/published_month=2024-01");
    let told = diff(home.path(), 3, 4, 2).unwrap().notes;
    assert_eq!((told.new.count, told.gone.count, told.changed.count), (0, 0, 0));
}

#[test]
fn damage_is_told_and_never_taken_for_a_change() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &[found(1, "n1", 1)]);
    made(home.path(), &[found(1, "n1", 1), found(2, "n2", 1)]);
    let entry: FileEntry =
        manifest(home.path(), 1).tables["notes"].files.iter().find(|file| file.rows > 0).unwrap().clone();
    let file = snapshot_folder(home.path(), 1).join(entry.path);
    let whole = fs::read(&file).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = diff(home.path(), 1, 2, 9).unwrap_err();
        assert!(matches!(&error, DiffError::Damaged { path, .. } if *path == file), "{error}");
    };
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        damaged(&bytes);
    }
    damaged(&whole[..whole.len() / 2]);
    damaged(b"");
    fs::remove_file(&file).unwrap();
    assert!(matches!(diff(home.path(), 1, 2, 9), Err(DiffError::Damaged { .. })));
    // A file that both hold is not read.
    fs::write(&file, &whole).unwrap();
    let TableEntry { files, .. } = &manifest(home.path(), 2).tables["authors"];
    fs::write(snapshot_folder(home.path(), 2).join(&files[0].path), "x").unwrap();
    fs::write(snapshot_folder(home.path(), 2).join("manifest.json"), "{").unwrap();
    assert!(matches!(diff(home.path(), 1, 2, 9), Err(DiffError::Manifest(_))));
}

#[test]
fn which_two_are_meant() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(compared(home.path(), None, None), Err(DiffError::Alone)));
    made(home.path(), &[found(1, "n1", 1)]);
    assert!(matches!(compared(home.path(), None, None), Err(DiffError::Alone)));
    for count in 2..=4 {
        let notes: Vec<Answer> = (1..=count).map(|at| found(at, &format!("n{at}"), 1)).collect();
        made(home.path(), &notes);
    }
    fs::remove_dir_all(snapshot_folder(home.path(), 3)).unwrap();
    assert_eq!(compared(home.path(), None, None).unwrap(), (2, 4));
    assert_eq!(compared(home.path(), Some(1), None).unwrap(), (1, 4));
    assert_eq!(compared(home.path(), Some(4), Some(1)).unwrap(), (4, 1));
    let error = diff(home.path(), 3, 4, 9).unwrap_err();
    assert!(matches!(error, DiffError::Absent { snapshot: 3, kept } if kept == BTreeSet::from([1, 2, 4])));
}

#[test]
fn notes_that_vanish_and_come_back_are_counted() {
    let home = tempfile::tempdir().unwrap();
    let gone = |values: &[Option<bool>]| -> ArrayRef { Arc::new(BooleanArray::from(values.to_vec())) };
    let (yes, no) = (Some(true), Some(false));
    let notes = ["n1", "n2", "n3", "n4", "n5"];
    by_hand(home.path(), 1, &[("note_id", texts(&notes)), ("is_gone", gone(&[no, yes, None, yes, no]))]);
    let notes = ["n1", "n2", "n3", "n4", "n6"];
    by_hand(home.path(), 2, &[("note_id", texts(&notes)), ("is_gone", gone(&[yes, no, yes, yes, yes]))]);
    let told = all(home.path(), 1, 2).notes;
    assert_eq!((told.vanished, told.returned), (ids(&["n1", "n3"]), ids(&["n2"])));
    assert_eq!((told.changed, told.new, told.gone), (ids(&["n1", "n2", "n3"]), ids(&["n6"]), ids(&["n5"])));
    // Without the column nothing is known of it.
    by_hand(home.path(), 3, &[("note_id", texts(&notes))]);
    let told = all(home.path(), 2, 3).notes;
    assert_eq!((told.vanished, told.returned), (Ids::default(), Ids::default()));
}
