//! What breaks on the way, one kind at a time: each leads to the outcome, the bill and the number of attempts that fit it.
//!
//! A case is a whole run of eight calls. One kind of fault meets one of them, at its first attempt or always; what goes
//! wrong before a request can be told apart meets all calls of one vendor. The vendor keeps books of its own.

mod kinds;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use notemill::crawl::{Begin, Ended};
use notemill::fetch::retry::Patience;
use notemill::job::Job;
use notemill::model::{Answer, Billed, Endpoint, Outcome};
use notemill::state::State;
use serde_json::json;

use self::kinds::{Class, Fault, Kind, kinds};
use super::{Draws, Promise, in_lanes};
use crate::cli::{Desk, files};
use crate::hostile::{Act, Hostile, http};
use crate::scripted::{Asked, DETAIL, NOTES, PROFILE, SEARCH, SPIDER};
use crate::support::{World, hasty};

pub(super) const PROMISE: Promise = Promise {
    name: "faults are told apart",
    shown_by: "a raw TCP vendor: name, connection, TLS, HTTP, length, chunks, gzip, HTML, redirects, statuses, every \
               business code, in one call of a run, once or always",
    must_hold: "the right outcome, bill and reason in 100%, attempts ≤ 5 (3 if maybe billed), counted ≥ billed, 0 hangs",
    ci: 312,
    long: 1_000,
    show,
};

#[test]
fn faults_are_told_apart() {
    assert!(PROMISE.ci >= 3 * kinds(&mut Draws(0), "").len() as u64, "every kind, three times");
    PROMISE.hold();
}

const LONGEST: Duration = Duration::from_secs(60);

fn show(cases: u64) -> String {
    let (calls, slowest) = (AtomicU64::new(0), AtomicU64::new(0));
    in_lanes(cases, |number| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = Instant::now();
        calls.fetch_add(runtime.block_on(one(number)), Ordering::SeqCst);
        slowest.fetch_max(begun.elapsed().as_millis() as u64, Ordering::SeqCst);
    });
    let kinds = kinds(&mut Draws(0), "").len() as u64;
    format!(
        "100% right over {} kinds ({} calls); slowest run {:.1} s",
        kinds.min(cases),
        calls.into_inner(),
        slowest.into_inner() as f64 / 1000.0
    )
}

/// One case: what is drawn for it.
struct Case {
    name: String,
    kind: Kind,
    /// The endpoint whose second call meets the fault.
    target: Endpoint,
    always: bool,
    concurrency: u32,
    /// Who answers users' notes.
    notes: &'static str,
}

impl Case {
    fn draw(number: u64, elsewhere: &str) -> Self {
        let mut draws = Draws(number);
        let mut all = kinds(&mut draws, elsewhere);
        let kind = all.swap_remove((number % all.len() as u64) as usize);
        let notes = kind.vendor.unwrap_or(["justoneapi", "spiderhubs"][draws.below(2) as usize]);
        let target = match kind.vendor {
            Some("spiderhubs") => Endpoint::UserNotes,
            _ => Endpoint::ALL[draws.below(4) as usize],
        };
        let (always, concurrency) = (draws.below(2) == 0, 1 + draws.below(8) as u32);
        let often = if always { "always" } else { "once" };
        let name = format!("case {number}: {}, {often}, in {target} of {notes}, {concurrency} at once", kind.name);
        Self { name, kind, target, always, concurrency, notes }
    }

    /// Tells whether a call is the one that meets the fault.
    fn meets(&self, asked: &Asked) -> bool {
        let (what, parameter, value) = match self.target {
            Endpoint::SearchNotes => (SEARCH, "keyword", "k2"),
            Endpoint::NoteDetail => (DETAIL, "noteId", "6500000000000000000000b2"),
            Endpoint::UserProfile => (PROFILE, "userId", "6500000000000000000000a2"),
            Endpoint::UserNotes if self.notes == "spiderhubs" => (SPIDER, "user_id", "6500000000000000000000a2"),
            Endpoint::UserNotes => (NOTES, "userId", "6500000000000000000000a2"),
        };
        asked.what == what && asked.param(parameter) == value && (self.always || asked.before == 0)
    }

