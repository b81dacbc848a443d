//! Vendors that change shapes between runs: what is told, and what is not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use notemill::archive;
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::state::State;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::cli::{Desk, report};
use crate::messages::{assert_seen, seen};
use crate::scripted::{Asked, DETAIL, PROFILE, Reply, Scripted, note_id, ok};
use crate::support::{World, hasty};

/// A vendor that answers as it is told each night.
struct Nights {
    night: Arc<AtomicUsize>,
    vendor: Scripted,
    _runtime: Runtime,
}

impl Nights {
    fn start(note: impl Fn(usize, &str) -> Value + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let night = Arc::new(AtomicUsize::new(1));
        let own = night.clone();
        let script = move |asked: &Asked| -> Reply {
            match asked.what.as_str() {
                DETAIL => ok(json!([{ "note_list": [note(own.load(Ordering::SeqCst), asked.param("noteId"))] }])),
                PROFILE => ok(json!({ "userid": asked.param("userId"), "nickname": "n", "fans": 3 })),
                _ => ok(json!({ "items": [] })),
            }
        };
        let vendor = runtime.block_on(Scripted::start(script));
        Self { night, vendor, _runtime: runtime }
    }

    fn job(&self, notes: u32, more: &str) -> String {
        let ids: Vec<String> = (0..notes).map(|at| format!("\"{}\"", note_id(at, 1_700_000_000))).collect();
        format!(
            "seeds = [{{ notes = [{}] }}]\n[refresh]\ndetails = \"always\"\nauthors = \"always\"\n\
             [vendors.justoneapi]\nconcurrency = 1\nbase_url = \"{}\"\n{more}",
            ids.join(", "),
            self.vendor.base_url
        )
    }
}

fn plain(id: &str) -> Value {
    let user = json!({ "userid": format!("u{id}"), "nickname": "n" });
    // A field that only some notes have.
    let video = if id.ends_with(['0', '4', '8']) { json!({ "duration": 3 }) } else { Value::Null };
    json!({ "id": id, "title": "t", "type": "normal", "liked_count": 1, "time": 1_700_000_000, "user": user, "video": video })
}

/// The second night: a count is renamed, the author is dropped, a time is text.
fn changed(night: usize, id: &str) -> Value {
    let mut note = plain(id);
    if night > 1 {
        let fields = note.as_object_mut().unwrap();
        let count = fields.remove("liked_count").unwrap();
        fields.remove("user");
        fields.insert("likes_total".into(), count);
        fields.insert("time".into(), json!("2023-11-14 22:13:20"));
    }
    note
}

/// What is told, a line each.
fn told(report: &Value) -> Vec<String> {
    let endpoints = report["drift"]["endpoints"].as_array().unwrap().iter();
    let findings = endpoints.flat_map(|endpoint| {
        let name = endpoint["endpoint"].as_str().unwrap();
        let findings = endpoint["findings"].as_array().unwrap().iter();
        findings.map(move |found| {
            let part = |name: &str| found[name].as_str().unwrap().to_owned();
            format!("{name} {} {} +{}", part("change"), part("path"), found["below"])
        })
    });
    findings.collect()
}

#[test]
fn what_a_vendor_changed_is_named_and_nothing_else() {
    let nights = Nights::start(changed);
    let desk = Desk::new(&nights.job(12, ""));
    let words = ["run", "job.toml", "-q"];
    assert_eq!(desk.code(&words), 0);
    let first = report(&desk);
    assert_eq!((told(&first).len(), &first["drift"]["paths"]), (0, &json!(0)));
    assert_eq!(first["drift"]["endpoints"][0]["compared_with"], Value::Null);
    assert_eq!(desk.code(&words), 0);
    let same = report(&desk);
    assert_eq!((told(&same).len(), &same["drift"]["endpoints"][0]["compared_with"]), (0, &first["run"]));

    nights.night.store(2, Ordering::SeqCst);
    assert_seen!(desk, &["run", "job.toml", "-q"]);
    let second = report(&desk);
    let inside = "data[].note_list[]";
    let expected = [
        format!("note_detail gone {inside}.liked_count +0"),
        format!("note_detail gone {inside}.user +2"),
        format!("note_detail retyped {inside}.time +0"),
        format!("note_detail new {inside}.likes_total +0"),
    ];
    assert_eq!(told(&second), expected);
    assert_eq!(second["drift"]["paths"], 4);
    let example = second["drift"]["endpoints"][0]["findings"][2]["example"].as_str().unwrap();
    assert!(example.starts_with("note_detail {\"note_id\":\""), "{example}");
    // The night after, it is the shape that is known.
    assert_eq!(desk.code(&words), 0);
    assert_eq!(told(&report(&desk)).len(), 0);
}

#[test]
fn more_drift_than_the_job_allows_is_three() {
    for (limit, code) in [(3, 3), (4, 0), (0, 3)] {
        let nights = Nights::start(changed);
        let desk = Desk::new(&nights.job(12, &format!("[report]\ndrift_limit = {limit}\n")));
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
        nights.night.store(2, Ordering::SeqCst);
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), code, "{limit}");
        let ending = &report(&desk)["ending"];
        let reason = ending["reason"].as_str().unwrap();
        assert_eq!(
            reason.contains(&format!("4 JSON paths are new, gone or of another type (drift_limit = {limit})")),
            code == 3
        );
    }
}

#[test]
fn a_limit_is_excused_with_partial_ok() {
    let nights = Nights::start(changed);
    let desk = Desk::new(&nights.job(12, "[report]\ndrift_limit = 0\n"));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    nights.night.store(2, Ordering::SeqCst);
    assert_eq!(desk.code(&["run", "job.toml", "-q", "--partial-ok"]), 0);
}

