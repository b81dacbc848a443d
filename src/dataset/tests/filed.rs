//! In which folders rows lie: by the date in the dataset's time zone, and none without a date.

use std::collections::BTreeMap;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::same_bytes::any_answer;
use super::*;
use crate::dataset::FileEntry;
use crate::model::NoteId;

pub(super) const ZONES: [&str; 6] =
    ["UTC", "Asia/Shanghai", "America/New_York", "Europe/London", "Pacific/Kiritimati", "Pacific/Pago_Pago"];

pub(super) fn any_layout() -> impl Strategy<Value = Layout> {
    let partition = prop::sample::select(vec![Partition::None, Partition::Year, Partition::Month, Partition::Day]);
    (partition, prop::sample::select(ZONES.to_vec())).prop_map(|(partition, zone)| Layout {
        partition,
        time_zone: zone.parse().unwrap(),
        ..LAYOUT
    })
}

/// Reads the rows of a file.
fn rows(home: &Path, file: &FileEntry) -> Vec<RecordBatch> {
    let file = fs::File::open(snapshot_folder(home, 1).join(&file.path)).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    batch.column_by_name(column).unwrap().as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
}

fn times(batch: &RecordBatch, column: &str) -> Vec<Option<Timestamp>> {
    let times = batch.column_by_name(column).unwrap().as_primitive::<TimestampMicrosecondType>();
    times.iter().map(|micros| micros.map(|micros| Timestamp::from_microsecond(micros).unwrap())).collect()
}

/// The folder in which a row of this time must lie, by strftime and not by the code under test.
fn expected(table: &str, layout: &Layout, zone: &TimeZone, time: Timestamp) -> String {
    let format = match (table, layout.partition) {
        ("search_hits" | "note_metrics" | "author_metrics" | "calls" | "rejects", _) => "observed_date=%Y-%m-%d",
        ("authors" | "author_tags", _) | (_, Partition::None) => return table.to_owned(),
        (_, Partition::Year) => "published_year=%Y",
        (_, Partition::Month) => "published_month=%Y-%m",
        (_, Partition::Day) => "published_date=%Y-%m-%d",
    };
    format!("{table}/{}", time.to_zoned(zone.clone()).strftime(format))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_row_lies_at_its_date_in_the_zone_and_no_folder_is_without_one(
        answers in prop::collection::vec(any_answer(), 1..16),
        layout in any_layout(),
    ) {
        let home = tempfile::tempdir().unwrap();
        try_build(home.path(), &answers, layout.clone(), Origin::Live).unwrap();
        let manifest = manifest(home.path(), 1);
        prop_assert_eq!(&manifest.layout.time_zone, &layout.time_zone);
        prop_assert!(manifest.files().all(|file| !file.path.contains("__HIVE_DEFAULT_PARTITION__")));
        let zone = TimeZoneDatabase::bundled().get(layout.time_zone.name()).unwrap();

        let (mut notes, mut calls) = (BTreeMap::new(), BTreeMap::new());
        for batch in manifest.tables["notes"].files.iter().flat_map(|file| rows(home.path(), file)) {
            let (published, first) = (times(&batch, "published_at"), times(&batch, "first_seen_at"));
            for (at, id) in texts(&batch, "note_id").into_iter().enumerate() {
                let in_id = NoteId::parse(&id).unwrap().created_at();
                let time = published[at].or(in_id).or(first[at]).unwrap();
                prop_assert!(notes.insert(id, time).is_none(), "a note lies in two folders");
            }
        }
        for batch in manifest.tables["calls"].files.iter().flat_map(|file| rows(home.path(), file)) {
            for (key, time) in texts(&batch, "call_key").into_iter().zip(times(&batch, "observed_at")) {
                calls.entry(key).or_insert_with(Vec::new).push(time.unwrap());
            }
        }
        for (table, entry) in &manifest.tables {
            for file in &entry.files {
                let folder = file.path.rsplit_once('/').unwrap().0;
                for batch in rows(home.path(), file) {
                    let filed: Vec<Timestamp> = match table.as_str() {
                        "authors" | "author_tags" => continue,
                        // A row of `rejects` has no time: it came with one of the answers to its call.
                        "rejects" => {
                            for key in texts(&batch, "call_key") {
                                let at = calls[&key].iter().map(|time| expected(table, &layout, &zone, *time));
                                prop_assert!(at.collect::<Vec<_>>().contains(&folder.to_owned()));
                            }
                            continue;
                        }
                        "search_hits" | "note_metrics" | "author_metrics" | "calls" => {
                            times(&batch, "observed_at").into_iter().flatten().collect()
                        }
                        _ => texts(&batch, "note_id").iter().map(|id| notes[id]).collect(),
                    };
                    prop_assert_eq!(filed.len(), batch.num_rows());
                    for time in filed {
                        prop_assert_eq!(folder, expected(table, &layout, &zone, time));
                    }
                }
            }
        }
    }
}

/// Lists the folders of a table.
fn folders(home: &Path, snapshot: u64, table: &str) -> Vec<String> {
    let files = &manifest(home, snapshot).tables[table].files;
    files.iter().map(|file| file.path.rsplit_once('/').unwrap().0.to_owned()).collect()
}

