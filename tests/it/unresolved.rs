//! Details and profiles that are a success and show nothing: who is asked next, how often, and what is told of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::cli::{Desk, KEY, report};
use crate::columns::table;
use crate::scripted::{Asked, DETAIL, PROFILE, Reply, SEARCH, Scripted, code, full, listed, note_id, ok};

/// A second vendor, as a user describes it, that serves details and profiles.
const MINE: &str = r#"
name = "mine"
base_urls = { global = "https://api.example.com" }
key = { env = "MINE_TOKEN", header = "Authorization" }
[envelope]
code = "/status"
data = "/result"
billed = [1]
outcomes = { ok = [1], empty = [40], stop = [9] }
[calls.note_detail]
default = "v1"
v1 = { path = "/xhs/note", params = { note_id = "id" }, items = ["/note"] }
[calls.user_profile]
default = "v1"
v1 = { path = "/xhs/user", params = { user_id = "id" }, items = ["/user"] }
"#;
const SECOND: &str = "xhs/note";
const SECOND_USER: &str = "xhs/user";

fn id(number: u32) -> String {
    note_id(number, 1_700_000_000)
}

fn second(result: &Value) -> Reply {
    Reply::Json(json!({ "status": 1, "result": result }))
}

/// A job with both vendors; `route` names who answers details and profiles.
fn job(vendor: &Scripted, head: &str, route: &str) -> String {
    let url = &vendor.base_url;
    format!(
        "{head}\n[route]\nnote_detail = {route}\nuser_profile = {route}\n\
         [vendors.justoneapi]\nbase_url = \"{url}\"\nconcurrency = 1\nprice = {{ note_detail = 0.15 }}\n\
         [vendors.mine]\nfile = \"mine.toml\"\nbase_url = \"{url}\"\nconcurrency = 1\nprice = {{ note_detail = 0.4 }}\n"
    )
}

const BOTH: &str = r#"["justoneapi", "mine"]"#;

fn desk(job: &str) -> Desk {
    let desk = Desk::new(job);
    desk.write("mine.toml", MINE);
    desk
}

/// Runs the job; returns the exit code, what was said, and the calls by path since the last run.
fn run(desk: &Desk, vendor: &Scripted, more: &[&str]) -> (i32, String, [usize; 2]) {
    vendor.forget();
    let words = [&["run", "job.toml"], more].concat();
    let output = desk.command(&words).env("MINE_TOKEN", KEY).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said, [vendor.count(DETAIL), vendor.count(SECOND)])
}

/// Ids and `is_gone` of the notes.
fn notes(desk: &Desk) -> Vec<(String, Option<String>)> {
    let mut columns = table(&desk.path("data/job/latest"), "notes");
    let ids = columns.remove("note_id").unwrap().into_iter().flatten();
    let mut notes: Vec<_> = ids.zip(columns.remove("is_gone").unwrap()).collect();
    notes.sort();
    notes
}

