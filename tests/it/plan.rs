//! What a plan says before a run, against what the run then asks; the oracle is the vendor's own ledger.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use notemill::crawl::{self, Begin, Ended};
use notemill::job::Job;
use notemill::model::Endpoint;
use notemill::sandbox::{EXAMPLE_USER, Ledger, Sandbox};
use notemill::state::{Draft, State};
use serde_json::Value;

use crate::cli::{Desk, files};
use crate::support::{World, options};

/// Seeds and rules, and the endpoints that the first plan must know exactly.
fn jobs(sandbox: &[String]) -> Vec<(String, &'static [Endpoint])> {
    use Endpoint::{NoteDetail, SearchNotes, UserNotes, UserProfile};
    let notes = format!("seeds = [{{ notes = {sandbox:?} }}]");
    let searches =
        "seeds = [{ keywords = [\"防晒霜\", \"露营\"], sort = [\"general\", \"time_descending\"], max_pages = 2 }]";
    let user = |more: &str| format!("seeds = [{{ users = [\"{EXAMPLE_USER}\"]{more} }}]");
    let young = "refresh = { details = \"7d\", authors = \"30d\", searches = \"12h\", user_notes = \"12h\" }";
    let changed = "refresh = { details = \"changed\", authors = \"30d\" }";
    let known = "refresh = { details = \"changed\", until_known = true }";
    let always = "refresh = { details = \"always\", authors = \"always\" }";
    vec![
        (format!("{notes}\nexpand = {{ authors = false }}"), &Endpoint::ALL),
        (format!("{notes}\n{always}"), &[SearchNotes, UserNotes, NoteDetail]),
        (format!("{searches}\n{young}"), &[UserNotes]),
        (format!("{searches}\n{changed}\nexpand = {{ authors = false }}"), &[UserNotes, UserProfile]),
        (format!("seeds = [{{ keywords = [\"防晒霜\"], max_pages = 1 }}]\n{always}"), &[SearchNotes, UserNotes]),
        ("seeds = [{ keywords = [\"防晒霜\"], published = \"half_year\", max_notes = 30 }]".into(), &[UserNotes]),
        (format!("{}\n{young}", user("")), &[SearchNotes]),
        (format!("{}\n{known}", user(", max_pages = 3")), &[SearchNotes]),
        (format!("{}\n{changed}", user(", max_notes = 33, since = \"2026-01-01\"")), &[SearchNotes]),
        (format!("{}\n{young}\nroute = {{ user_notes = \"spiderhubs\" }}", user(", max_notes = 45")), &[SearchNotes]),
        (
            format!(
                "seeds = [{{ keywords = [\"露营\"], max_pages = 1, max_notes = 4 }}]\nexpand = {{ author_notes = true }}\n{young}"
            ),
            &[SearchNotes],
        ),
    ]
}

fn at(sandbox: &Sandbox, job: &str) -> String {
    let url = sandbox.base_url();
    format!("{job}\n[vendors.justoneapi]\nbase_url = \"{url}\"\nprice = {{ search_notes = 0.1, note_detail = 0.15 }}\n")
}

