//! What re-reading snapshots finds.

use std::fs;

use super::*;
use crate::dataset::verify;
use crate::model::Inspection;

fn inspect(home: &Path) -> Inspection {
    let mut found = Inspection::default();
    verify(home, Some("live"), &mut found).unwrap();
    found
}

fn damage(home: &Path) -> Vec<String> {
    let found = inspect(home);
    let line = |finding: &crate::model::Finding| {
        format!("{}: {}", finding.file.strip_prefix(home).unwrap().display(), finding.what)
    };
    found.damage.iter().map(line).collect()
}

#[test]
fn what_builds_leave_is_sound() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(damage(home.path()), [""; 0]);
    made(home.path(), &samples());
    made(home.path(), &[samples(), vec![found(9, "n1", 1)]].concat());
    let found = inspect(home.path());
    assert_eq!((found.damage, found.notes), (vec![], vec![]));
    assert_eq!(found.read[0], ("snapshots", 2));
}

#[test]
fn a_key_that_stands_twice_and_a_manifest_that_says_otherwise_are_damage() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let folder = snapshot_folder(home.path(), 1);
    let mut manifest = manifest(home.path(), 1);
    let authors = manifest.tables.get_mut("authors").unwrap();
    let mut copy = authors.files[0].clone();
    copy.path = "authors/copy.parquet".into();
    fs::copy(folder.join(&authors.files[0].path), folder.join(&copy.path)).unwrap();
    assert_eq!(
        damage(home.path()),
        ["snapshots/000001/authors/copy.parquet: the manifest does not name it, and readers would read it"]
    );
    authors.files.push(copy);
    manifest.snapshot = 7;
    fs::write(folder.join("manifest.json"), manifest.to_json()).unwrap();
    let told = damage(home.path());
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].contains("it is of snapshot 000007"), "{told:#?}");
    assert!(told[1].contains("the files of `authors` do not hold"), "{told:#?}");
    assert!(told[2].contains("a row's key is in another file of the table, too"), "{told:#?}");
}

#[test]
fn what_a_kill_leaves_is_a_note_and_what_it_cannot_leave_is_damage() {
    let home = tempfile::tempdir().unwrap();
    let pointer = home.path().join("latest.json");
    made(home.path(), &[found(1, "n1", 1)]);
    let first = fs::read(&pointer).unwrap();
    made(home.path(), &[found(1, "n1", 2)]);
    let second = fs::read(&pointer).unwrap();
    fs::write(&pointer, first).unwrap();
    let found = inspect(home.path());
    assert_eq!((found.damage.len(), found.notes.len()), (0, 1), "{found:#?}");
    fs::write(&pointer, second).unwrap();
    fs::remove_file(snapshot_folder(home.path(), 2).join("manifest.json")).unwrap();
    let told = damage(home.path());
    assert!(told.iter().any(|line| line.starts_with("snapshots/000002/manifest.json: it is gone")), "{told:#?}");
    assert!(told.iter().any(|line| line.starts_with("latest.json: it names snapshot 000002")), "{told:#?}");
}
