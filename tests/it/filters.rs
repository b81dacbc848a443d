//! What a search asked for, against what the vendor shows: what is left out, what is told of it, and what it costs.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cli::{Desk, report};
use crate::columns::table;
use crate::messages::{assert_seen, seen};
use crate::scripted::{DETAIL, NOTES, Reply, SEARCH, Scripted, full, note_id, ok};

fn days_ago(days: i64) -> i64 {
    (Timestamp::now() - SignedDuration::from_hours(24 * days)).as_second()
}

/// A note of a search or of a user's list.
fn shown(number: u32, kind: &str, days: i64) -> Value {
    json!({
        "id": note_id(number, days_ago(days)), "title": "t", "type": kind, "cursor": "c", "timestamp": days_ago(days),
        "user": { "userid": "u1", "nickname": "n" },
    })
}

/// A page of twenty notes that no other page holds; `of` says what each is by its place.
fn page(number: u32, of: impl Fn(u32) -> (&'static str, i64)) -> Vec<Value> {
    let note = |at| {
        let (kind, days) = of(at);
        shown(number * 100 + at, kind, days)
    };
    (0..20).map(note).collect()
}

fn search(notes: &[Value]) -> Reply {
    ok(json!({ "items": notes }))
}

fn job(vendor: &Scripted, seed: &str) -> String {
    format!(
        "seeds = [{{ {seed} }}]\nexpand = {{ details = false, authors = false }}\n\
         [vendors.justoneapi]\nbase_url = \"{}\"\n",
        vendor.base_url
    )
}

fn notes(desk: &Desk) -> usize {
    table(&desk.path("data/job/latest"), "notes")["note_id"].len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_the_vendor_ignores_stops_costing_and_is_told() {
    let everything = |at: u32| (if at.is_multiple_of(4) { "video" } else { "normal" }, i64::from(at) * 10);
    let vendor = Scripted::start(move |asked| search(&page(asked.param("page").parse().unwrap(), everything))).await;
    for (seed, calls, left, by) in [
        ("keywords = [\"k\"], note_type = \"video\"", 2, 10, "note_type 30"),
        ("keywords = [\"k\"], published = \"week\"", 2, 2, "published 38"),
        ("keywords = [\"k\"], note_type = \"video\", published = \"half_year\"", 2, 10, "note_type 30"),
        ("keywords = [\"k\"], note_type = \"video\", max_pages = 1", 1, 5, "note_type 15"),
    ] {
        vendor.forget();
        let desk = Desk::new(&job(&vendor, seed));
        let output = desk.run(&["run", "job.toml", "--summary", "run.md"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            (output.status.code(), vendor.count(SEARCH), notes(&desk)),
            (Some(3), calls, left),
            "{seed}: {said}"
        );
        assert!(said.contains("  cut short 1 × filter ignored\n"), "{said}");
        let line = format!("{} of {} notes ({by}) of search_notes", 20 * calls - left, 20 * calls);
        assert!(said.contains(&format!("  left out  {line}")), "{line}: {said}");
        let summary = std::fs::read_to_string(desk.path("run.md")).unwrap();
        assert!(summary.contains("- cut short: 1 × `filter ignored`\n"), "{summary}");
        assert!(
            summary.contains(&format!("- left out: {line}").replace(" of search_notes", " of `search_notes")),
            "{summary}"
        );
        let told = report(&desk);
        assert_eq!(told["told"]["cut_short"], json!({ "filter ignored": 1 }));
        assert_eq!(told["told"]["left_out"].as_object().unwrap().len(), 1, "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_heeded_but_for_some_notes_is_walked_to_its_end() {
    let vendor = Scripted::start(|asked| match asked.param("page").parse().unwrap() {
        number @ 1..=3 => {
            search(&page(number, |at| (["video", "normal", "?"][usize::from(at < 3) + usize::from(at == 5) * 2], 1)))
        }
        _ => search(&[]),
    })
    .await;
    let desk = Desk::new(&job(&vendor, "keywords = [\"k\"], note_type = \"video\", published = \"week\""));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    assert_eq!((vendor.count(SEARCH), notes(&desk)), (4, 51), "a note of an unknown type passes");
    let told = report(&desk);
    let left_out = told["told"]["left_out"].as_object().unwrap().values().next().unwrap();
    assert_eq!(left_out, &json!({ "notes": 60, "note_type": 9, "published": 0, "since": 0 }));
    assert_eq!(told["told"]["cut_short"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn since_ends_a_walk_only_where_the_pages_are_in_the_order_of_time() {
    // Old notes first, and in no order: new ones come on the second page.
    let unsorted = |at: u32| ("normal", 100 + i64::from(at * 7 % 20));
    let vendor = Scripted::start(move |asked| {
        let number = asked.param("page").parse().unwrap_or(1 + u32::from(!asked.param("lastCursor").is_empty()));
        let notes = match number {
            1 => page(1, unsorted),
            2 => page(2, |at| ("normal", i64::from(at % 5))),
            _ => Vec::new(),
        };
        match asked.what.as_str() {
            NOTES => ok(json!({ "notes": notes, "has_more": number == 1 })),
            _ => search(&notes),
        }
    })
    .await;
    let since = (Timestamp::now() - SignedDuration::from_hours(24 * 30)).strftime("%Y-%m-%d").to_string();
    for (seed, calls) in
        [("keywords = [\"k\"], sort = \"time_descending\"", 3), ("users = [\"6500000000000000000000a1\"]", 2)]
    {
        vendor.forget();
        let desk = Desk::new(
            &job(&vendor, &format!("{seed}, since = \"{since}\""))
                .replace("[vendors.justoneapi]\n", "[vendors.justoneapi]\nconcurrency = 1\n"),
        );
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0, "{seed}");
        assert_eq!((vendor.lines().len(), notes(&desk)), (calls, 20), "{seed}: {:?}", vendor.lines());
        let told = report(&desk);
        let left_out = told["told"]["left_out"].as_object().unwrap().values().next().unwrap();
        assert_eq!(left_out["since"], json!(20), "{seed}");
    }
    // In order, the first page that is too old is the last.
    let vendor = Scripted::start(|asked| {
        let number: u32 = asked.param("page").parse().unwrap();
        search(&page(number, |at| ("normal", i64::from((number - 1) * 20 + at))))
    })
    .await;
    let desk =
        Desk::new(&job(&vendor, &format!("keywords = [\"k\"], sort = \"time_descending\", since = \"{since}\"")));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    assert_eq!(vendor.count(SEARCH), 3);
    assert!((30..=31).contains(&notes(&desk)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_and_what_stays_unresolved_stand_in_the_table() {
    let vendor =
        Scripted::start(|asked| match asked.what.as_str() {
            SEARCH => {
                let kind = |at: u32| if at.is_multiple_of(3) { "video" } else { "normal" };
                let notes: Vec<Value> = (0..9).map(|at| json!({
                "id": note_id(at, 1_700_000_000), "title": "t", "type": kind(at), "user": { "userid": "u1" },
            })).collect();
                search(&notes)
            }
            DETAIL if asked.param("noteId").ends_with('0') => ok(json!([])),
            _ => full(asked),
        })
        .await;
    let job = job(&vendor, "keywords = [\"k\"], note_type = \"video\", max_pages = 1")
        .replace("details = false", "details = true");
    let desk = Desk::new(&job);
    assert_seen!(desk, &["run", "job.toml"]);
}
