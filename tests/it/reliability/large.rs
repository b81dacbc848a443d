//! A build's memory is bounded by one partition, not by the dataset: many notes of 24 months, in a process of their own.
//!
//! The answers are made up as they are read, so that no archive has to be stored first: pages of 20 notes, in the order in
//! which a crawl meets them, which is none. A first build learns all but the last few pages, and a second one the rest, as
//! a night does. The peak is the process's own, as the system counts it.

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use jiff::Timestamp;
use notemill::dataset::{self, Effort, Layout, Manifest, Origin, Part};
use notemill::disk::Disk;
use notemill::flatten::Recipe;
use notemill::model::{Answer, Billed, Body, Call, Money, Outcome, Query};
use serde_json::{Value, json};

use super::{Draws, Promise, say};

pub(super) const PROMISE: Promise = Promise {
    name: "large datasets are built",
    shown_by: "thousands of notes of 24 months, built from nothing and then a night's worth more; the process's own peak",
    must_hold: "at most 256 MiB at any size; every note in its month",
    ci: 40,
    long: 10_000,
    show,
};

#[test]
fn large_datasets_are_built() {
    PROMISE.hold();
}

const LIMIT: u64 = 256 << 20;
/// 2024-11-01 where the platform is, and how many seconds later the last note was published.
const FIRST: u64 = 1_730_390_400;
const SPAN: u64 = 730 * 86_400;
const NOTES_A_PAGE: u64 = 20;
const PAGES_A_PART: u64 = 500;
/// Pages that the second build learns.
const NIGHT: u64 = 50;
const VARIABLE: &str = "NOTEMILL_LARGE_NOTES";

