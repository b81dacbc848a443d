//! What a snapshot holds, and what the next one costs.

use std::fs;
use std::path::Path;

use super::*;
use crate::dataset::latest;
use crate::model::sha256_hex;

#[test]
fn a_snapshot_holds_what_its_manifest_names_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let built = made(home.path(), &samples());
    assert_eq!((built.snapshot, built.published, built.new_notes, built.changed_notes), (1, true, Some(4), Some(0)));
    let folder = snapshot_folder(home.path(), 1);
    let manifest = manifest(home.path(), 1);
    assert_eq!((manifest.schema_version, manifest.snapshot, manifest.origin), (3, 1, Origin::Live));
    let named: BTreeSet<String> = manifest.files().map(|file| file.path.clone()).collect();
    let beside = ["README.md", "manifest.json"].map(str::to_owned);
    assert_eq!(tree(&folder), named.into_iter().chain(beside).collect());
    for file in manifest.files() {
        let bytes = fs::read(folder.join(&file.path)).unwrap();
        assert_eq!((file.bytes, &file.sha256), (bytes.len() as u64, &sha256_hex(&bytes)));
        assert!(file.path.ends_with(&format!("/{}.parquet", &file.sha256[..12])), "{}", file.path);
    }
    let rows: Vec<_> = built.rows.iter().map(|(table, rows)| (*table, *rows)).collect();
    let expected = [
        ("author_metrics", 1),
        ("author_tags", 3),
        ("authors", 5),
        ("calls", 6),
        ("note_hashtags", 13),
        ("note_images", 4),
        ("note_mentions", 2),
        ("note_metrics", 4),
        ("notes", 4),
        ("rejects", 0),
        ("search_hits", 1),
    ];
    assert_eq!(rows, expected);
    let told: Vec<_> = manifest.tables.iter().map(|(table, entry)| (table.as_str(), entry.rows)).collect();
    assert_eq!(told, expected);
}

#[test]
fn folders_follow_publication_and_observation() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let manifest = manifest(home.path(), 1);
    let folders = |table: &str| -> Vec<String> {
        let files = manifest.tables[table].files.iter();
        files.map(|file| file.path.rsplit_once('/').unwrap().0.replacen(table, "", 1)).collect()
    };
    let months = [
        "/published_month=2023-01",
        "/published_month=2026-02",
        "/published_month=2026-03",
        "/published_month=2026-06",
    ];
    assert_eq!(folders("notes"), months);
    assert_eq!(folders("note_mentions"), ["/published_month=2026-02", "/published_month=2026-06"]);
    assert_eq!(folders("authors"), [""]);
    assert_eq!(folders("calls"), ["/observed_date=2026-11-22"]);
    assert_eq!(folders("rejects"), ["/observed_date=1970-01-01"]);
}

#[test]
fn same_answers_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(first.path(), &samples());
    let mut shuffled = [samples(), samples()].concat();
    shuffled.reverse();
    shuffled.rotate_left(5);
    made(second.path(), &shuffled);
    assert_eq!(tree(&snapshot_folder(first.path(), 1)), tree(&snapshot_folder(second.path(), 1)));
    for file in tree(&snapshot_folder(first.path(), 1)) {
        let read = |home: &Path| fs::read(snapshot_folder(home, 1).join(&file)).unwrap();
        assert_eq!(read(first.path()), read(second.path()), "{file}");
    }
}

/// The bytes must not change without a reason: every dataset in the world would be written anew.
#[test]
fn the_bytes_of_the_samples_are_known() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let paths: Vec<String> = manifest(home.path(), 1).files().map(|file| file.path.clone()).collect();
    assert_eq!(
        sha256_hex(paths.join("\n").as_bytes()),
        "eacfb8d49a42a4b648f7d85754ec92c9d32484d2152323e04a50e986a030cf19"
    );
}

#[test]
fn the_link_and_the_file_name_the_latest() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(latest(home.path()).unwrap(), None);
    made(home.path(), &[found(1, "n1", 1)]);
    made(home.path(), &[found(1, "n1", 1), found(2, "n2", 1)]);
    assert_eq!(latest(home.path()).unwrap(), Some(2));
    let pointer: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path().join("latest.json")).unwrap()).unwrap();
    assert_eq!(pointer, json!({"snapshot": 2, "path": "snapshots/000002"}));
    #[cfg(unix)]
    assert_eq!(fs::read_link(home.path().join("latest")).unwrap(), Path::new("snapshots/000002"));
}

#[test]
fn equal_answers_publish_nothing() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let before = tree(home.path());
    let built = made(home.path(), &samples());
    assert_eq!((built.snapshot, built.published, built.new_notes, built.changed_notes), (1, false, Some(0), Some(0)));
    assert_eq!(tree(home.path()), before);
}