#[test]
fn a_note_without_any_time_lies_where_it_was_first_seen_and_moves_when_that_was_earlier() {
    const DAY: i64 = 86_400;
    let home = tempfile::tempdir().unwrap();
    // 2026-12-02, and 2026-12-12 of another note.
    let mut parts = vec![Kept::new(&[found(10 * DAY, "n1", 1)]), Kept::new(&[found(20 * DAY, "n2", 1)])];
    let built = |parts: &[Kept]| {
        let (disk, recipe) = (Disk::machine(), Recipe::default());
        build(parts, &disk, home.path(), &LAYOUT, &recipe, Origin::Live, Effort::default()).unwrap()
    };
    let first = built(&parts);
    assert_eq!(folders(home.path(), first.snapshot, "notes"), ["notes/published_month=2026-12"]);
    // Later answers leave it where it is, also in a month of its own.
    parts.push(Kept::new(&[found(70 * DAY, "n1", 5)]));
    let second = built(&parts);
    assert_eq!(folders(home.path(), second.snapshot, "notes"), ["notes/published_month=2026-12"]);
    assert_eq!((second.rows["notes"], second.changed_notes), (2, Some(1)));
    // An older one is learnt: 2026-11-22. The other note stays.
    parts.push(Kept::new(&[found(0, "n1", 1)]));
    let third = built(&parts);
    let both = ["notes/published_month=2026-11", "notes/published_month=2026-12"];
    assert_eq!(folders(home.path(), third.snapshot, "notes"), both);
    assert_eq!((third.rows["notes"], third.new_notes), (2, Some(0)));
    // An answer tells when it was published, and it moves once more.
    let note = json!({"id": "n1", "title": "t", "time": 1_672_711_223});
    let body = json!({"code": 0, "data": [{"note_list": [note]}]}).to_string();
    parts.push(Kept::new(&[answer("justoneapi", detail("n1"), &body, 71 * DAY)]));
    let fourth = built(&parts);
    let moved = ["notes/published_month=2023-01", "notes/published_month=2026-12"];
    assert_eq!(
        (folders(home.path(), fourth.snapshot, "notes"), fourth.rows["notes"]),
        (moved.map(str::to_owned).to_vec(), 2)
    );
    let disk = Disk::machine();
    let effort = Effort { from_scratch: true, ..Effort::default() };
    let again = build(&parts, &disk, home.path(), &LAYOUT, &Recipe::default(), Origin::Live, effort).unwrap();
    assert!(!again.published, "a build from scratch gives the same bytes");
}

#[test]
fn another_time_zone_files_everything_anew() {
    // 08:00 UTC is 21:00 of the day before in Pago Pago.
    let (home, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let layout = |zone: &str| Layout { time_zone: zone.parse().unwrap(), ..LAYOUT };
    for (at, (zone, day)) in
        [("Asia/Shanghai", "2026-11-22"), ("Pacific/Pago_Pago", "2026-11-21"), ("UTC", "2026-11-22")]
            .into_iter()
            .enumerate()
    {
        let built = try_build(home.path(), &samples(), layout(zone), Origin::Live).unwrap();
        assert_eq!(
            (built.snapshot, built.published, built.changed_notes.unwrap_or(0)),
            (at as u64 + 1, true, 0),
            "{zone}"
        );
        assert_eq!(folders(home.path(), built.snapshot, "calls"), [format!("calls/observed_date={day}")], "{zone}");
        assert!(!try_build(home.path(), &samples(), layout(zone), Origin::Live).unwrap().published, "{zone}");
    }
    try_build(whole.path(), &samples(), layout("UTC"), Origin::Live).unwrap();
    assert_eq!(manifest(home.path(), 3).tables, manifest(whole.path(), 1).tables);
}

#[test]
fn the_manifest_and_the_card_name_the_zone_and_an_older_manifest_has_none() {
    let home = tempfile::tempdir().unwrap();
    let layout = Layout { time_zone: "america/new_york".parse().unwrap(), ..LAYOUT };
    try_build(home.path(), &samples(), layout.clone(), Origin::Live).unwrap();
    let folder = snapshot_folder(home.path(), 1);
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    assert!(text.contains("\"time_zone\": \"America/New_York\""), "{text}");
    assert_eq!(manifest(home.path(), 1).wanted_layout().time_zone, layout.time_zone);
    let card = fs::read_to_string(folder.join("README.md")).unwrap();
    for line in [
        "All timestamp columns are UTC. `published_month` and `observed_date`, which readers make of the folders' names, \
         count dates in America/New_York.",
        "Partitioned by the date of the answer in America/New_York.",
        "when it was first seen; dates count in America/New_York.",
    ] {
        assert!(card.contains(line), "{line}\n{card}");
    }
    // What version 2 wrote.
    let older = text
        .replace("    \"time_zone\": \"America/New_York\",\n", "")
        .replace("\"schema_version\": 3", "\"schema_version\": 2");
    assert_ne!(older.len(), text.len());
    fs::write(folder.join("manifest.json"), older).unwrap();
    let older = manifest(home.path(), 1);
    assert_eq!(older.layout.time_zone, Zone::UTC, "it counted in UTC");
    assert_eq!(older.wanted_layout().time_zone, Zone::default());
}
