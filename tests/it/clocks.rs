//! A clock that jumps a year ahead for one night: the order of answers stays, and nothing looks fresh for a year. The oracle
//! is what the provider was asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use notemill::archive;
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::job::{self, Job};
use notemill::state::{Clock, State};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cli::{Desk, KEY, report};
use crate::nights::rows;
use crate::scripted::{DETAIL, PROFILE, SEARCH, Scripted, full, listed, note_id, ok};
use crate::support::hasty;

const REFRESH: &str = "searches = \"12h\", details = \"7d\", authors = \"30d\"";

struct Study {
    desk: Desk,
    provider: Scripted,
    /// What every note's likes are now.
    likes: Arc<AtomicI64>,
    job: Job,
    /// How many lines the provider had written down before.
    seen: usize,
}

fn ids() -> [String; 2] {
    [1, 2].map(|number| note_id(number, 1_700_000_000))
}

fn in_days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

impl Study {
    async fn new(seeds: &str, refresh: &str) -> Self {
        let likes = Arc::new(AtomicI64::new(0));
        let own = Arc::clone(&likes);
        let provider = Scripted::start(move |asked| {
            let note = |id: &str| {
                let mut note = listed(id);
                note["liked_count"] = json!(own.load(Ordering::Relaxed));
                note
            };
            match asked.what.as_str() {
                SEARCH => ok(json!({ "items": ids().map(|id| json!({ "model_type": "note", "note": note(&id) })) })),
                DETAIL => ok(json!([{ "note_list": [note(asked.param("noteId"))] }])),
                _ => full(asked),
            }
        })
        .await;
        let text = format!(
            "seeds = [{seeds}]\nrefresh = {{ {refresh} }}\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
            provider.base_url
        );
        let desk = Desk::new(&text);
        let mut job = job::check("job.toml", Path::new("."), &text).unwrap();
        job.dataset = desk.path("data/job");
        Self { desk, provider, likes, job, seen: 0 }
    }

    /// What the provider was asked since it was last looked at.
    fn asked(&mut self) -> Vec<String> {
        let mut lines = self.provider.lines().split_off(self.seen);
        self.seen += lines.len();
        lines.sort();
        lines
    }

    /// Crawls with the clock at a moment; returns what was asked.
    async fn night(&mut self, now: Timestamp, likes: i64) -> Vec<String> {
        self.likes.store(likes, Ordering::Relaxed);
        let mut state = State::open(&self.job.dataset).unwrap().with_clock(Clock::standing(now));
        archive::reconcile(&mut state).unwrap();
        state.claim_origin("live").unwrap();
        let begun = crawl::begin(&self.job, &mut state, Begin::Continue).unwrap();
        let keys: BTreeMap<String, Key> =
            self.job.vendors.keys().map(|name| (name.clone(), Key::new(KEY).unwrap())).collect();
        let (_alive, stop) = watch::channel(false);
        let ended = crawl::run(&self.job, &mut state, &begun, &keys, hasty(), stop, &mut |_| {}).await.unwrap();
        assert_eq!(ended, Ended::Complete);
        crawl::close(&mut state, &begun, &ended).unwrap();
        drop(state);
        self.asked()
    }

