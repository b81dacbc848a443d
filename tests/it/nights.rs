//! Thirty nights of a universe that moves, each at its own time of the clock. The oracle is the universe itself, asked by
//! other hands, and the vendor's own books: which calls the rules need, and what the tables must hold then.

mod rules;
mod tables;
mod witness;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use notemill::archive::{self, Segment};
use notemill::crawl::{self, Begin, Ended};
use notemill::dataset::{self, Effort, Layout, Manifest, Origin};
use notemill::disk::Disk;
use notemill::fetch::Key;
use notemill::flatten::Recipe;
use notemill::job::{Job, Order};
use notemill::model::Call;
use notemill::sandbox::Sandbox;
use notemill::sandbox::universe::EPOCH;
use notemill::state::{Clock, State};
use tokio::sync::watch;

use self::rules::{Details, HOUR, Past, Rules, Run, Search, WEEK};
pub(crate) use self::tables::rows;
use self::tables::{hold_history, hold_latest};
use self::witness::{Ask, Witness, ask_of};
use crate::support::{World, hasty};

const NIGHTS: u32 = 30;
/// So few that the walks of users, which come last, find details that the searches have led to.
const CONCURRENCY: u64 = 2;
/// So many details are empty that some are in three runs on end.
const SANDBOX: &[&str] = &["--notes", "120", "--users", "25", "--empty", "0.3"];

/// What ends a night early.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// A cap on calls.
    Cap(u64),
    /// A kill after so many answers.
    Kill(u64),
    /// A cap on calls, with first pages first, so that walks have begun; the next night begins anew.
    Abandon(u64),
    /// A cap on calls that is reached when only known notes are left: the night is complete all the same.
    Leave(u64),
}

/// The moment of a night, in microseconds: a scheduler is never quite on time.
fn moment(night: u32) -> i64 {
    let minutes = 120 + i64::from(night * 37 % 50);
    (EPOCH + i64::from(night) * 86_400 + minutes * 60) * 1_000_000
}

/// Returns the moment of the night that a place among all answers, or any time, belongs to; else the same.
fn moment_at(place: i64) -> i64 {
    let moments = (0..NIGHTS).map(moment);
    moments.clone().find(|moment| (*moment..moment + HOUR).contains(&place)).unwrap_or(place)
}

/// A dataset, its job and its vendor.
struct Study {
    world: World,
    sandbox: Sandbox,
    job: Job,
    clock: Clock,
    runs: Vec<Run>,
}

impl Study {
    async fn new(job: &str) -> Self {
        let sandbox = notemill::sandbox::start(crate::support::options(SANDBOX)).await.unwrap();
        let world = World::in_memory(&sandbox.base_url());
        let job = world.job(&format!("{job}\n[vendors.justoneapi]\nconcurrency = {CONCURRENCY}\n"));
        let clock = Clock::standing(Timestamp::from_microsecond(moment(0)).unwrap());
        Self { world, sandbox, job, clock, runs: Vec::new() }
    }

    fn open(&self) -> State {
        State::open(&self.job.dataset).unwrap().with_clock(self.clock.clone())
    }

    /// Runs the job once, on a night of its own, and keeps what the vendor's books say of it.
    async fn night(&mut self, night: u32, stop: Option<Stop>) {
        self.sandbox.set_day(night);
        self.clock.set(Timestamp::from_microsecond(moment(night)).unwrap());
        let booked = self.sandbox.ledger().entries().len();
        let mut job = self.job.clone();
        if let Some(Stop::Cap(cap) | Stop::Abandon(cap) | Stop::Leave(cap)) = stop {
            job.budget.max_calls = Some(cap);
        }
        if let Some(Stop::Abandon(_)) = stop {
            job.budget.order = Order::Breadth;
        }
        let mut state = self.open();
        archive::reconcile(&mut state).unwrap();
        let how = if self.runs.last().is_some_and(|run| run.is_abandoned) { Begin::Fresh } else { Begin::Continue };
        let begun = crawl::begin(&job, &mut state, how).unwrap();
        let keys: BTreeMap<String, Key> =
            job.vendors.keys().map(|name| (name.clone(), Key::new(&self.world.key).unwrap())).collect();
        let (_alive, stopped) = watch::channel(false);
        let (kill, mut killed) = watch::channel(false);
        let mut watch = |progress: &crawl::Progress| {
            if matches!(stop, Some(Stop::Kill(after)) if progress.settled >= after && progress.in_flight > 0) {
                kill.send_replace(true);
            }
        };
        let ended = tokio::select! {
            biased;
            Ok(_) = killed.wait_for(|killed| *killed) => None,
            ended = crawl::run(&job, &mut state, &begun, &keys, hasty(), stopped, &mut watch) => Some(ended.unwrap()),
        };
        if let Some(ended) = &ended {
            crawl::close(&mut state, &begun, ended).unwrap();
        }
        let entries = self.sandbox.ledger().entries().split_off(booked);
        match (stop, &ended) {
            (Some(Stop::Cap(cap) | Stop::Abandon(cap)), Some(Ended::Budget { .. }))
            | (Some(Stop::Leave(cap)), Some(Ended::Complete)) => {
                assert_eq!(entries.iter().filter(|entry| entry.billed).count() as u64, cap, "night {night}");
            }
            (Some(Stop::Kill(_)), None) | (None, Some(Ended::Complete)) => {}
            other => panic!("night {night}: {other:?}"),
        }
        if !begun.continued {
            self.runs.push(Run { id: begun.run.id.clone(), ..Run::default() });
        }
        let run = self.runs.last_mut().unwrap();
        assert_eq!(run.id, begun.run.id);
        run.moments.push(moment(night));
        run.asked.extend(entries.iter().map(ask_of));
        run.lost += begun.lost;
        run.is_abandoned = matches!(stop, Some(Stop::Abandon(_)));
        run.leaves_known = matches!(stop, Some(Stop::Leave(_)));
        assert!(begun.lost <= CONCURRENCY);
    }

