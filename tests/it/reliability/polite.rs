//! Retries stay polite: a vendor in trouble is asked little more than it would be asked anyway, and then gets its rest.
//!
//! Each case is a job against a vendor with a drawn trouble from its call `from` to its call `to`: it fails for all, it
//! fails for a drawn share, or it throttles; in some cases its balance is used up once. The job is continued as a person
//! would: after exit 4 with `run`, after exit 3 with `run --retry-failed`.
//!
//! *Attempts per call* is measured over windows. A window is the part of one run in which the vendor is in trouble and
//! has told of calls that it was not asked yet; it counts if it holds 50 different calls. An attempt is any call that
//! arrives in it, less those that are throttled, for a throttle is no failure, and less the ten retries that a run begins
//! with. When no new call is left, what failed must be
//! asked again, so what counts then is how: a retry that arrives while another call is on its way must have been paid
//! for, and a run has ten of them, and one more for every five answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::stream::{self, StreamExt as _};
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::job::Job;
use notemill::state::State;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Draws, Promise};
use crate::scripted::{SEARCH, listed, note_id};
use crate::support::{World, hasty};
use crate::wire::{self, Act, Call, Reply};

pub(super) const PROMISE: Promise = Promise {
    name: "retries stay polite",
    shown_by: "drawn outages, failing shares, throttles and stops, continued until all is answered",
    must_hold: "≤ 1.2 attempts a call in trouble, beyond ten retries; all answered, nothing twice, stops and pauses kept",
    ci: 20,
    long: 600,
    show,
};

#[test]
fn retries_stay_polite() {
    PROMISE.hold();
}

/// The pages of the one search, and the notes on each.
const PAGES: u64 = 3;
const ON_A_PAGE: u64 = 10;

#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Fails for so many calls of a hundred.
    Fails { share: u64, how: u64 },
    /// Throttles so many calls of a hundred, and says for how long in one of five ways.
    Throttles { share: u64, how: u64 },
}

#[derive(Debug)]
struct Vendor {
    case: u64,
    draws: Draws,
    trouble: Trouble,
    from: u64,
    to: u64,
    /// The call at which the balance is used up.
    stops_at: Option<u64>,
    concurrency: usize,
    arrived: u64,
    /// Calls that the vendor has told of, and those that it answered for good.
    told: BTreeSet<String>,
    answered: BTreeSet<String>,
    run: RunSeen,
}

/// How long after it is given an answer is read at the latest.
const HEARD: Duration = Duration::from_millis(200);

/// What one run has done so far.
#[derive(Debug, Default)]
struct RunSeen {
    asked: BTreeSet<String>,
    failed: BTreeSet<String>,
    helped: u64,
    crowded: u64,
    window_calls: BTreeSet<String>,
    window_attempts: u64,
    after_stop: Option<usize>,
    /// When a pause was announced and when it ends, and how many calls came in spite of it.
    pause: Option<(Range<Instant>, usize)>,
}

impl Vendor {
    fn new(case: u64, notes: u64, concurrency: usize) -> Self {
        let mut draws = Draws(case);
        let from = draws.below(30);
        let to = from + 40 + draws.below(300);
        let trouble = match draws.below(10) {
            0..3 => Trouble::Fails { share: 100, how: draws.below(8) },
            3..8 => Trouble::Fails { share: 10 + draws.below(81), how: draws.below(8) },
            _ => Trouble::Throttles { share: 10 + draws.below(91), how: draws.below(5) },
        };
        let stops_at = (draws.below(3) == 0).then(|| draws.below(150));
        let told = (0..notes).map(detail).chain([page(1)]).collect();
        let (arrived, answered, run) = (0, BTreeSet::new(), RunSeen::default());
        Self { case, draws, trouble, from, to, stops_at, concurrency, arrived, told, answered, run }
    }