    fn job(&self, world: &World) -> Job {
        let mut job = world.job(&format!(
            "seeds = [{{ keywords = [\"k1\", \"k2\"], max_pages = 1 }}, {{ users = [\"6500000000000000000000a1\", \"6500000000000000000000a2\"] }}, {{ notes = [\"6500000000000000000000b1\", \"6500000000000000000000b2\"] }}]\n\
             expand = {{ details = false, authors = true }}\nroute = {{ user_notes = \"{}\" }}\n",
            self.notes
        ));
        for settings in job.vendors.values_mut() {
            // Attempts are counted in one version; `answers.rs` shows what happens between versions.
            settings.version.insert(Endpoint::UserProfile, "v3".into());
            settings.concurrency = self.concurrency;
            settings.timeout = if self.kind.hangs { Duration::from_millis(700) } else { Duration::from_secs(20) };
        }
        job
    }
}

/// Runs one case and returns how many calls the vendor got.
async fn one(number: u64) -> u64 {
    let elsewhere = Hostile::start(|_| vec![Act::Close]).await;
    let case = Arc::new(Case::draw(number, &elsewhere.address));
    let (billed, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let good = vendor(&case, &billed, &calls).await;
    let world = World::new(&good.base_url());
    let mut job = case.job(&world);
    let bad = case.break_one_vendor(&mut job).await;

    let begun = Instant::now();
    let patience = Patience { longest_throttle: Duration::from_millis(100), ..hasty() };
    let ended = tokio::time::timeout(LONGEST, world.run_with(&job, Begin::Continue, patience)).await;
    let ended = ended.unwrap_or_else(|_| panic!("{} does not end", case.name));
    assert!(begun.elapsed() >= case.kind.waits, "{}: did not wait as the vendor asked", case.name);

    let seen = Seen::read(&world, ended);
    seen.hold_for_all(&case, billed.load(Ordering::SeqCst));
    match (&case.kind.fault, bad) {
        (Fault::Answer(_), _) => seen.hold_for_one_call(&case),
        (_, bad) => seen.hold_for_one_vendor(&case, bad.as_ref()),
    }
    assert_eq!(elsewhere.connections(), 0, "{}: something went to another server", case.name);
    calls.load(Ordering::SeqCst)
}

/// Starts the vendor that answers all calls but one.
async fn vendor(case: &Arc<Case>, billed: &Arc<AtomicU64>, calls: &Arc<AtomicU64>) -> Hostile {
    let (case, billed, calls) = (case.clone(), billed.clone(), calls.clone());
    Hostile::start(move |asked| {
        calls.fetch_add(1, Ordering::SeqCst);
        let body = body(asked);
        match &case.kind.fault {
            Fault::Answer(acts) if case.meets(asked) => {
                billed.fetch_add(u64::from(case.kind.billed), Ordering::SeqCst);
                acts(&body)
            }
            _ => {
                billed.fetch_add(1, Ordering::SeqCst);
                vec![Act::Send(http(200, &[], &body))]
            }
        }
    })
    .await
}

/// A note by the first of the job's users.
fn listed(id: &str) -> serde_json::Value {
    let mut note = crate::scripted::listed(id);
    note["user"]["userid"] = json!("6500000000000000000000a1");
    note
}

/// The right answer to any call.
fn body(asked: &Asked) -> Vec<u8> {
    let data = match asked.what.as_str() {
        SEARCH => {
            json!({ "items": [{ "model_type": "note", "note": listed(&format!("of-{}", asked.param("keyword"))) }] })
        }
        DETAIL => json!([{ "note_list": [listed(asked.param("noteId"))] }]),
        PROFILE => json!({ "userid": asked.param("userId"), "nickname": "n", "fans": 3 }),
        NOTES => json!({ "notes": [listed(&format!("of-{}", asked.param("userId")))], "has_more": false }),
        _ => {
            let notes = json!([listed(&format!("of-{}", asked.param("user_id")))]);
            return json!({ "code": 200, "data": { "code": 0, "data": { "notes": notes, "has_more": false } } })
                .to_string()
                .into_bytes();
        }
    };
    json!({ "code": 0, "data": data }).to_string().into_bytes()
}

impl Case {
    /// Puts one vendor where the kind of fault wants it; returns its server, where it has one.
    async fn break_one_vendor(&self, job: &mut Job) -> Option<Hostile> {
        let greeted = |acts: Vec<Act>| {
            let always = self.always;
            Hostile::start_with(
                move |number| if always || number == 1 { acts.clone() } else { Vec::new() },
                |asked| vec![Act::Send(http(200, &[], &body(asked)))],
            )
        };
        let (address, server) = match &self.kind.fault {
            Fault::Answer(_) => return None,
            Fault::Address(address) => (address.clone(), None),
            Fault::Tls(acts) => {
                let acts = acts.clone();
                let server = Hostile::start_with(move |_| acts.clone(), |_| vec![Act::Close]).await;
                (format!("https://{}", server.address), Some(server))
            }
            Fault::Connection(acts) => {
                let server = greeted(acts.clone()).await;
                (server.base_url(), Some(server))
            }
        };
        let settings = job.vendors.get_mut(self.notes).unwrap();
        settings.base_url = address.parse().unwrap();
        server
    }

    /// How many calls the broken vendor owes: users' notes alone, or all of them.
    fn broken_calls(&self) -> usize {
        if self.notes == "spiderhubs" { 2 } else { 8 }
    }
}

#[test]
fn a_person_hears_of_a_fault_by_exit_code_and_reason() {
    let told = [
        ("a call that hangs", 3, "no whole answer within 1 s"),
        ("a cut answer", 3, "the answer was cut short"),
        ("a bad call", 3, "HTTP 404: the body is no JSON"),
        ("a refused key", 5, "HTTP 401: the body is no JSON"),
        ("no money", 4, "HTTP 402: the body is no JSON"),
    ];
    in_lanes(told.len() as u64, |number| {
        let (name, exit, reason) = told[number as usize];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let vendor = runtime.block_on(Hostile::start(move |asked| match number {
            _ if asked.param("noteId") != "6500000000000000000000b2" => vec![Act::Send(http(200, &[], &body(asked)))],
            0 => vec![Act::Hang],
            1 => vec![Act::Send(http(200, &[("content-length", "900")], &body(asked)[..40])), Act::Close],
            _ => vec![Act::Send(http([404, 401, 402][number as usize - 2], &[], b"<html>no</html>"))],
        }));
        let desk = Desk::new(&format!(
            "seeds = [{{ notes = [\"6500000000000000000000b1\", \"6500000000000000000000b2\"] }}]\nexpand = {{ authors = false }}\n\
             [vendors.justoneapi]\nbase_url = \"{}\"\ntimeout = \"1s\"\nconcurrency = 1\n",
            vendor.base_url()
        ));
        let output = desk.run(&["run", "job.toml", "-v"]);
        assert_eq!(output.status.code(), Some(exit), "{name}: {output:?}");
        let report = files(&desk.path("data/job/runs")).remove(0);
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        let told = format!("{} {}", report["ending"]["reason"], report["told"]["given_up"]);
        assert!(told.contains(reason) && !told.contains("127.0.0.1"), "{name}: {told}");
        assert_eq!(report["rows"]["notes"].as_u64(), Some(1), "{name}: the other note is there");
        assert!(String::from_utf8_lossy(&output.stdout).contains(reason), "{name}: {output:?}");
    });
}

/// What a run left behind.
struct Seen {
    ended: Ended,
    answers: Vec<Answer>,
    given_up: BTreeMap<String, u64>,
    counted: u64,
}

impl Seen {
    fn read(world: &World, ended: Ended) -> Self {
        let answers = world.answers();
        let mut state = State::open(&world.dataset().join("data")).unwrap();
        let turn = state.turn().unwrap();
        let run = turn.latest_run().unwrap().unwrap().id;
        Self {
            ended,
            answers,
            given_up: turn.given_up(&run).unwrap(),
            counted: turn.spent_and_reserved(&run).unwrap().calls,
        }
    }

    fn facts(&self) -> usize {
        self.answers.iter().filter(|answer| answer.outcome.is_fact()).count()
    }

    /// Every reason that the run tells anybody.
    fn reasons(&self) -> String {
        let given_up: Vec<&str> = self.given_up.keys().map(String::as_str).collect();
        match &self.ended {
            Ended::NoVendor { reason, .. } | Ended::Refused { reason, .. } => {
                format!("{} / {reason}", given_up.join(" / "))
            }
            _ => given_up.join(" / "),
        }
    }

    fn hold_for_all(&self, case: &Case, billed: u64) {
        let name = &case.name;
        let is_sure =
            matches!(case.kind.fault, Fault::Answer(_)) && !matches!(case.kind.class, Class::Maybe | Class::Unnamed);
        assert!(self.counted >= billed, "{name}: the vendor billed {billed}, and only {} are counted", self.counted);
        assert!(self.counted == billed || !is_sure, "{name}: the vendor billed {billed}, not {}", self.counted);
        let reasons = self.reasons();
        for word in ["http://", "https://", "127.0.0.1", "sandbox-key", "token="] {
            assert!(!reasons.contains(word), "{name}: {reasons}");
        }
        assert!(!reasons.contains(char::is_control), "{name}: {reasons:?}");
        for answer in &self.answers {
            // A reset may come before the connection stands or after it: then attempts of both kinds add up.
            let is_mixed = matches!(case.kind.fault, Fault::Connection(_));
            let most = if answer.billed == Billed::No || is_mixed { 5 } else { 3 };
            assert!(answer.attempts <= most || answer.outcome.is_fact(), "{name}: {} attempts", answer.attempts);
        }
    }

    fn hold_for_one_call(&self, case: &Case) {
        let (name, class) = (&case.name, case.kind.class);
        match (class, &self.ended) {
            (Class::Stopped, Ended::NoVendor { reason, .. }) | (Class::Refused, Ended::Refused { reason, .. }) => {
                assert!(reason.contains(case.kind.reason), "{name}: {reason}");
                return assert!(self.facts() < 8 && self.given_up.is_empty(), "{name}: {:?}", self.given_up);
            }
            (Class::Throttled, Ended::NoVendor { reason, .. }) if case.always => {
                return assert!(reason.contains("slower pace"), "{name}: {reason}");
            }
            (_, ended) => assert_eq!(*ended, Ended::Complete, "{name}"),
        }
        let is_target = |answer: &&Answer| {
            let key = answer.call.key();
            answer.call.endpoint() == case.target
                && ["\"k2\"", "\"6500000000000000000000b2\"", "\"6500000000000000000000a2\""]
                    .iter()
                    .any(|id| key.contains(id))
        };
        let answer = self.answers.iter().find(is_target).unwrap();
        let got = (answer.outcome, answer.attempts, answer.billed);
        let reason = self.reasons();
        assert_eq!(got, class.leads_to(case.always, case.target), "{name}: {reason}");
        assert_eq!((self.answers.len(), self.facts()), (8, 7 + usize::from(answer.outcome.is_fact())), "{name}");
        assert!(answer.outcome.is_fact() || reason.contains(case.kind.reason), "{name}: {reason}");
    }

    fn hold_for_one_vendor(&self, case: &Case, bad: Option<&Hostile>) {
        let (name, owed) = (&case.name, case.broken_calls());
        let reasons = self.reasons();
        if case.kind.class == Class::Unreached {
            assert!(matches!(self.ended, Ended::NoVendor { .. }), "{name}: {:?}", self.ended);
            // What is owed to others may be owed still: the run ends at once.
            assert!(self.facts() <= 8 - owed && self.answers.len() == self.facts(), "{name}: {reasons}");
            assert_eq!(self.counted, self.facts() as u64, "{name}");
            assert!(reasons.contains("does not answer: cannot connect"), "{name}: {reasons}");
        } else if case.always {
            assert_eq!((self.facts(), &self.ended), (8 - owed, &Ended::Complete), "{name}: {reasons}");
            let given_up = self.answers.iter().filter(|answer| !answer.outcome.is_fact());
            for answer in given_up {
                assert_eq!((answer.outcome, answer.billed), (Outcome::Retry, Billed::Unknown), "{name}");
                assert!(answer.attempts >= 3, "{name}: {} attempts", answer.attempts);
            }
            assert_eq!(bad.unwrap().lines(), [""; 0], "{name}");
        } else {
            assert_eq!((self.facts(), &self.ended), (8, &Ended::Complete), "{name}: {reasons}");
        }
    }
}