    /// Builds the tables as `run` does.
    fn build(&self) {
        let mut state = self.open();
        let segments = archive::segments(&mut state).unwrap();
        build(&segments, &self.job.dataset);
    }

    /// Takes from the table of calls when each answer was kept; each belongs to one night, by the clock of that night.
    ///
    /// The clock stands for a night, so that its answers have one moment. What tells them apart is their place among all
    /// answers: a microsecond each after the moment.
    fn learn_moments(&mut self, snapshot: &Path) {
        let mut state = self.open();
        let answers = archive::answers(&mut state).unwrap().map(Result::unwrap);
        let places: BTreeMap<_, _> =
            answers.map(|answer| ((answer.run_id, answer.call.params()), answer.sequence)).collect();
        let mut calls: BTreeMap<String, BTreeMap<Ask, (u32, i64)>> = BTreeMap::new();
        for row in rows(snapshot, "calls", &["run_id", "params", "observed_at", "outcome"]) {
            let (run, params) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
            let at = row[2].as_i64().unwrap();
            assert!(["ok", "gone", "empty"].contains(&row[3].as_str().unwrap()), "{row}");
            let night = (0..NIGHTS).find(|night| moment(*night) == at).unwrap();
            let place = places[&(run.to_owned(), params.to_owned())];
            assert!((at..at + HOUR).contains(&place), "{run}: {params} has place {place} at {at}");
            let answered = calls.entry(run.to_owned()).or_default().insert(ask_of_params(params), (night, place));
            assert!(answered.is_none(), "{run}: {params} was answered twice");
        }
        for run in &mut self.runs {
            run.answered = calls.remove(&run.id).unwrap();
        }
        assert!(calls.is_empty(), "answers of other runs: {calls:?}");
    }

    /// Holds every call of every run against the rules, and the tables against what was shown.
    async fn hold(&mut self, rules: &Rules) -> BTreeMap<&'static str, u32> {
        let latest = self.job.dataset.join("latest");
        self.learn_moments(&latest);
        let mut witness = Witness::new(SANDBOX).await;
        let mut past = Past::default();
        for run in &self.runs {
            past.add(rules, run, &mut witness).await;
        }
        hold_history(&latest, rules, &past.seen);
        hold_latest(&latest, &past.seen);
        self.hold_bytes(&latest);
        past.tried
    }

    /// All answers at once, the other way round, into a folder where nothing stands give the same files.
    fn hold_bytes(&self, latest: &Path) {
        let fresh = World::in_memory("http://unused.invalid");
        let mut state = self.open();
        let mut segments = archive::segments(&mut state).unwrap();
        segments.reverse();
        assert_eq!(build(&segments, fresh.dataset()), 1);
        let standing = Manifest::read(latest).unwrap();
        assert!(standing.snapshot > 1, "the tables that stand were built at once, too");
        assert_eq!(Manifest::read(&fresh.dataset().join("latest")).unwrap().tables, standing.tables);
    }
}

/// Builds the tables of some segments; returns the number of their snapshot.
fn build(segments: &[Segment], folder: &Path) -> u64 {
    let (disk, layout, recipe) = (Disk::machine(), Layout::default(), Recipe::default());
    dataset::build(segments, &disk, folder, &layout, &recipe, Origin::Sandbox, Effort::default()).unwrap().snapshot
}