#[cfg(unix)]
#[test]
fn an_unchanged_file_costs_nothing_in_the_next_snapshot() {
    use std::os::unix::fs::MetadataExt as _;
    let home = tempfile::tempdir().unwrap();
    let (old, new) = (found(1, "63b38c37000000001e03de92", 1), found(2, "69abb712000000001600a32a", 1));
    made(home.path(), std::slice::from_ref(&old));
    made(home.path(), &[old, new]);
    let links = |snapshot, month: &str| {
        let folder = snapshot_folder(home.path(), snapshot);
        let file = tree(&folder).into_iter().find(|path| path.starts_with(&format!("notes/published_month={month}/")));
        fs::metadata(folder.join(file.unwrap())).unwrap().nlink()
    };
    assert_eq!((links(1, "2023-01"), links(2, "2023-01"), links(2, "2026-03")), (2, 2, 1));
}

#[test]
fn new_and_changed_notes_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &[found(1, "n1", 1), found(2, "n2", 1)]);
    let later = [found(1, "n1", 1), found(2, "n2", 1), found(3, "n1", 5), found(4, "n2", 1), found(5, "n3", 1)];
    let built = made(home.path(), &later);
    assert_eq!((built.new_notes, built.changed_notes), (Some(1), Some(1)));
}

#[test]
fn a_note_whose_publication_changes_moves() {
    let home = tempfile::tempdir().unwrap();
    let dated = |second, time: i64| {
        let note = json!({"id": "n1", "title": "t", "time": time});
        let body = json!({"code": 0, "data": [{"note_list": [note]}]}).to_string();
        answer("justoneapi", detail("n1"), &body, second)
    };
    made(home.path(), &[dated(1, 1_672_711_223)]);
    let built = made(home.path(), &[dated(1, 1_672_711_223), dated(2, 1_772_861_202)]);
    assert_eq!((built.rows["notes"], built.new_notes), (1, Some(0)));
    let files = &manifest(home.path(), 2).tables["notes"].files;
    assert_eq!(files.len(), 1);
    assert!(files[0].path.starts_with("notes/published_month=2026-03/"));
}

#[test]
fn a_dataset_without_answers_has_every_table() {
    for partition in [Partition::None, Partition::Year, Partition::Month, Partition::Day] {
        let home = tempfile::tempdir().unwrap();
        let built = try_build(home.path(), &[], Layout { partition, ..LAYOUT }, Origin::Live).unwrap();
        assert_eq!(built.rows.values().sum::<u64>(), 0);
        let manifest = manifest(home.path(), 1);
        assert!(manifest.tables.values().all(|table| table.files.len() == 1 && table.rows == 0));
    }
}

#[test]
fn another_layout_is_another_snapshot() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let layout = Layout { partition: Partition::Year, ..LAYOUT };
    let built = try_build(home.path(), &samples(), layout, Origin::Live).unwrap();
    assert_eq!((built.snapshot, built.published, built.new_notes, built.changed_notes), (2, true, Some(0), Some(0)));
    assert!(manifest(home.path(), 2).tables["notes"].files[0].path.starts_with("notes/published_year=2023/"));
}

#[test]
fn rejects_and_skipped_elements_are_counted_by_run() {
    let home = tempfile::tempdir().unwrap();
    let items = json!([null, {"model_type": "ads"}, {"id": "n1", "title": "t", "likes": "?"}, 5]);
    let mut odd = answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": items}}).to_string(), 0);
    odd.run_id = "r2".into();
    let built = made(home.path(), &[odd.clone(), odd, found(1, "n1", 1)]);
    assert_eq!(built.rejects_by_run, [("r2".to_owned(), 2)].into());
    assert_eq!(built.skipped_by_run, [("r2".to_owned(), 2)].into());
    assert_eq!(built.rows["rejects"], 2);
}

#[test]
fn the_card_tells_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let card = fs::read_to_string(snapshot_folder(home.path(), 1).join("README.md")).unwrap();
    for line in [
        "---\npretty_name: Xiaohongshu notes\n",
        "- config_name: note_images\n  data_files: note_images/**/*.parquet\n",
        "| `notes` | 4 | One row for each note",
        "- notes published from 2023-01-03 to 2026-06-02 (UTC)",
        "- answers from 2026-11-22 to 2026-11-22 (UTC)",
        "2 × `note_detail` of justoneapi",
        "| `published_at` | timestamp[us, UTC] | yes |",
    ] {
        assert!(card.contains(line), "{line}\n{card}");
    }
}
