//! Notes that no listing shows any more, asked again by their age; the oracle is what the provider was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use notemill::archive;
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::job::Job;
use notemill::model::{Endpoint, NoteId};
use notemill::state::{Clock, Draft, State};
use tokio::sync::watch;

use crate::scripted::{DETAIL, PROFILE, Reply, SEARCH, Scripted, code, full, note_id, search_page};
use crate::support::{World, hasty};

const JOB: &str = "seeds = [{ keywords = [\"a\"], max_pages = 1 }]\n\
                   refresh = { details = \"forever\", authors = \"1d\", known = \"14d\" }\n";

/// What the provider shows now.
#[derive(Debug, Default)]
struct Shows {
    listed: Vec<String>,
    gone: Vec<String>,
    /// Calls for these fail for good, for nothing or for money.
    refused: Vec<String>,
    garbled: Vec<String>,
}

struct Study {
    world: World,
    provider: Scripted,
    shows: Arc<Mutex<Shows>>,
    clock: Clock,
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| note_id(number, 1_700_000_000)).collect()
}

impl Study {
    async fn new() -> Self {
        let shows = Arc::new(Mutex::new(Shows::default()));
        let own = Arc::clone(&shows);
        let provider = Scripted::start(move |asked| {
            let shows = own.lock().unwrap();
            let note = asked.param("noteId").to_owned();
            match asked.what.as_str() {
                SEARCH => search_page(&shows.listed),
                DETAIL if shows.gone.contains(&note) => code(201),
                DETAIL if shows.garbled.contains(&note) => Reply::Text(200, "{"),
                DETAIL if shows.refused.contains(&note) => code(400),
                _ => full(asked),
            }
        })
        .await;
        let world = World::in_memory(&provider.base_url);
        let clock = Clock::standing("2026-03-01T12:00:00Z".parse().unwrap());
        Self { world, provider, shows, clock }
    }

    fn days_pass(&self, days: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_hours(24 * days) + SignedDuration::from_secs(60));
    }

    fn state(&self) -> State {
        let mut state = State::open(&self.world.dataset().join("data")).unwrap().with_clock(self.clock.clone());
        archive::reconcile(&mut state).unwrap();
        state
    }

    /// Runs a job once; returns how it ended, and the notes whose details were asked, in the order of arrival.
    async fn run(&self, job: &Job, how: Begin) -> (Ended, Vec<String>) {
        let before = self.provider.lines().len();
        let mut state = self.state();
        let begun = crawl::begin(job, &mut state, how).unwrap();
        let keys: BTreeMap<String, Key> =
            job.vendors.keys().map(|name| (name.clone(), Key::new("k").unwrap())).collect();
        let (_alive, stop) = watch::channel(false);
        let ended = crawl::run(job, &mut state, &begun, &keys, hasty(), stop, &mut |_| {}).await.unwrap();
        crawl::close(&mut state, &begun, &ended).unwrap();
        let lines = self.provider.lines().split_off(before);
        let details = lines.iter().filter_map(|line| line.strip_prefix(&format!("{DETAIL} noteId=")));
        (ended, details.map(str::to_owned).collect())
    }

    async fn asks(&self, job: &str) -> Vec<String> {
        let (ended, asked) = self.run(&self.job(job), Begin::Continue).await;
        assert_eq!(ended, Ended::Complete);
        asked
    }

    fn job(&self, job: &str) -> Job {
        self.world.job(&format!("{job}[vendors.justoneapi]\nconcurrency = 1\nprice = {{ note_detail = 1.0 }}\n"))
    }

    /// The low, expected and high number of details of a plan.
    fn planned(&self, job: &str) -> (u64, u64, Option<u64>) {
        let job = self.job(job);
        let mut draft = Draft::of(&job.dataset).unwrap().with_clock(self.clock.clone());
        let plan = crawl::plan(&draft.turn().unwrap(), &job, Begin::Continue, self.clock.now()).unwrap();
        let stage = plan.stages.iter().find(|stage| stage.endpoint == Endpoint::NoteDetail).unwrap();
        (stage.calls.low, stage.calls.expected, stage.calls.high)
    }

    fn show(&self, change: impl FnOnce(&mut Shows)) {
        change(&mut self.shows.lock().unwrap());
    }
}