/// Everything below a folder, byte for byte.
fn image(desk: &Desk) -> BTreeMap<PathBuf, Vec<u8>> {
    files(desk.folder.path()).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

/// Plans without the command line; a plan sends nothing and changes nothing.
fn plan_here(world: &World, job: &Job, ledger: &Ledger) -> Value {
    let image = || -> BTreeMap<PathBuf, Vec<u8>> {
        files(world.dataset()).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    };
    let (calls, before) = (ledger.calls(), image());
    let mut draft = Draft::of(&job.dataset).unwrap();
    let plan = crawl::plan(&draft.turn().unwrap(), job, Begin::Continue, Timestamp::now()).unwrap();
    assert_eq!(ledger.calls(), calls, "a plan sends nothing");
    assert!(image() == before, "a plan changes nothing");
    serde_json::to_value(plan).unwrap()
}

/// Plans by the command line; a plan sends nothing and changes nothing.
fn plan(desk: &Desk, ledger: &Ledger, more: &[&str]) -> Value {
    let (calls, before) = (ledger.calls(), image(desk));
    let words: Vec<&str> = ["plan", "job.toml", "--json"].iter().chain(more).copied().collect();
    let output = desk.command(&words).env_remove("JUSTONEAPI_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(ledger.calls(), calls, "a plan sends nothing");
    assert!(image(desk) == before, "a plan changes nothing");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn counts(ledger: &Ledger) -> BTreeMap<Endpoint, u64> {
    Endpoint::ALL.into_iter().map(|endpoint| (endpoint, ledger.count(endpoint))).collect()
}

/// Holds a plan against what was asked after it; returns the endpoints that it knew exactly.
fn hold(name: &str, plan: &Value, before: &BTreeMap<Endpoint, u64>, ledger: &Ledger) -> Vec<Endpoint> {
    let mut exact = Vec::new();
    for endpoint in Endpoint::ALL {
        let asked = ledger.count(endpoint) - before[&endpoint];
        let stages = plan["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["endpoint"] == endpoint.as_str());
        let number = |span: &str| stage.map_or(Some(0), |stage| stage["calls"][span].as_u64());
        let (low, expected, high) = (number("low").unwrap(), number("expected").unwrap(), number("high"));
        let is_exact = high == Some(low);
        assert!(stage.is_none_or(|stage| stage["is_exact"] == is_exact));
        assert!(low <= expected && high.is_none_or(|high| expected <= high), "{name}: {endpoint}: {stage:?}");
        assert!(low <= asked && high.is_none_or(|high| asked <= high), "{name}: {endpoint}: asked {asked}, {stage:?}");
        if is_exact {
            exact.push(endpoint);
        }
    }
    exact
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asks_what_its_plan_says_from_nothing_after_a_cap_and_once_more() {
    let sandbox = notemill::sandbox::start(options(&["--notes", "300"])).await.unwrap();
    let ledger = sandbox.ledger();
    let notes = {
        // Some notes that are there, and one that is not.
        let world = World::in_memory(&sandbox.base_url());
        world.run("seeds = [{ keywords = [\"防晒霜\"], max_pages = 1 }]\nexpand = { authors = false }").await;
        let asked = ledger.entries();
        let details = asked.iter().filter_map(|entry| entry.params.get("note_id").cloned());
        details.take(9).chain(["000000000000000000000000".to_owned()]).collect::<Vec<_>>()
    };
    for (text, known) in jobs(&notes) {
        let world = World::in_memory(&sandbox.base_url());
        let job = world.job(&text);
        let mut before = counts(&ledger);
        let first = plan_here(&world, &job, &ledger);
        assert!(first["continues"].is_null() && !job.dataset.exists());
        assert_eq!(world.run_as(&job, Begin::Continue).await, Ended::Complete, "{text}");
        let exact = hold(&format!("from nothing: {text}"), &first, &before, &ledger);
        assert!(known.iter().all(|endpoint| exact.contains(endpoint)), "{text}: {exact:?}");

        before = counts(&ledger);
        let again = plan_here(&world, &job, &ledger);
        assert_eq!(world.run_as(&job, Begin::Continue).await, Ended::Complete, "{text}");
        let exact = hold(&format!("once more: {text}"), &again, &before, &ledger);
        if text.contains("12h") || text.contains("notes = [") && text.contains("authors = false") {
            assert_eq!((again["calls"]["high"].as_u64(), exact.len()), (Some(0), 4), "{text}: {again:#}");
        }

        // A run in pieces: before each, the plan knows what is owed.
        let world = World::in_memory(&sandbox.base_url());
        for cap in (1..).map(|number| 5 * number * number) {
            before = counts(&ledger);
            let mut job = job.clone();
            job.dataset = world.dataset().join("data");
            let piece = plan_here(&world, &job, &ledger);
            assert_eq!(piece["continues"].is_null(), cap == 5);
            job.budget.max_calls = Some(cap);
            if world.run_as(&job, Begin::Continue).await == Ended::Complete {
                hold(&format!("the last piece, up to {cap}: {text}"), &piece, &before, &ledger);
                break;
            }
            let owed = piece["calls"]["high"].as_u64();
            assert!(owed.is_none_or(|owed| owed > cap), "{text}: the cap {cap} stopped a run of {owed:?} calls");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_owes_is_known_to_the_call() {
    let sandbox = notemill::sandbox::start(options(&["--notes", "300"])).await.unwrap();
    let job = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1 }]\n[vendors.justoneapi]\nconcurrency = 1\n";
    let desk = Desk::new(&at(&sandbox, "").replace("[vendors.justoneapi]\n", job));
    assert_eq!(desk.code(&["run", "job.toml", "-q", "--max-calls", "6"]), 4);
    let ledger = sandbox.ledger();
    let before = counts(&ledger);
    let told = plan(&desk, &ledger, &[]);
    assert!(told["calls"]["low"].as_u64().unwrap() > 10, "{told:#}");
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    assert_eq!(hold("owed", &told, &before, &ledger), Endpoint::ALL, "every stage is exact: {told:#}");
}

#[test]
fn a_plan_tells_what_a_run_would_tell_and_waits_for_nobody() {
    let desk = Desk::new("seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 5 }]\n");
    let sandbox = Ledger::default();
    std::fs::create_dir_all(desk.path("thesis")).unwrap();
    desk.write("thesis/chapter.txt", "years of work");
    for (words, code) in [
        (&["plan", "nowhere.toml"][..], 2),
        (&["plan", "data/job"], 2),
        (&["plan", "job.toml", "--max-cost", "a lot"], 2),
        (&["plan", "job.toml", "--dataset", "thesis"], 6),
    ] {
        assert_eq!(desk.code(words), code, "{words:?}");
    }
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q", "--max-calls", "3"]), 4);
    assert_eq!(desk.code(&["plan", "job.toml"]), 6, "sandbox and live answers do not mix");
    let mut state = State::open(&desk.path("data/job")).unwrap();
    let run = state.turn().unwrap().latest_run().unwrap().unwrap().id;
    // A run that is at work is planned for as if it were continued now.
    assert_eq!(plan(&desk, &sandbox, &["--sandbox"])["continues"], *run);
    assert!(plan(&desk, &sandbox, &["--sandbox", "--fresh"])["continues"].is_null());
    drop(state);
    let capped = plan(&desk, &sandbox, &["--sandbox", "--max-calls", "1"]);
    assert_eq!(
        (&capped["caps"][0]["stops"], &capped["caps"][0]["after_calls"]),
        (&"low".into(), &1.into()),
        "{capped:#}"
    );
    desk.write("job.toml", "seeds = [{ keywords = [\"露营\"], max_pages = 1, max_notes = 5 }]\n");
    assert_eq!(plan(&desk, &sandbox, &["--sandbox"])["replanned"], true);
    // A state that is gone is made again by a build, not by a plan.
    for name in ["state.sqlite", "state.sqlite.sha256"] {
        std::fs::remove_file(desk.path("data/job").join(name)).unwrap();
    }
    let output = desk.run(&["plan", "job.toml", "--sandbox"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stderr).contains("notemill build"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_first_run_teaches_brings_the_next_plan_closer() {
    let sandbox = notemill::sandbox::start(options(&["--notes", "300"])).await.unwrap();
    let desk = Desk::new(&at(&sandbox, "seeds = [{ keywords = [\"防晒霜\"], max_pages = 9 }]"));
    let ledger = sandbox.ledger();
    let assumed = plan(&desk, &ledger, &[]);
    assert!(assumed["basis"].as_array().unwrap().iter().all(|basis| basis["learnt_from"].is_null()));
    for _ in 0..2 {
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    }
    // Twice the same was shown: a third time nothing is expected to be new, and other searches are as long as this one.
    let before = counts(&ledger);
    let learnt = plan(&desk, &ledger, &[]);
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    for stage in learnt["stages"].as_array().unwrap() {
        let endpoint = Endpoint::parse(stage["endpoint"].as_str().unwrap()).unwrap();
        let asked = ledger.count(endpoint) - before[&endpoint];
        assert_eq!(stage["calls"]["expected"], asked, "{stage}");
    }
    assert!(learnt["stages"][1]["covered"].as_u64().unwrap() > 20, "{learnt:#}");
}
