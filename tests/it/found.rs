//! What a run says of its searches and figures, against a provider that follows a script.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use notemill::archive;
use notemill::dataset::{self, Effort, Layout, Origin};
use notemill::flatten::Recipe;
use notemill::state::State;
use serde_json::Value;

use crate::cli::{Desk, report};
use crate::scripted::{Asked, DETAIL, SEARCH, Scripted, code, full, note_id, search_page};

const PRICES: &str = "price = { search_notes = 1.0, note_detail = 0.5 }\n";

fn job(vendor: &Scripted, seeds: &str) -> String {
    let url = &vendor.base_url;
    format!("{seeds}\nexpand = {{ authors = false }}\n[vendors.justoneapi]\nbase_url = \"{url}\"\n{PRICES}")
}

fn ids(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| note_id(number, 1_700_000_000)).collect()
}

fn page(asked: &Asked) -> u32 {
    asked.param("page").parse().unwrap()
}

fn said(desk: &Desk, words: &[&str]) -> String {
    let output = desk.run(words);
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn search<'a>(report: &'a Value, keyword: &str) -> &'a Value {
    report["searches"].as_array().unwrap().iter().find(|search| search["keyword"] == keyword).unwrap()
}

/// A provider whose searches show `a` and `b` on a page each, until one of them falls silent.
async fn falling(night: Arc<AtomicU32>) -> Scripted {
    Scripted::start(move |asked| match asked.what.as_str() {
        SEARCH if page(asked) > 1 => search_page(&[]),
        SEARCH if asked.param("keyword") == "a" => match night.load(Ordering::SeqCst) {
            0 => search_page(&ids(1..9)),
            _ => search_page(&[]),
        },
        SEARCH => search_page(&ids(6..11)),
        _ => full(asked),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_search_has_its_line_and_a_keyword_that_fell_silent_is_named() {
    let night = Arc::new(AtomicU32::new(0));
    let vendor = falling(night.clone()).await;
    let desk = Desk::new(&job(&vendor, "seeds = [{ keywords = [\"a\", \"b\"] }]"));
    let first = said(&desk, &["run", "job.toml", "--summary", "first.md"]);
    let told = report(&desk);
    for (keyword, notes, new) in [("a", 8, 8), ("b", 5, 5)] {
        let line = search(&told, keyword);
        assert_eq!((line["pages"].as_u64(), line["notes"].as_u64()), (Some(2), Some(notes)), "{line}");
        assert_eq!((line["new_notes"].as_u64(), &line["ended"]), (Some(new), &"no more notes".into()), "{line}");
    }
    assert!(told["silent"].as_array().unwrap().is_empty() && !first.contains("none now"), "{first}");
    // Three notes stand in both lists, and are paid for once.
    assert_eq!((told["saved"]["duplicates"].as_u64(), told["saved"]["duplicates_cost"].as_f64()), (Some(3), Some(1.5)));
    assert!(first.contains("saved     3 details") && first.contains("worth 1.50"), "{first}");
    let lines: Vec<&str> = first.trim_end().lines().filter(|line| line.starts_with("  ")).rev().take(2).collect();
    assert!(lines[0].starts_with("  next      notemill run job.toml"), "{first}");
    assert!(lines[1].starts_with("  read      data/job/latest"), "{first}");

    night.store(1, Ordering::SeqCst);
    let second = said(&desk, &["run", "job.toml", "--summary", "second.md"]);
    let run = told["run"].as_str().unwrap();
    let warning = format!("`a` showed 8 notes in run {run}, and none now");
    assert!(second.contains(&warning), "{second}");
    let told = report(&desk);
    assert_eq!((search(&told, "a")["notes"].as_u64(), search(&told, "b")["new_notes"].as_u64()), (Some(0), Some(0)));
    assert_eq!(told["silent"][0]["before"], 8);
    assert!(told["no_notes"].is_null(), "the other keyword showed notes");
    let page = std::fs::read_to_string(desk.path("second.md")).unwrap();
    assert!(
        page.contains(&warning) && page.contains("| `b` | general | all | any | 2 | 5 | 0 | no more notes |"),
        "{page}"
    );
    // The third is compared with the second, which had none.
    assert!(!said(&desk, &["run", "job.toml"]).contains("none now"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_notes_says_so_and_why() {
    let vendor = Scripted::start(|asked| match (asked.what.as_str(), asked.param("keyword")) {
        (SEARCH, "bare") => search_page(&[]),
        (SEARCH, "failed") => code(400),
        (SEARCH, _) => search_page(&ids(1..4)),
        _ => full(asked),
    })
    .await;
    for (seeds, more, why) in [
        ("seeds = [{ keywords = [\"bare\"] }]", &[][..], "the dataset is empty: 1 of 1 searches showed nothing"),
        ("seeds = [{ keywords = [\"failed\"] }]", &[], "the dataset is empty: 1 calls were given up"),
        // The second of a note's id is when it was made.
        (
            "seeds = [{ keywords = [\"old\"], since = \"2030-01-01\" }]",
            &[],
            "the dataset is empty: searches showed 3 notes, and none passed the job's limits and filters",
        ),
        (
            "seeds = [{ keywords = [\"k\"] }]",
            &["--max-calls", "0"],
            "the dataset is empty: no call was sent: stopped at the cap max_calls = 0",
        ),
    ] {
        let desk = Desk::new(&job(&vendor, seeds));
        let words: Vec<&str> = ["run", "job.toml", "--summary", "s.md"].iter().chain(more).copied().collect();
        let text = said(&desk, &words);
        assert!(text.contains(&format!("  no notes  {why}")), "{seeds}: {text}");
        assert_eq!(report(&desk)["no_notes"], why);
        assert!(std::fs::read_to_string(desk.path("s.md")).unwrap().contains(&format!("- no notes: {why}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_agree_over_continuations_and_builds_in_between() {
    for between in ["nothing", "a build", "a build that is killed before it is counted"] {
        figures_agree(between).await;
    }
}

async fn figures_agree(between: &str) {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => search_page(&ids(20 * page(asked)..20 * page(asked) + if page(asked) > 3 { 0 } else { 20 })),
        _ => full(asked),
    })
    .await;
    let desk = Desk::new(&job(&vendor, "seeds = [{ keywords = [\"k\"] }]\nbudget = { order = \"breadth\" }"));
    assert_eq!(desk.code(&["run", "job.toml", "-q", "--max-calls", "1"]), 4);
    let first = report(&desk);
    assert_eq!((&first["new_notes"], &first["snapshot_new_notes"]), (&20.into(), &20.into()));
    interrupted(&desk, &vendor).await;
    match between {
        "nothing" => {}
        "a build" => assert_eq!(desk.code(&["build", "job.toml"]), 0),
        _ => publish(&desk),
    }
    let text = said(&desk, &["run", "job.toml"]);
    let last = report(&desk);
    assert_eq!(last["run"], first["run"]);
    assert_eq!(search(&last, "k")["new_notes"], 60, "{text}");
    let (this_run, total) = (&last["this_run"], &last["in_total"]);
    assert_eq!(this_run, total, "one run is all: {text}");
    assert_eq!((this_run["notes"].as_u64(), this_run["new_notes"].as_u64()), (Some(60), Some(60)));
    assert_eq!(this_run["sent"].as_u64(), Some(vendor.lines().len() as u64));
    let diff: Value = serde_json::from_slice(&desk.run(&["diff", "job.toml", "--json"]).stdout).unwrap();
    assert_eq!(diff["notes"]["new"]["count"], last["snapshot_new_notes"]);
    let status: Value = serde_json::from_slice(&desk.run(&["status", "job.toml", "--json"]).stdout).unwrap();
    assert_eq!(status["runs"][0]["new_notes"], 60);
    assert_eq!(
        (&status["calls"], &status["cost"], &status["snapshot"]),
        (&total["sent"], &total["cost"], &total["snapshots"])
    );
}

/// Publishes a snapshot as a build does that is killed before it says so.
fn publish(desk: &Desk) {
    let folder = desk.path("data/job");
    let mut state = State::open(&folder).unwrap();
    let segments = archive::segments(&mut state).unwrap();
    let (layout, recipe) = (Layout::default(), Recipe::default());
    dataset::build(&segments, state.disk(), &folder, &layout, &recipe, Origin::Live, Effort::default()).unwrap();
}

/// Crawls a few calls more and ends without a build, as a kill does.
async fn interrupted(desk: &Desk, vendor: &Scripted) {
    let mut job = notemill::job::load(&desk.path("job.toml"), None).unwrap();
    job.dataset = desk.path("data/job");
    job.budget.max_calls = Some(30);
    let mut state = State::open(&job.dataset).unwrap();
    let begun = notemill::crawl::begin(&job, &mut state, notemill::crawl::Begin::Continue).unwrap();
    let keys = [("justoneapi".to_owned(), notemill::fetch::Key::new("k-0123456789").unwrap())].into();
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let hasty = crate::support::hasty();
    notemill::crawl::run(&job, &mut state, &begun, &keys, hasty, stop, &mut |_| {}).await.unwrap();
    assert!(vendor.count(SEARCH) > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_free_of_charge_is_not_saved() {
    // The code for nothing there is not billed.
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH if page(asked) > 1 => search_page(&[]),
        SEARCH => search_page(&ids(1..4)),
        DETAIL if asked.param("noteId").ends_with('1') => code(404),
        _ => full(asked),
    })
    .await;
    let seeds = "seeds = [{ keywords = [\"a\", \"b\"] }]\nrefresh = { searches = \"12h\" }";
    let desk = Desk::new(&job(&vendor, seeds));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    let first = report(&desk);
    assert_eq!((first["saved"]["duplicates"].as_u64(), first["spent"]["calls"].as_u64()), (Some(2), Some(6)));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    let second = report(&desk);
    assert_eq!((&second["this_run"]["sent"], &second["saved"]["duplicates"]), (&0.into(), &0.into()));
    assert_eq!(second["saved"]["reused"], first["spent"]["calls"], "what was billed then, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_its_log_line() {
    let night = Arc::new(AtomicU32::new(0));
    let vendor = falling(night).await;
    let desk = Desk::new(&job(&vendor, "seeds = [{ keywords = [\"a\"] }]"));
    let output = desk.run(&["run", "job.toml", "-v"]);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let calls: Vec<&str> = log.lines().filter(|line| line.contains(" call endpoint=")).collect();
    assert_eq!(calls.len(), vendor.lines().len(), "{log}");
    let first = calls[0];
    for part in [
        "endpoint=\"search_notes\"",
        "\"keyword\":\"a\"",
        "justoneapi",
        "outcome=\"ok\"",
        "code=\"0\"",
        "notes=8",
        " ms=",
        "cost=1.00",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(!log.contains(" send ") && !String::from_utf8_lossy(&output.stdout).contains(" call endpoint="));
    let more = desk.run(&["run", "job.toml", "-vv"]);
    let log = String::from_utf8_lossy(&more.stderr).into_owned();
    assert!(log.contains(" send endpoint=") && log.contains("used an earlier answer again"), "{log}");
    let quiet = desk.run(&["run", "job.toml"]);
    assert!(!String::from_utf8_lossy(&quiet.stderr).contains(" call endpoint="));
}