#[test]
fn the_plain_sandbox_raises_no_alarm() {
    let always = "details = \"always\"\nauthors = \"always\"\nuser_notes = \"always\"";
    let desk = Desk::new("");
    for keyword in ["防晒霜", "防晒霜", "露营", "咖啡", "防晒衣", "面霜"] {
        desk.write(
            "job.toml",
            &format!(
                "seeds = [{{ keywords = [\"{keyword}\"], max_pages = 2, max_notes = 25 }}]\n[refresh]\n{always}\n\
                 [report]\ndrift_limit = 0\n"
            ),
        );
        let output = desk.run(&["run", "job.toml", "--sandbox", "-q"]);
        assert_eq!(output.status.code(), Some(0), "{keyword}: {:?} {output:?}", told(&report(&desk)));
        assert!(!String::from_utf8_lossy(&output.stdout).contains("drift"), "{keyword}: {output:?}");
    }
    assert!(report(&desk)["drift"]["endpoints"].as_array().unwrap().iter().all(|own| own["compared_with"].is_string()));
}

#[test]
fn a_hostile_vendor_costs_no_run_and_no_memory() {
    let nights = Nights::start(|night, id| {
        let mut note = plain(id);
        if night > 1 {
            let fields = (0..100_000).map(|at| (format!("\u{1b}[31m{id}{at}"), Value::from(at)));
            note["odd"] = fields.collect();
            note["\u{202e}gnp.exe"] = json!({ "##vso[task.complete]": 1 });
        }
        note
    });
    let desk = Desk::new(&nights.job(6, ""));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    nights.night.store(2, Ordering::SeqCst);
    let output = desk.run(&["run", "job.toml", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = report(&desk);
    // Six answers and one more of each field: its own name is data, and so are those inside.
    assert!(report["drift"]["endpoints"][0]["paths"].as_u64().unwrap() < 30, "{}", report["drift"]);
    assert!(report.to_string().len() < 10_000 && !report["drift"].to_string().contains("\\u"), "{}", report["drift"]);
}

/// What the run's answers look like, without the calls that are given as examples.
fn shapes(state: &mut State, run: &str) -> Vec<String> {
    let kept = state.turn().unwrap().shapes(run).unwrap();
    let lines = kept.iter().flat_map(|kept| {
        let line = |seen: &notemill::vendor::SeenPath<'_>| {
            let kinds: Vec<_> = seen.kinds.iter().map(|(kind, count, _)| (*kind, *count)).collect();
            format!("{} {} {} {} {kinds:?}", kept.endpoint, kept.version, seen.path, seen.answers)
        };
        kept.shape.paths().iter().map(line).collect::<Vec<_>>()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

/// Runs until so many calls are settled, then stops as a kill does: nothing more is done.
async fn killed(world: &World, text: &str, after: u64) -> bool {
    let job = world.job(text);
    let mut state = State::open(&job.dataset).unwrap();
    let begun = crawl::begin(&job, &mut state, Begin::Continue).unwrap();
    let keys: BTreeMap<String, Key> =
        job.vendors.keys().map(|name| (name.clone(), Key::new(&world.key).unwrap())).collect();
    let (_sender, stop) = watch::channel(false);
    let (kill, killed) = tokio::sync::oneshot::channel();
    let mut kill = Some(kill);
    let mut watch = |progress: &crawl::Progress| {
        if progress.settled >= after
            && let Some(kill) = kill.take()
        {
            let _ = kill.send(());
        }
    };
    tokio::select! {
        biased;
        Ok(()) = killed => true,
        _ = crawl::run(&job, &mut state, &begun, &keys, hasty(), stop, &mut watch) => false,
    }
}

#[tokio::test]
async fn kills_change_nothing_in_what_is_counted() {
    let vendor = Scripted::start(|asked: &Asked| match asked.what.as_str() {
        DETAIL => ok(json!([{ "note_list": [plain(asked.param("noteId"))] }])),
        _ => crate::scripted::full(asked),
    })
    .await;
    let ids: Vec<String> = (0..40).map(|at| format!("\"{}\"", note_id(at, 1_700_000_000))).collect();
    let text = format!("seeds = [{{ notes = [{}] }}]\n[vendors.justoneapi]\nconcurrency = 2\n", ids.join(", "));
    let whole = World::in_memory(&vendor.base_url);
    assert_eq!(whole.run(&text).await, Ended::Complete);
    let run_of = |state: &mut State| state.turn().unwrap().latest_run().unwrap().unwrap().id;
    let expected = {
        let mut state = State::open(&whole.dataset().join("data")).unwrap();
        let run = run_of(&mut state);
        shapes(&mut state, &run)
    };
    assert!(expected.iter().any(|line| line.contains("note_list[].liked_count 40 ")), "{expected:#?}");
    let mut kills = 0;
    for after in [1, 7, 23, 60] {
        let world = World::in_memory(&vendor.base_url);
        kills += u32::from(killed(&world, &text, after).await);
        if after == 23 {
            // A build between the two seals what was not counted.
            let mut state = State::open(&world.dataset().join("data")).unwrap();
            let run = run_of(&mut state);
            archive::seal(&mut state, &run).unwrap();
        }
        kills += u32::from(killed(&world, &text, after).await);
        assert_eq!(world.run(&text).await, Ended::Complete);
        let mut state = State::open(&world.dataset().join("data")).unwrap();
        let run = run_of(&mut state);
        assert_eq!(shapes(&mut state, &run), expected, "killed after {after}");
    }
    assert!(kills >= 5, "{kills}");
}