fn note(number: u32, is_gone: &str) -> (String, Option<String>) {
    (id(number), Some(is_gone.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_vendor_does_not_show_the_next_is_asked_for_and_what_none_shows_stays_due() {
    let vendor = Scripted::start(|asked| match (asked.what.as_str(), asked.param("noteId"), asked.param("id")) {
        (DETAIL, note, _) if note == id(1) || note == id(2) => ok(json!([])),
        (DETAIL, note, _) if note == id(3) => code(404),
        (SECOND, _, note) if note == id(1) => second(&json!({ "note": listed(note) })),
        (SECOND, _, note) if note == id(5) => Reply::Json(json!({ "status": 40 })),
        (SECOND, ..) => second(&json!({ "note": null })),
        (DETAIL, note, _) if note == id(5) => ok(Value::Null),
        _ => full(asked),
    })
    .await;
    let seeds =
        format!("seeds = [{{ notes = {:?} }}]\nexpand = {{ authors = false }}", (1..=5).map(id).collect::<Vec<_>>());
    let desk = desk(&job(&vendor, &seeds, BOTH));
    let plan = desk.command(&["plan", "job.toml", "--json"]).output().unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&plan["calls"]["low"], &plan["calls"]["high"]), (&json!(5), &json!(10)));
    assert!((plan["cost"]["high"].as_f64().unwrap() - 4.0).abs() < 1e-9, "at the dearer price: {plan:#}");

    let (exit, said, calls) = run(&desk, &vendor, &[]);
    assert_eq!((exit, calls), (3, [5, 3]), "{said}");
    assert!(said.contains("  empty     1 × note_detail: nothing was shown, and nothing stated to be gone"), "{said}");
    assert!(said.contains("--retry-failed"), "{said}");
    let told = report(&desk);
    assert_eq!(told["told"]["unresolved"], json!({ "note_detail": 1 }));
    assert_eq!((&told["told"]["given_up"], &told["new_notes"]), (&json!({}), &json!(4)));
    // What both cost is told once each: five calls at one price, three at the other, of which one was not billed.
    assert!((told["spent"]["cost"].as_f64().unwrap() - (4.0 * 0.15 + 2.0 * 0.4)).abs() < 1e-9, "{:#}", told["spent"]);
    let cost: f64 = told["calls"].as_array().unwrap().iter().map(|line| line["cost"].as_f64().unwrap()).sum();
    assert!((cost - 1.4).abs() < 1e-9, "{:#}", told["calls"]);
    let known = [note(1, "false"), note(3, "true"), note(4, "false"), note(5, "true")];
    assert_eq!(notes(&desk), known, "what nobody showed and nobody stated has no row");

    // The same run again asks for it alone; so do two more runs, and then it waits for its age.
    for (more, exit, calls) in [
        (&["--retry-failed"][..], 3, [1, 1]),
        (&[], 3, [1, 1]),
        (&[], 3, [1, 1]),
        (&[], 0, [0, 0]),
        (&["--fresh"], 0, [0, 0]),
    ] {
        let (ended, said, asked) = run(&desk, &vendor, more);
        assert_eq!((ended, asked), (exit, calls), "{more:?}: {said}");
    }
    assert_eq!(notes(&desk), known);
    desk.write("job.toml", &job(&vendor, &format!("{seeds}\nrefresh = {{ details = \"always\" }}"), BOTH));
    assert_eq!(run(&desk, &vendor, &["--fresh"]).2, [5, 3], "its age is up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_has_answered_is_not_asked_again_in_the_run_whatever_stops_it() {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        DETAIL => ok(json!([{ "note_list": [] }])),
        _ => second(&json!({ "note": listed(asked.param("id")) })),
    })
    .await;
    let seeds = |notes: &[u32]| {
        let notes: Vec<String> = notes.iter().map(|number| id(*number)).collect();
        format!("seeds = [{{ notes = {notes:?} }}]\nexpand = {{ authors = false }}\nbudget = {{ order = \"depth\" }}")
    };
    // A cap, a cap and another job, and a used-up quota at the first vendor.
    for changed in [false, true] {
        let desk = desk(&job(&vendor, &seeds(&[1]), BOTH));
        assert_eq!(run(&desk, &vendor, &["--max-calls", "1"]).2, [1, 0]);
        if changed {
            desk.write("job.toml", &job(&vendor, &seeds(&[1, 2]), BOTH));
        }
        let plan = desk.command(&["plan", "job.toml", "--json"]).output().unwrap();
        let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
        assert_eq!(plan["calls"]["low"], json!(1 + u32::from(changed)), "{plan:#}");
        let (exit, said, calls) = run(&desk, &vendor, &[]);
        assert_eq!((exit, calls), (0, if changed { [1, 2] } else { [0, 1] }), "{said}");
    }
    // With one vendor that has answered, a changed job asks nobody in vain.
    let desk = desk(&job(&vendor, &seeds(&[1, 2]), r#""justoneapi""#));
    assert_eq!(run(&desk, &vendor, &["--max-calls", "1"]).2, [1, 0]);
    desk.write("job.toml", &job(&vendor, &seeds(&[1, 2, 3]), r#""justoneapi""#));
    let plan = desk.command(&["plan", "job.toml", "--json"]).output().unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&plan["calls"]["low"], &plan["calls"]["high"]), (&json!(2), &json!(2)));
    let (exit, said, calls) = run(&desk, &vendor, &[]);
    assert_eq!((exit, calls), (3, [2, 0]), "{said}");
    assert!(said.contains("3 × note_detail: nothing was shown"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_vendor_that_is_finished_leaves_it_unresolved_and_one_that_fails_is_given_up() {
    for (reply, reason) in [(9, "unresolved"), (77, "given_up")] {
        let vendor = Scripted::start(move |asked| match asked.what.as_str() {
            DETAIL if asked.param("noteId") == id(1) => ok(json!([])),
            SECOND => Reply::Json(json!({ "status": reply })),
            _ => full(asked),
        })
        .await;
        let seeds = format!("seeds = [{{ notes = {:?} }}]\nexpand = {{ authors = false }}", [id(1), id(2)]);
        let desk = desk(&job(&vendor, &seeds, BOTH));
        let (exit, said, calls) = run(&desk, &vendor, &[]);
        assert_eq!((exit, calls[0]), (3, 2), "{said}");
        let told = report(&desk);
        assert_eq!((&told["ending"]["kind"], told["told"][reason].as_object().unwrap().len()), (&json!("complete"), 1));
        assert_eq!(notes(&desk), [note(2, "false")]);
    }
}

/// A search that shows one note with so many likes, and a detail that is empty as long as `empty` says.
fn nightly(likes: &Arc<AtomicU32>, detail: &Arc<AtomicU32>) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let (likes, detail) = (Arc::clone(likes), Arc::clone(detail));
    move |asked| match (asked.what.as_str(), detail.load(Ordering::SeqCst)) {
        (SEARCH, _) => {
            let mut note = listed(&id(1));
            note["liked_count"] = json!(likes.load(Ordering::SeqCst));
            ok(json!({ "items": [{ "model_type": "note", "note": note }] }))
        }
        (DETAIL, 0) => ok(json!({})),
        (DETAIL, 404) => code(404),
        _ => full(asked),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_detail_is_asked_in_three_runs_and_then_by_the_refresh_rule() {
    let (likes, detail) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(0)));
    let vendor = Scripted::start(nightly(&likes, &detail)).await;
    for (rule, after_a_change) in [("changed", 1), ("7d", 0), ("always", 1), ("forever", 0)] {
        let head = format!(
            "seeds = [{{ keywords = [\"k\"], max_pages = 1 }}]\nexpand = {{ authors = false }}\n\
             refresh = {{ details = \"{rule}\" }}"
        );
        let desk = desk(&job(&vendor, &head, r#""justoneapi""#));
        let night = |likes_now: u32, detail_now: u32| {
            likes.store(likes_now, Ordering::SeqCst);
            detail.store(detail_now, Ordering::SeqCst);
            let (exit, _, [calls, _]) = run(&desk, &vendor, &[]);
            (exit, calls, notes(&desk)[0].1.clone().unwrap())
        };
        let told = |exit, calls, gone: &str| (exit, calls, gone.to_owned());
        for number in 1..=3 {
            assert_eq!(night(1, 0), told(3, 1, "false"), "{rule}, night {number}");
        }
        let is_always = usize::from(rule == "always");
        assert_eq!(night(1, 0), told(3 * i32::from(rule == "always"), is_always, "false"), "{rule}");
        assert_eq!(night(2, 0).1, after_a_change, "{rule}");
        assert_eq!(night(2, 0).1, is_always, "{rule}: the listing is what it was when it was last asked");
        // Answered once, it counts from the beginning.
        if after_a_change == 1 {
            assert_eq!(night(3, 1), told(0, 1, "false"), "{rule}");
            for likes in 4..=6 {
                assert_eq!(night(likes, 0), told(3, 1, "false"), "{rule}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_shows_a_note_later_ends_that_it_is_gone() {
    let (likes, detail) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(404)));
    let vendor = Scripted::start(nightly(&likes, &detail)).await;
    let head = "seeds = [{ keywords = [\"k\"], max_pages = 1 }]\nexpand = { authors = false }";
    let desk = desk(&job(&vendor, head, r#""justoneapi""#));
    assert_eq!((run(&desk, &vendor, &[]).0, notes(&desk)), (0, vec![note(1, "true")]));
    // The detail is young and is not asked; the listing shows the note.
    assert_eq!((run(&desk, &vendor, &[]).2, notes(&desk)), ([0, 0], vec![note(1, "false")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_profile_is_unresolved_and_the_author_stays_what_the_notes_show() {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        PROFILE if asked.before < 1 => ok(json!({})),
        PROFILE => ok(json!({ "userid": asked.param("userId"), "nickname": "later", "fans": 3 })),
        SECOND_USER => second(&json!({ "user": {} })),
        _ => full(asked),
    })
    .await;
    let head = format!("seeds = [{{ notes = [\"{}\"] }}]", id(1));
    let desk = desk(&job(&vendor, &head, BOTH));
    let authors = || table(&desk.path("data/job/latest"), "authors");
    let (exit, said, _) = run(&desk, &vendor, &[]);
    assert_eq!((exit, vendor.count(PROFILE), vendor.count(SECOND_USER)), (3, 1, 1), "{said}");
    assert!(said.contains("1 × user_profile: nothing was shown"), "{said}");
    assert_eq!(authors()["profile_source"], [Some("note".to_owned())]);
    vendor.forget();
    // The log is empty now, so the first vendor shows nothing once more, and then the user.
    assert_eq!(run(&desk, &vendor, &["--retry-failed"]).0, 3);
    let output = desk.command(&["run", "job.toml"]).env("MINE_TOKEN", KEY).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(authors()["nickname"], [Some("later".to_owned())]);
}

/// Both notes are listed once; the detail of one shows nothing, and no later listing shows it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unresolved_is_due_in_the_next_run_though_no_listing_shows_it() {
    let night = Arc::new(AtomicU32::new(0));
    let now = Arc::clone(&night);
    let vendor = Scripted::start(move |asked| match (asked.what.as_str(), asked.param("noteId")) {
        (SEARCH, _) if now.load(Ordering::SeqCst) == 0 => crate::scripted::search_page(&[id(1), id(2)]),
        (SEARCH, _) => crate::scripted::search_page(&[id(1)]),
        (DETAIL, note) if note == id(2) && now.load(Ordering::SeqCst) < 2 => ok(json!([])),
        _ => full(asked),
    })
    .await;
    let seeds = "seeds = [{ keywords = [\"k\"], max_pages = 1 }]\nexpand = { authors = false }";
    let desk = desk(&job(&vendor, seeds, r#"["justoneapi"]"#));
    for (expected, details) in [(3, 2), (3, 1), (0, 1), (0, 0)] {
        let (exit, said, calls) = run(&desk, &vendor, &[]);
        assert_eq!((exit, calls[0]), (expected, details), "{said}");
        night.fetch_add(1, Ordering::SeqCst);
    }
}