    /// Runs the command by the machine's clock; returns what was asked, and what it warned of.
    fn run(&mut self, likes: i64) -> (Vec<String>, Vec<String>) {
        self.likes.store(likes, Ordering::Relaxed);
        let output = self.desk.run(&["run", "job.toml"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let warnings = said.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned);
        (self.asked(), warnings.collect())
    }

    fn rows(&self, table: &str, columns: &[&str]) -> Vec<Value> {
        rows(&self.desk.path("data/job/latest"), table, columns)
    }
}

fn calls(what: &[&str]) -> Vec<String> {
    let [first, second] = ids();
    let all = [
        format!("{DETAIL} noteId={first}"),
        format!("{DETAIL} noteId={second}"),
        format!("{PROFILE} userId=u1"),
        format!("{SEARCH} keyword=a noteTime= noteType=_0 page=1 sort=general"),
    ];
    let is_wanted = |line: &String| what.iter().any(|what| line.starts_with(what));
    all.into_iter().filter(is_wanted).collect()
}

/// Leaves out parameters that say nothing here.
fn short(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

fn kinds(what: &[&str]) -> Vec<String> {
    short(calls(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_with_the_clock_a_year_ahead_neither_wins_nor_looks_fresh_for_a_year() {
    let mut study = Study::new("{ keywords = [\"a\"], max_pages = 1 }", REFRESH).await;
    let all = kinds(&[DETAIL, PROFILE, SEARCH]);
    assert_eq!(short(study.night(in_days(-2), 1).await), all);
    assert_eq!(short(study.night(in_days(363), 2).await), all);

    // The third night is the machine's own: it is warned, and asks everything once more.
    let before = Timestamp::now();
    let (asked, warnings) = study.run(3);
    assert_eq!(short(asked), all, "{warnings:?}");
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("and 4 answers are dated later, up to 2") && warning.ends_with("check the clock"));
    assert_eq!(report(&study.desk)["told"]["dated_ahead"]["answers"], 4);
    let expected: Vec<Value> = ids().into_iter().map(|id| json!([id, 3])).collect();
    assert_eq!(study.rows("notes", &["note_id", "liked_count"]), expected);
    for row in study.rows("notes", &["counts_observed_at", "first_seen_at", "last_seen_at"]) {
        let at = |column: usize| Timestamp::from_microsecond(row[column].as_i64().unwrap()).unwrap();
        assert!((before..Timestamp::now()).contains(&at(0)) && (before..Timestamp::now()).contains(&at(2)), "{row}");
        assert!(at(1) < before, "{row}");
    }
    assert_eq!(study.rows("calls", &["call_key"]).len(), 12);
    assert_eq!(study.rows("note_metrics", &["note_id"]).len(), 12, "of 3 nights: 2 notes, listed and in full");

    // Nothing is ahead of the clock now, and nothing is asked before it is due.
    assert_eq!(study.run(4), (Vec::new(), Vec::new()));
    assert_eq!(study.desk.code(&["verify", "job.toml"]), 0);
    // A lost state learns the same from the archive.
    for name in ["state.sqlite", "state.sqlite.sha256"] {
        std::fs::remove_file(study.desk.path("data/job").join(name)).unwrap();
    }
    let (asked, warnings) = study.run(4);
    assert_eq!((asked.len(), warnings.len()), (0, 1), "{warnings:?}");
    assert!(warnings[0].contains("did not know"), "{warnings:?}");
    assert_eq!(study.rows("notes", &["note_id", "liked_count"]), expected);
    assert_eq!(study.desk.code(&["build", "job.toml", "--from-scratch"]), 0);
    assert_eq!(study.rows("notes", &["note_id", "liked_count"]), expected);
    assert_eq!(short(study.night(in_days(1), 4).await), kinds(&[SEARCH]));
    assert_eq!(short(study.night(in_days(9), 5).await), kinds(&[DETAIL, SEARCH]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_no_listing_shows_is_due_if_its_detail_is_dated_ahead() {
    let [first, second] = ids();
    let refresh = "searches = \"forever\", details = \"forever\", authors = \"forever\", known = \"14d\"";
    let mut study = Study::new(&format!("{{ notes = [\"{first}\", \"{second}\"] }}"), refresh).await;
    assert_eq!(study.night(in_days(363), 1).await.len(), 3);
    let text = std::fs::read_to_string(study.desk.path("job.toml")).unwrap();
    study.desk.write("job.toml", &text.replace(&format!("\"{first}\", "), ""));
    // The one that is still named is good for ever; the other one's age is looked at.
    let (asked, warnings) = study.run(2);
    assert_eq!(asked, [format!("{DETAIL} noteId={first}")]);
    assert!(warnings.iter().any(|warning| warning.contains("3 answers are dated later")), "{warnings:?}");
    let (asked, warnings) = study.run(3);
    assert!(asked.is_empty() && warnings.len() == 1 && warnings[0].contains("2 answers"), "{asked:?} {warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_one_moment_are_rows_of_their_own() {
    let mut study = Study::new("{ keywords = [\"a\", \"b\"], max_pages = 1 }", REFRESH).await;
    assert_eq!(study.night(in_days(-1), 1).await.len(), 5);
    assert_eq!(study.desk.code(&["build", "job.toml"]), 0);
    let moments = study.rows("calls", &["observed_at"]);
    assert!(moments.len() == 5 && moments.iter().all(|moment| *moment == moments[0]), "{moments:?}");
    let metrics = study.rows("note_metrics", &["note_id", "observed_at", "source"]);
    let searched = metrics.iter().filter(|row| row[2] == "search").count();
    assert_eq!((metrics.len(), searched), (6, 4), "each note: in full once, and listed twice");
    assert_eq!(study.desk.code(&["verify", "job.toml"]), 0);
    let files = |study: &Study| std::fs::read(study.desk.path("data/job/latest/manifest.json")).unwrap();
    let before = files(&study);
    assert_eq!(study.desk.code(&["build", "job.toml", "--from-scratch"]), 0);
    let tables = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["tables"].clone();
    assert_eq!(tables(&files(&study)), tables(&before));
}
