//! The cache of observations: complete, the same whatever builds came before, and made again when it is gone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::Int32Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::flatten::tables::{AddedColumn, ColumnType, Outline, Row};
use crate::observations::{Observed, ObservedAuthorRow, ObservedNoteRow};

fn cache(home: &Path) -> PathBuf {
    home.join(".cache/observations")
}

/// Returns the bytes of every file, by its path in the cache.
fn files(home: &Path) -> BTreeMap<String, Vec<u8>> {
    tree(&cache(home)).into_iter().map(|path| (path.clone(), fs::read(cache(home).join(path)).unwrap())).collect()
}

fn read(home: &Path, part: &Kept, kind: &str) -> RecordBatch {
    let file = fs::File::open(cache(home).join(part.id()).join(format!("{kind}-000.parquet"))).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let (schema, batches) = (reader.schema().clone(), reader.build().unwrap());
    arrow::compute::concat_batches(&schema, &batches.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

fn built(home: &Path, parts: &[Kept], recipe: &Recipe, effort: Effort) {
    build(parts, &Disk::machine(), home, &LAYOUT, recipe, Origin::Live, effort).unwrap();
}

/// The rows in the order of their files.
fn expected<R: Row>(outline: &Outline, rows: &[R]) -> RecordBatch {
    let batch = outline.batch(rows).unwrap();
    let columns: Vec<SortColumn> =
        R::SORTED_BY.iter().map(|name| SortColumn { values: batch[*name].clone(), options: None }).collect();
    take_record_batch(&batch, &lexsort_to_indices(&columns, None).unwrap()).unwrap()
}

#[test]
fn every_position_is_there_and_says_whether_it_counts() {
    let home = tempfile::tempdir().unwrap();
    let items: Vec<_> = (0..3).map(|at| json!({"id": format!("n{at}"), "title": "t", "likes": at})).collect();
    let page = json!({"code": 0, "data": {"items": items}}).to_string();
    let limited = Answer { admitted: Some(vec![1]), ..answer("justoneapi", search(1), &page, 0) };
    let part = Kept::new(&[limited]);
    built(home.path(), std::slice::from_ref(&part), &Recipe::default(), Effort::default());
    let notes = read(home.path(), &part, "observed_notes");
    let positions = notes["position"].as_primitive::<Int32Type>();
    assert_eq!(notes.num_rows(), 3);
    for row in 0..notes.num_rows() {
        assert_eq!(notes["is_admitted"].as_boolean().value(row), positions.value(row) == 1);
    }
    assert_eq!(manifest(home.path(), 1).tables["notes"].rows, 1);
    assert_eq!(manifest(home.path(), 1).tables["search_hits"].rows, 1);
}

#[test]
fn files_hold_what_was_extracted_with_the_columns_of_the_job() {
    let home = tempfile::tempdir().unwrap();
    let column = |path: &str| AddedColumn { path: path.to_owned(), kind: ColumnType::Json };
    let outline = Outline {
        notes: [("presence".to_owned(), column("/title"))].into(),
        authors: [("whole".to_owned(), column(""))].into(),
        dropped: ["notes.description".to_owned()].into(),
        ..Outline::default()
    };
    let recipe = Recipe::new(outline.clone(), None);
    // Columns of the job may be called as those of observations are, but not as those of tables.
    let part = Kept::new(&samples());
    built(home.path(), std::slice::from_ref(&part), &recipe, Effort::default());
    let mut observed = Observed::default();
    for answer in samples() {
        observed.add(&answer, recipe.read(&answer));
    }
    let Observed { notes, authors, hits, calls, rejects } = observed;
    assert!(!notes.is_empty() && !authors.is_empty() && !hits.is_empty() && calls.len() == samples().len());
    let found = read(home.path(), &part, ObservedNoteRow::TABLE);
    assert_eq!(found, expected(&outline, &notes));
    assert!(found["added_presence"].null_count() < found.num_rows() && found.column_by_name("description").is_some());
    assert_eq!(read(home.path(), &part, ObservedAuthorRow::TABLE), expected(&outline, &authors));
    assert_eq!(read(home.path(), &part, "observed_hits"), expected(&outline, &hits));
    assert_eq!(read(home.path(), &part, "observed_calls"), expected(&outline, &calls));
    assert_eq!(read(home.path(), &part, "observed_rejects"), expected(&outline, &rejects));
}

#[test]
fn the_cache_is_the_same_whatever_was_built_before_and_however() {
    let parts: Vec<Kept> = (0..4)
        .map(|part| Kept::new(&(0..150).map(|at| found(part * 1000 + at, &format!("n{at}"), at)).collect::<Vec<_>>()))
        .chain([Kept::new(&[])])
        .collect();
    let whole = tempfile::tempdir().unwrap();
    built(whole.path(), &parts, &Recipe::default(), Effort { threads: 1, ..Effort::default() });
    let expected = files(whole.path());
    // Five kinds and the sums for each part, one of them without answers, and the fingerprint.
    assert_eq!(expected.len(), 5 * 6 + 1);
    let home = tempfile::tempdir().unwrap();
    let threads = |threads| Effort { threads, ..Effort::default() };
    built(home.path(), &parts[..1], &Recipe::default(), threads(3));
    built(home.path(), &parts, &Recipe::default(), threads(2));
    assert_eq!(files(home.path()), expected);
    // What is gone is made again; what a build was killed over, and what belongs to no part, goes.
    fs::remove_dir_all(cache(home.path()).join(parts[2].id())).unwrap();
    for left in [".cache/.tmp-observations/y", ".cache/observations/.tmp-y/z", ".cache/observations/.tmp-.tmp-y/z"] {
        fs::create_dir_all(home.path().join(left)).unwrap();
    }
    fs::write(cache(home.path()).join("x"), "x").unwrap();
    built(home.path(), &parts, &Recipe::default(), threads(4));
    assert_eq!(files(home.path()), expected);
    assert!(!home.path().join(".cache/.tmp-observations").exists());
    fs::create_dir_all(home.path().join(".cache/.tmp-observations/y")).unwrap();
    built(home.path(), &parts, &Recipe::default(), Effort { from_scratch: true, ..threads(2) });
    assert_eq!(files(home.path()), expected);
    built(home.path(), &parts[1..], &Recipe::default(), threads(1));
    assert_eq!(files(home.path()).len(), 4 * 6 + 1);
    // In other words of the job, all are other ones.
    let added = [("x".to_owned(), AddedColumn { path: "/id".to_owned(), kind: ColumnType::String })];
    let recipe = Recipe::new(Outline { notes: added.into(), ..Outline::default() }, None);
    built(home.path(), &parts, &recipe, threads(1));
    assert!(read(home.path(), &parts[0], "observed_notes").column_by_name("added_x").is_some());
    built(home.path(), &parts, &Recipe::default(), threads(1));
    assert_eq!(files(home.path()), expected);
}

/// A part whose answers cannot be had.
struct Unreadable(String);

impl Part for Unreadable {
    type Error = std::io::Error;
    type Batch = Vec<Answer>;

    fn id(&self) -> &str {
        &self.0
    }

    fn batches(&self) -> std::io::Result<impl Iterator<Item = std::io::Result<Vec<Answer>>>> {
        let gone: std::io::Result<std::iter::Empty<_>> = Err(std::io::Error::other("gone"));
        gone
    }
}

#[test]
fn what_was_extracted_is_merged_without_the_answers() {
    let home = tempfile::tempdir().unwrap();
    let parts = [Kept::new(&samples()), Kept::new(&[found(9, "n1", 1)])];
    built(home.path(), &parts, &Recipe::default(), Effort::default());
    let unreadable = parts.each_ref().map(|part| Unreadable(part.id().to_owned()));
    let again = |from_scratch| {
        let (disk, effort) = (Disk::machine(), Effort { from_scratch, ..Effort::default() });
        build(&unreadable, &disk, home.path(), &LAYOUT, &Recipe::default(), Origin::Live, effort)
    };
    fs::remove_dir_all(home.path().join(".cache/merge_state")).unwrap();
    let built = again(false).unwrap();
    assert_eq!((built.snapshot, built.published), (1, false));
    assert!(matches!(again(true), Err(BuildError::Answer(_))), "from scratch means from the answers");
}

#[test]
fn the_folder_of_earlier_versions_goes_and_a_persons_own_stays() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("build")).unwrap();
    fs::write(home.path().join("build/notes.txt"), "mine").unwrap();
    made(home.path(), &samples());
    assert!(home.path().join("build/notes.txt").is_file());
    fs::write(home.path().join("build/index"), "x").unwrap();
    made(home.path(), &samples());
    assert!(!home.path().join("build").exists());
}