    fn answer(&mut self, call: &Call) -> Reply {
        let case = self.case;
        let number = self.arrived;
        self.arrived += 1;
        let name = name(call);
        assert!(self.told.contains(&name), "case {case}: {name} was never told of");
        assert!(!self.answered.contains(&name), "case {case}: {name} was answered and is asked again");
        if let Some(more) = &mut self.run.after_stop {
            *more += 1;
            assert!(*more < self.concurrency, "case {case}: {more} more calls after a stop");
            return wire::code(601);
        }
        if let Some((pause, more)) = &mut self.run.pause
            && pause.contains(&Instant::now())
        {
            *more += 1;
            assert!(*more < self.concurrency, "case {case}: {more} more calls in an announced pause");
        }
        let new_left = self.told.iter().any(|told| !self.answered.contains(told) && !self.run.asked.contains(told));
        self.run.asked.insert(name.clone());
        if self.run.failed.contains(&name) && call.others > 0 {
            self.run.crowded += 1;
            let paid = 10 + self.run.helped / 5;
            assert!(self.run.crowded <= paid, "case {case}: {} crowded retries, {paid} paid for", self.run.crowded);
        }
        if self.stops_at.is_some_and(|at| number >= at) {
            self.stops_at = None;
            self.run.after_stop = Some(0);
            return wire::code(601);
        }
        let in_trouble = (self.from..self.to).contains(&number);
        let struck = in_trouble && self.draws.below(100) < self.share();
        let throttles = matches!(self.trouble, Trouble::Throttles { .. });
        if in_trouble && new_left && !throttles {
            self.run.window_attempts += 1;
            self.run.window_calls.insert(name.clone());
        }
        match self.trouble {
            _ if !struck => {
                self.run.failed.remove(&name);
                self.run.helped += 1;
                self.answered.insert(name);
                let (body, more) = facts(call);
                self.told.extend(more);
                wire::json(&body)
            }
            Trouble::Fails { how, .. } => {
                self.run.failed.insert(name);
                // Eight ways to fail, or a mix of them.
                failure(if how == 7 { self.draws.below(7) } else { how }, call)
            }
            Trouble::Throttles { how, .. } => self.throttle(how),
        }
    }

    fn share(&self) -> u64 {
        match self.trouble {
            Trouble::Fails { share, .. } | Trouble::Throttles { share, .. } => share,
        }
    }

    /// A throttle in words that make a second's pause once in a run, and none to speak of after that.
    fn throttle(&mut self, how: u64) -> Reply {
        let now = SystemTime::now();
        let seconds = u64::from(self.run.pause.is_none() && matches!(how, 1 | 3));
        let date = |time| httpdate::fmt_http_date(time);
        let headers = match how {
            0 => String::new(),
            1 => format!("retry-after: {seconds}\r\n"),
            2 => "retry-after: soon\r\n".into(),
            3 => format!("date: {}\r\nretry-after: {}\r\n", date(now), date(now + Duration::from_secs(seconds))),
            _ => format!("date: {}\r\nretry-after: {}\r\n", date(now), date(now - Duration::from_secs(60))),
        };
        if seconds > 0 {
            // On a busy machine this answer is read a while after it is given, and others' answers before it.
            let announced = Instant::now();
            self.run.pause = Some((announced + HEARD..announced + Duration::from_secs(seconds), 0));
        }
        let code = if self.draws.below(2) == 0 { 302 } else { 429 };
        let body = if code == 302 { json!({ "code": 302, "data": null }).to_string() } else { "slow down".into() };
        Reply::Whole(429, headers, body)
    }
}

fn failure(how: u64, call: &Call) -> Reply {
    match how {
        0 => wire::code(301),
        1 => Reply::Whole(500, String::new(), json!({ "code": "500", "data": null }).to_string()),
        2 => Reply::Whole(503, String::new(), "<html>service unavailable</html>".into()),
        3 => Reply::Whole(502, String::new(), String::new()),
        4 => Reply::Whole(200, "content-type: text/html\r\n".into(), "<html>maintenance</html>".into()),
        5 => Reply::Reset,
        _ => Reply::Cut(facts(call).0.to_string()),
    }
}

fn note(number: u64) -> String {
    note_id(u32::try_from(number).unwrap(), 1_700_000_000)
}

fn detail(number: u64) -> String {
    format!("note {}", note(number))
}

fn page(number: u64) -> String {
    format!("page {number}")
}

fn name(call: &Call) -> String {
    if call.what == SEARCH { format!("page {}", call.param("page")) } else { format!("note {}", call.param("noteId")) }
}