/// Words a call of the table of calls as the vendor's books do.
fn ask_of_params(params: &str) -> Ask {
    let endpoint = Call::from_params(params).unwrap().endpoint();
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(params).unwrap();
    fields.remove("via");
    if endpoint == notemill::model::Endpoint::UserNotes {
        fields.remove("page");
    }
    let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (endpoint, fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Two of the users who write most, from this one on.
async fn users(from: usize) -> Vec<String> {
    let universe = Witness::new(SANDBOX).await.universe();
    universe.user_ids()[from..from + 2].to_vec()
}

fn search(seed: i64, keyword: &'static str, sort: &'static str, published: &'static str, max_pages: u32) -> Search {
    Search { seed, keyword, sort, published, max_pages }
}

#[tokio::test]
async fn thirty_nights_of_changes_cost_what_the_rules_say_and_tell_what_was_shown() {
    let users = users(0).await;
    let mut study = Study::new(&format!(
        "[[seeds]]\nkeywords = [\"防晒霜\"]\nsort = [\"time_descending\", \"popularity_descending\"]\nmax_pages = 1\n\
         [[seeds]]\nkeywords = [\"咖啡\"]\npublished = \"week\"\nmax_pages = 2\n\
         [[seeds]]\nusers = {users:?}\n\
         [refresh]\ndetails = \"changed\"\nauthors = \"7d\"\nuntil_known = true\n"
    ))
    .await;
    let stops = BTreeMap::from([
        (0, Stop::Cap(30)),
        (6, Stop::Kill(9)),
        (9, Stop::Abandon(12)),
        (11, Stop::Cap(25)),
        (12, Stop::Cap(8)),
        (20, Stop::Kill(20)),
        (24, Stop::Abandon(8)),
    ]);
    for night in 0..NIGHTS {
        study.night(night, stops.get(&night).copied()).await;
        if night % 15 == 14 {
            study.build();
        }
    }
    let goes_on = stops.values().filter(|stop| !matches!(stop, Stop::Abandon(_))).count();
    assert_eq!(study.runs.len(), NIGHTS as usize - goes_on, "what is stopped goes on, and is one run");
    let rules = Rules {
        searches: vec![
            search(1, "防晒霜", "time_descending", "any", 1),
            search(1, "防晒霜", "popularity_descending", "any", 1),
            search(2, "咖啡", "general", "week", 2),
        ],
        users: (3, users),
        details: Details::Changed,
        authors: WEEK,
        searches_age: None,
        until_known: true,
        known: None,
    };
    let tried = study.hold(&rules).await;
    for (rule, least) in [
        ("details again", 300),
        ("details spared", 300),
        ("authors again", 20),
        ("authors spared", 100),
        ("left out by the window", 100),
        ("empty and due", 100),
        ("empty in three runs", 5),
        ("unresolved before", 5),
        ("walks that ended at known notes", 10),
        ("walks that went on, for the one before had not ended", 1),
    ] {
        assert!(tried.get(rule).is_some_and(|times| *times >= least), "{rule}: {tried:?}");
    }
}

#[tokio::test]
async fn thirty_nights_of_ages_cost_what_the_rules_say_and_tell_what_was_shown() {
    let users = users(1).await;
    let mut study = Study::new(&format!(
        "[[seeds]]\nkeywords = [\"防晒霜\"]\nmax_pages = 2\n[[seeds]]\nusers = {users:?}\n\
         [refresh]\ndetails = \"7d\"\nauthors = \"72h\"\nsearches = \"36h\"\n"
    ))
    .await;
    for night in 0..NIGHTS {
        study.night(night, None).await;
        if night % 15 == 14 {
            study.build();
        }
    }
    let rules = Rules {
        searches: vec![search(1, "防晒霜", "general", "any", 2)],
        users: (2, users),
        details: Details::Older(WEEK),
        authors: 72 * HOUR,
        searches_age: Some(36 * HOUR),
        until_known: false,
        known: None,
    };
    let tried = study.hold(&rules).await;
    for (rule, least) in [
        ("details again", 20),
        ("details spared", 20),
        ("authors again", 20),
        ("authors spared", 20),
        ("searches used again", 20),
        ("empty and due", 20),
        ("empty in three runs", 5),
        ("unresolved before", 5),
    ] {
        assert!(tried.get(rule).is_some_and(|times| *times >= least), "{rule}: {tried:?}");
    }
}

#[tokio::test]
async fn thirty_nights_of_known_notes_cost_what_the_rules_say_and_tell_what_was_shown() {
    let mut study = Study::new(
        "[[seeds]]\nkeywords = [\"防晒霜\"]\nsort = \"time_descending\"\nmax_pages = 1\n\
         [[seeds]]\nkeywords = [\"咖啡\"]\npublished = \"week\"\nmax_pages = 2\n\
         [refresh]\ndetails = \"changed\"\nauthors = \"7d\"\nknown = \"100h\"\n",
    )
    .await;
    let stops = BTreeMap::from([(0, Stop::Cap(15)), (6, Stop::Leave(16)), (11, Stop::Kill(15)), (22, Stop::Leave(22))]);
    for night in 0..NIGHTS {
        study.night(night, stops.get(&night).copied()).await;
        if night % 15 == 14 {
            study.build();
        }
    }
    let rules = Rules {
        searches: vec![search(1, "防晒霜", "time_descending", "any", 1), search(2, "咖啡", "general", "week", 2)],
        users: (3, Vec::new()),
        details: Details::Changed,
        authors: WEEK,
        searches_age: None,
        until_known: false,
        known: Some(100 * HOUR),
    };
    let tried = study.hold(&rules).await;
    for (rule, least) in [("known again", 50), ("known and listed", 20), ("known and gone", 1), ("known and left", 4)] {
        assert!(tried.get(rule).is_some_and(|times| *times >= least), "{rule}: {tried:?}");
    }
}