#[tokio::test]
async fn what_no_listing_shows_is_asked_by_its_age_last_and_oldest_first() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids([3, 1]));
    assert_eq!(study.asks(JOB).await, ids([3, 1]));
    study.days_pass(1);
    study.show(|shows| shows.listed = ids([2]));
    assert_eq!(study.asks(JOB).await, ids([2]));
    // On the last day before the age nothing is due.
    study.days_pass(12);
    study.show(|shows| shows.listed = ids([4]));
    assert_eq!(study.asks(JOB).await, ids([4]));
    study.days_pass(2);
    study.show(|shows| shows.listed = ids([1, 5]));
    let (low, expected, high) = study.planned(JOB);
    assert!(low == 0 && expected >= 3 && high.is_some_and(|high| high >= 3), "{low} {expected} {high:?}");
    let before = study.provider.lines().len();
    assert_eq!(study.asks(JOB).await, ids([5, 3, 2]), "1 is listed, and 5 is new; then the oldest");
    let lines = study.provider.lines().split_off(before);
    let last = lines.iter().rposition(|line| !line.starts_with(DETAIL)).unwrap();
    assert_eq!(lines.len() - 1 - last, 2, "nothing follows from them, and nothing comes after: {lines:?}");
    assert!(lines[last].starts_with(PROFILE), "{lines:?}");
    // A night that finished is not asked again before the age has passed.
    study.days_pass(1);
    study.show(|shows| shows.listed = ids([5]));
    assert_eq!(study.asks(JOB).await, ids([1]), "only the one that was listed last time");
    study.days_pass(1);
    assert_eq!(study.asks(JOB).await, ids([]));
    // Without the key, nothing of it is asked.
    study.days_pass(30);
    assert_eq!(study.asks(&JOB.replace(", known = \"14d\"", "")).await, ids([]));
}

#[tokio::test]
async fn what_is_gone_is_asked_no_more_until_a_listing_shows_it() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=4));
    study.asks(JOB).await;
    study.days_pass(14);
    study.show(|shows| {
        shows.listed = ids([4]);
        shows.gone = ids([2]);
    });
    assert_eq!(study.asks(JOB).await, ids([1, 2, 3]));
    study.days_pass(14);
    study.show(|shows| shows.listed = Vec::new());
    assert_eq!(study.asks(JOB).await, ids([4, 1, 3]), "2 is gone");
    study.days_pass(14);
    study.show(|shows| shows.listed = ids([2]));
    assert_eq!(study.asks(JOB).await, ids([4, 1, 3]), "2 is listed, and its detail stands");
    study.days_pass(14);
    study.show(|shows| shows.listed = Vec::new());
    assert_eq!(study.asks(JOB).await, ids([2, 4, 1, 3]), "2 was listed after its detail");
}

#[tokio::test]
async fn a_cap_ends_known_notes_and_the_rest_is_as_due_for_the_next_run() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=6));
    study.asks(JOB).await;
    study.days_pass(20);
    study.show(|shows| {
        shows.listed = ids([7]);
        shows.refused = ids([2]);
    });
    // A listing, a detail and a profile, then 3 known notes that are billed: a refused call is not.
    let capped = format!("budget = {{ max_calls = 6 }}\n{JOB}");
    assert_eq!(study.asks(&capped).await, ids([7, 1, 2, 3, 4]));
    // The next night lists first.
    study.days_pass(1);
    study.show(|shows| {
        shows.listed = ids([8]);
        shows.refused = Vec::new();
    });
    let before = study.provider.lines().len();
    assert_eq!(study.asks(JOB).await, ids([8, 2, 5, 6]), "what was given up is the oldest");
    assert!(study.provider.lines()[before].starts_with(SEARCH));
    // A cap that stops the seeds' own work stops the run.
    study.days_pass(20);
    let stopped = format!("budget = {{ max_calls = 1 }}\n{}", JOB.replace("\"forever\"", "\"1d\""));
    let (ended, asked) = study.run(&study.job(&stopped), Begin::Continue).await;
    assert_eq!((ended, asked), (Ended::Budget { cap: "max_calls = 1".into() }, ids([])));
}

#[tokio::test]
async fn only_failed_calls_are_asked_again_when_those_are_wanted() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=3));
    study.asks(JOB).await;
    study.days_pass(14);
    study.show(|shows| {
        shows.listed = ids([4]);
        shows.refused = ids([2, 4]);
    });
    assert_eq!(study.asks(JOB).await, ids([4, 1, 2, 3]));
    study.days_pass(14);
    study.show(|shows| shows.refused = Vec::new());
    let (_, asked) = study.run(&study.job(JOB), Begin::RetryFailed).await;
    assert_eq!(asked, ids([4, 2]), "1 and 3 are due, too, and were not given up");
}