/// The answer to a call, and the calls that follow from it.
fn facts(call: &Call) -> (Value, Vec<String>) {
    if call.what != SEARCH {
        return (json!({ "code": 0, "data": [{ "note_list": [listed(call.param("noteId"))] }] }), Vec::new());
    }
    let number: u64 = call.param("page").parse().unwrap();
    let notes: Vec<u64> = (0..ON_A_PAGE).map(|note| 10_000 + number * ON_A_PAGE + note).collect();
    let items: Vec<Value> = notes.iter().map(|number| listed(&note(*number))).collect();
    let next = (number < PAGES).then(|| page(number + 1));
    (json!({ "code": 0, "data": { "items": items } }), notes.into_iter().map(detail).chain(next).collect())
}

/// What cases have reached.
#[derive(Default)]
struct Reached {
    runs: u64,
    windows: u64,
    attempts: u64,
    calls: u64,
    worst: f64,
}

impl Reached {
    fn and(self, other: &Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            windows: self.windows + other.windows,
            attempts: self.attempts + other.attempts,
            calls: self.calls + other.calls,
            worst: self.worst.max(other.worst),
        }
    }
}

fn show(cases: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let all = stream::iter(0..cases).map(survive).buffer_unordered(8);
    let reached = runtime.block_on(all.fold(Reached::default(), async |all, one| all.and(&one)));
    let Reached { runs, windows, attempts, calls, worst } = reached;
    assert!(windows > 0, "no window was long enough to tell");
    format!(
        "{:.2} attempts a call, {worst:.2} at worst ({windows} windows); all answered, 0 twice ({runs} runs)",
        attempts as f64 / calls as f64
    )
}

/// Runs one job until all of it is answered.
async fn survive(case: u64) -> Reached {
    let mut reached = Reached::default();
    let mut draws = Draws(!case);
    let notes = 60 + draws.below(100);
    let concurrency = [4, 16, 64][draws.below(3) as usize];
    let vendor = Arc::new(Mutex::new(Vendor::new(case, notes, concurrency)));
    let script = {
        let vendor = Arc::clone(&vendor);
        move |call: &Call| Act { after: Duration::from_millis(2), reply: vendor.lock().unwrap().answer(call) }
    };
    let world = World::in_memory(&wire::start(script).await);
    let ids: Vec<String> = (0..notes).map(note).collect();
    let job = world.job(&format!(
        "seeds = [{{ notes = {ids:?} }}, {{ keywords = [\"k\"], max_pages = {PAGES} }}]\nexpand = {{ authors = false }}\n\
         [vendors.justoneapi]\nconcurrency = {concurrency}\n"
    ));
    let mut how = Begin::Continue;
    for run in 0.. {
        assert!(run < 60, "case {case}: no end after {run} runs: {:?}", vendor.lock().unwrap());
        let ended = go_on(&job, how).await;
        let mut vendor = vendor.lock().unwrap_or_else(|broken| panic!("case {case}: {:?}", broken.get_ref().run));
        let seen = std::mem::take(&mut vendor.run);
        reached.runs += 1;
        if seen.window_calls.len() >= 50 {
            let (attempts, calls) = (seen.window_attempts.saturating_sub(10), seen.window_calls.len() as u64);
            let ratio = attempts as f64 / calls as f64;
            assert!(ratio <= 1.2, "case {case}: {attempts} attempts for {calls} calls, {:?}", vendor.trouble);
            reached.windows += 1;
            reached.attempts += attempts;
            reached.calls += calls;
            reached.worst = reached.worst.max(ratio);
        }
        how = match ended {
            Ended::Complete if vendor.answered == vendor.told => break,
            Ended::Complete => Begin::RetryFailed,
            Ended::NoVendor { .. } => Begin::Continue,
            ended => panic!("case {case}: {ended:?}"),
        };
        assert!(seen.after_stop.is_none() || how == Begin::Continue, "case {case}: a stop ends the run");
    }
    reached
}

async fn go_on(job: &Job, how: Begin) -> Ended {
    let mut state = State::open(&job.dataset).unwrap();
    let begun = crawl::begin(job, &mut state, how).unwrap();
    let keys = BTreeMap::from([("justoneapi".to_owned(), Key::new("sandbox-key").unwrap())]);
    let (_sender, stop) = watch::channel(false);
    let ended = crawl::run(job, &mut state, &begun, &keys, hasty(), stop, &mut |_| {}).await.unwrap();
    crawl::close(&mut state, &begun, &ended).unwrap();
    ended
}