fn show(thousands: u64) -> String {
    let notes = thousands * 1000;
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reliability::large::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(VARIABLE, notes.to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{told}{}", String::from_utf8_lossy(&child.stderr));
    let told = told.lines().find_map(|line| line.strip_prefix("large: ")).unwrap().to_owned();
    let told: Value = serde_json::from_str(&told).unwrap();
    let peak = told["peak"].as_u64().unwrap();
    assert!(peak <= LIMIT, "{} MiB for {notes} notes", peak >> 20);
    format!(
        "{notes} notes in {} files: {} s, {} s for {} more pages, {} MiB at most",
        told["files"],
        told["first"],
        told["second"],
        NIGHT,
        peak >> 20
    )
}

#[test]
#[ignore = "started by another test, with a size"]
fn in_a_process_of_its_own() {
    let Ok(notes) = std::env::var(VARIABLE) else { return };
    let notes: u64 = notes.parse().unwrap();
    let home = tempfile::tempdir().unwrap();
    let pages = notes / NOTES_A_PAGE;
    let parts = |until: u64| -> Vec<Pages> {
        (0..until.div_ceil(PAGES_A_PART)).map(|at| Pages::new(at, until.min((at + 1) * PAGES_A_PART), pages)).collect()
    };
    let mut all = parts(pages - NIGHT);
    let begun = Instant::now();
    build(home.path(), &all);
    let first = begun.elapsed().as_secs();
    let begun = Instant::now();
    all.push(Pages { id: "night".into(), range: pages - NIGHT..pages, of: pages });
    let rows = build(home.path(), &all);
    let second = begun.elapsed().as_secs();

    let manifest = Manifest::read(&home.path().join("latest")).unwrap();
    assert_eq!((rows, manifest.tables["notes"].rows), (notes, notes));
    let mut months: Vec<&str> =
        manifest.tables["notes"].files.iter().map(|file| file.path.split('/').nth(1).unwrap()).collect();
    months.dedup();
    assert_eq!(months.len(), 24, "{months:?}");
    let files = manifest.files().count();
    say(&format!("large: {}", json!({"files": files, "first": first, "second": second, "peak": peak()})));
}

fn build(home: &Path, parts: &[Pages]) -> u64 {
    let (disk, layout, recipe) = (Disk::machine(), Layout::default(), Recipe::default());
    let built = dataset::build(parts, &disk, home, &layout, &recipe, Origin::Sandbox, Effort::default()).unwrap();
    built.rows["notes"]
}

/// The most memory that this process ever had, in bytes; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Some pages of a made-up search that shows every note once.
struct Pages {
    id: String,
    range: std::ops::Range<u64>,
    of: u64,
}

impl Pages {
    fn new(at: u64, end: u64, of: u64) -> Self {
        Self { id: format!("part {at}"), range: at * PAGES_A_PART..end, of }
    }
}

impl Part for Pages {
    type Error = Infallible;
    type Batch = Vec<Answer>;

    fn id(&self) -> &str {
        &self.id
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<Vec<Answer>, Infallible>>, Infallible> {
        let (mut pages, of) = (self.range.clone(), self.of);
        let batch = move || {
            let batch: Vec<Answer> = pages.by_ref().take(32).map(|page| answer(page, of)).collect();
            (!batch.is_empty()).then_some(Ok(batch))
        };
        Ok(std::iter::from_fn(batch))
    }
}

fn answer(page: u64, pages: u64) -> Answer {
    let items = (0..NOTES_A_PAGE).map(|place| {
        // A step that shares no factor with the number of notes meets each of them once, far from the last one.
        let number = (page * NOTES_A_PAGE + place) * 7_368_787 % (pages * NOTES_A_PAGE);
        json!({"model_type": "note", "note": note(number, pages * NOTES_A_PAGE)})
    });
    let body = json!({"code": 0, "data": {"items": items.collect::<Vec<_>>()}}).to_string();
    Answer {
        run_id: "20261101T000000Z".into(),
        call: Call::SearchNotes {
            query: Query { keyword: format!("词{}", page / 11), ..Query::default() },
            page: (page % 11 + 1) as u32,
        },
        vendor: "justoneapi".into(),
        sequence: (FIRST + SPAN) as i64 * 1_000_000 + page as i64 * 100_000,
        observed_at: Timestamp::from_microsecond((FIRST + SPAN) as i64 * 1_000_000 + page as i64 * 100_000).unwrap(),
        outcome: Outcome::Ok,
        vendor_code: Some("0".into()),
        http_status: Some(200),
        attempts: 1,
        latency_ms: 50,
        billed: Billed::Yes,
        cost: Money::from_micros(100_000),
        seed: Some(1),
        items_path: Some("/data/items".into()),
        admitted: None,
        body: Some(Body::Raw(body.into_bytes())),
    }
}

fn note(number: u64, notes: u64) -> Value {
    let mut draws = Draws(number);
    let second = FIRST + number * SPAN / notes;
    let user = draws.below(notes / 8 + 1);
    let words = ["防晒", "露营", "咖啡", "通勤", "敏感肌", "平价", "攻略", "测评", "夏天", "周末", "推荐", "分享"];
    let mut text = |length: u64| -> String {
        (0..length).map(|_| words[draws.below(words.len() as u64) as usize]).collect::<Vec<_>>().join("")
    };
    let (title, desc) = (text(6), text(40));
    let likes = draws.below(20_000);
    let images: Vec<Value> = (0..=draws.below(4))
        .map(|at| {
            let file = format!("1040g{number:012x}{at}");
            json!({"fileid": file, "url": format!("https://img.example.com/{file}?t=6a"), "width": 1080, "height": 1440})
        })
        .collect();
    json!({
        "id": format!("{second:08x}00000000{number:08x}"),
        "title": title, "desc": format!("{desc} #{}[话题]#", words[draws.below(12) as usize]), "type": "normal",
        "timestamp": second, "liked_count": likes, "collected_count": likes / 3, "comments_count": likes / 20,
        "user": {"userid": format!("5c2f338a{user:016x}"), "nickname": format!("小红薯{user}"), "images": "https://img.example.com/a"},
        "images_list": images, "xsec_token": format!("AB{number:030x}"),
    })
}