#[tokio::test]
async fn notes_of_seeds_go_by_their_own_rule_and_a_job_without_details_asks_known_ones() {
    let study = Study::new().await;
    let seeds = |more: &str| {
        let known = ids([1, 2]);
        format!(
            "seeds = [{{ notes = {known:?} }}{more}]\nexpand = {{ details = false, authors = false }}\n\
             refresh = {{ details = \"forever\", known = \"14d\" }}\n"
        )
    };
    assert_eq!(study.asks(&seeds("")).await, ids([1, 2]));
    study.days_pass(15);
    assert_eq!(study.planned(&seeds("")), (0, 0, Some(0)));
    assert_eq!(study.asks(&seeds("")).await, ids([]), "`details` says forever");
    study.show(|shows| shows.listed = ids([2]));
    let search = seeds("").replace(&format!("notes = {:?}", ids([1, 2])), "keywords = [\"a\"], max_pages = 1");
    assert_eq!(study.planned(&search).2, Some(2));
    assert_eq!(study.asks(&search).await, ids([1]), "2 is listed");
    // Without a listing that could show them, the plan is exact.
    let other = seeds("").replace(&format!("{:?}", ids([1, 2])), &format!("{:?}", ids([9])));
    study.days_pass(15);
    assert_eq!(study.planned(&other), (3, 3, Some(3)));
    assert_eq!(study.asks(&other).await, ids([9, 2, 1]));
}

#[tokio::test]
async fn the_list_survives_a_lost_state_and_forgets_what_is_forgotten() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=5));
    study.asks(JOB).await;
    study.days_pass(14);
    study.show(|shows| {
        shows.listed = ids([5]);
        shows.gone = ids([1]);
    });
    assert_eq!(study.asks(JOB).await, ids([1, 2, 3, 4]));
    let due = |state: &mut State| {
        let turn = state.turn().unwrap();
        let due = turn.due_notes("none", Timestamp::MAX, None, 9).unwrap();
        (due, turn.count_due("none", Timestamp::MAX).unwrap())
    };
    let known = due(&mut study.state());
    assert_eq!(known.1, 4);
    let data = study.world.dataset().join("data");
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("state.sqlite") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(due(&mut study.state()), known, "as it was, from the archive");
    let mut state = study.state();
    notemill::forget::forget(&mut state, &[NoteId::parse(&ids([3])[0]).unwrap()], &[], &[]).unwrap();
    assert_eq!(due(&mut state).1, 3);
}

#[tokio::test]
async fn a_provider_that_stops_leaves_known_notes_to_a_run_that_lists_first() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=3));
    study.asks(JOB).await;
    study.days_pass(14);
    study.show(|shows| shows.listed = ids([4]));
    let stopping = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => search_page(&ids([4])),
        DETAIL if asked.param("noteId") == ids([2])[0] => code(601),
        _ => full(asked),
    })
    .await;
    let mut job = study.job(JOB);
    for vendor in job.vendors.values_mut() {
        vendor.base_url = stopping.base_url.parse().unwrap();
    }
    assert!(matches!(study.run(&job, Begin::Continue).await.0, Ended::NoVendor { .. }));
    assert_eq!(stopping.lines().len(), 5);
    study.days_pass(1);
    let before = study.provider.lines().len();
    assert_eq!(study.asks(JOB).await, ids([2, 3]));
    assert!(study.provider.lines()[before].starts_with(SEARCH), "{:?}", study.provider.lines());
}

#[tokio::test]
async fn what_fails_for_money_waits_for_its_age_and_what_fails_for_nothing_does_not() {
    let study = Study::new().await;
    study.show(|shows| shows.listed = ids(1..=3));
    study.asks(JOB).await;
    study.days_pass(14);
    study.show(|shows| {
        shows.listed = Vec::new();
        shows.refused = ids([1]);
        shows.garbled = ids([2]);
    });
    let first = study.asks(JOB).await;
    let count = |asked: &[String], number| asked.iter().filter(|id| **id == ids([number])[0]).count();
    assert_eq!([1, 2, 3].map(|number| count(&first, number)), [1, 3, 1], "three attempts that may be billed");
    study.days_pass(1);
    assert_eq!(study.asks(JOB).await, ids([1]));
    study.days_pass(14);
    let later = study.asks(JOB).await;
    assert_eq!([1, 2, 3].map(|number| count(&later, number)), [1, 3, 1]);
}

#[tokio::test]
async fn what_was_only_listed_is_asked_once_no_listing_shows_it() {
    let study = Study::new().await;
    let job = format!("{JOB}expand = {{ details = false, authors = false }}\n");
    study.show(|shows| shows.listed = ids([1, 2]));
    assert!(study.asks(&job).await.is_empty(), "both are listed");
    study.days_pass(1);
    study.show(|shows| shows.listed = ids([1]));
    assert_eq!(study.planned(&job).2, Some(2));
    assert_eq!(study.asks(&job).await, ids([2]));
    study.days_pass(1);
    assert!(study.asks(&job).await.is_empty(), "its detail is young");
}
