//! Datasets that older versions wrote: brought up to date by a build, and gone on with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Field, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use notemill::dataset::{Manifest, SCHEMA_VERSION, snapshot_folder};
use notemill::model::Zone;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::cli::Desk;

const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/datasets");

/// The job that the stored datasets were made with.
const JOB: &str = r#"
name = "job"
seeds = [{ keywords = ["防晒霜"], max_pages = 1 }, { notes = ["698ab064000000001503876d"] }]
[output]
partition = "year"
"#;

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&path).unwrap(), target).unwrap();
        } else if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// The rows of a snapshot's tables but `notes`, sorted; of each row the columns that the other snapshot has, too.
fn rows(snapshot: &Path, manifest: &Manifest, columns: &BTreeSet<String>) -> Vec<String> {
    let mut rows = Vec::new();
    for file in manifest.files().filter(|file| !file.path.starts_with("notes/")) {
        let table = file.path.split('/').next().unwrap();
        let file = std::fs::File::open(snapshot.join(&file.path)).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let (schema, cells) = (batch.schema(), batch.columns());
            let kept = schema.fields().iter().zip(cells).filter(|(field, _)| columns.contains(&column(table, field)));
            let kept: Vec<_> = kept.collect();
            for at in 0..batch.num_rows() {
                let cells = kept.iter().map(|(field, cells)| format!("{}={}", field.name(), cell(cells, at)));
                rows.push(format!("{table}: {}", cells.collect::<Vec<_>>().join(" ")));
            }
        }
    }
    rows.sort();
    rows
}

fn cell(cells: &ArrayRef, at: usize) -> String {
    let micros = cells.as_primitive_opt::<TimestampMicrosecondType>();
    let micros = micros.map(|micros| if micros.is_valid(at) { micros.value(at).to_string() } else { String::new() });
    micros.unwrap_or_else(|| array_value_to_string(cells, at).unwrap())
}

fn column(table: &str, field: &Field) -> String {
    format!("{table}.{}", field.name())
}

fn columns(snapshot: &Path, manifest: &Manifest) -> BTreeSet<String> {
    let columns = manifest.files().flat_map(|file| {
        let table = file.path.split('/').next().unwrap().to_owned();
        let file = std::fs::File::open(snapshot.join(&file.path)).unwrap();
        let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
        schema.fields().iter().map(|field| column(&table, field)).collect::<Vec<_>>()
    });
    columns.collect()
}

fn stored() -> Vec<PathBuf> {
    let mut stored: Vec<_> = std::fs::read_dir(STORED).unwrap().map(|entry| entry.unwrap().path()).collect();
    stored.retain(|path| path.is_dir());
    stored.sort();
    assert!(!stored.is_empty());
    stored
}

#[test]
fn a_dataset_of_an_older_version_is_brought_up_to_date_by_a_build() {
    for stored in stored() {
        let desk = Desk::new(JOB);
        copy(&stored, &desk.path("data/job"));
        let before = Manifest::read(&desk.path("data/job/latest")).unwrap();
        assert!(before.schema_version < SCHEMA_VERSION, "store one of this version when the next one comes");
        for words in [&["status", "job.toml"][..], &["status", "data/job"]] {
            assert_eq!(desk.code(words), 0, "{words:?} on {}", stored.display());
        }
        assert_eq!(desk.code(&["build", "job.toml"]), 0);
        let after = Manifest::read(&desk.path("data/job/latest")).unwrap();
        assert_eq!((after.schema_version, after.snapshot), (SCHEMA_VERSION, before.snapshot + 1));
        assert_eq!([&before.layout.time_zone, &after.layout.time_zone], [&Zone::UTC, &Zone::default()]);
        let [was, is] = [&before, &after].map(|manifest| snapshot_folder(&desk.path("data/job"), manifest.snapshot));
        let columns = &columns(&was, &before) & &columns(&is, &after);
        assert!(columns.len() > 80, "{columns:?}");
        assert_eq!(rows(&is, &after, &columns), rows(&was, &before, &columns), "what the tables hold is what it was");
        let (old, new) = (before.snapshot.to_string(), after.snapshot.to_string());
        let told = desk.run(&["diff", "job.toml", &old, &new, "--json"]);
        let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"));
        // The first version took a detail that was code 0 and showed nothing for a note that is gone; it has no row now.
        // Nine notes that searches alone have shown are known to be there, which that version left open.
        let is_first = before.schema_version == 1;
        let (gone, columns) = if is_first {
            (json!({ "count": 1, "ids": ["698ab064000000001503876d"] }), json!({ "is_gone": 9 }))
        } else {
            (json!({ "count": 0, "ids": [] }), json!({}))
        };
        assert_eq!(told["rows"]["calls"], json!({ "before": 11, "after": 11 }));
        assert_eq!((&told["notes"]["gone"], &told["notes"]["columns"]), (&gone, &columns));
        assert_eq!(told["notes"]["new"]["count"], 0);
        for change in ["new", "gone", "changed"] {
            assert_eq!(told["authors"][change]["count"], 0, "{told:#}");
        }
        let verified = desk.run(&["verify", "job.toml"]);
        assert_eq!(verified.status.code(), Some(0), "{verified:?}");
        assert_eq!(desk.code(&["build", "job.toml", "--from-scratch"]), 0);
        assert_eq!(Manifest::read(&desk.path("data/job/latest")).unwrap(), after);
        assert_eq!(desk.code(&["plan", "job.toml", "--sandbox"]), 0);
        // The unfinished run goes on; nothing is paid for again.
        let run = desk.run(&["run", "job.toml", "--sandbox"]);
        // The first version's detail that showed nothing is unresolved now.
        let said = String::from_utf8_lossy(&run.stdout);
        assert_eq!(run.status.code(), Some(if is_first { 3 } else { 0 }), "{said}");
        assert_eq!(said.contains("empty     1 × note_detail"), is_first, "{said}");
        assert_eq!(desk.code(&["verify", "job.toml"]), 0);
    }
}

#[test]
fn without_a_job_an_older_dataset_gets_the_default_zone_and_a_newer_one_keeps_its_own() {
    for stored in stored() {
        let desk = Desk::new(JOB);
        copy(&stored, &desk.path("data/job"));
        let latest = || Manifest::read(&desk.path("data/job/latest")).unwrap();
        let before = latest();
        let build = |target: &str, snapshots: u64, zone: &str| {
            assert_eq!(desk.code(&["build", target]), 0);
            let after = latest();
            assert_eq!(
                (after.snapshot - before.snapshot, after.layout.time_zone.name()),
                (snapshots, zone),
                "{target}"
            );
            assert_eq!(after.layout.partition, before.layout.partition);
        };
        build("data/job", 1, "Asia/Shanghai");
        let zone = |zone: &str| desk.write("job.toml", &format!("{JOB}time_zone = \"{zone}\"\n"));
        zone("america/new_york");
        build("job.toml", 2, "America/New_York");
        build("data/job", 2, "America/New_York");
        zone("UTC");
        build("job.toml", 3, "UTC");
        assert_eq!(desk.code(&["verify", "data/job"]), 0);
    }
}
