//! A cap is never crossed, whatever happens to the calls.
//!
//! The vendor's own books are the oracle: the vendor decides by itself what it bills, whatever the caller gets to see of
//! it. Each time the caps of a run are fresh the calls carry another key, so the books know for each call which cap it fell
//! under; caps of a day and in total hold over all keys. Caps, prices, concurrency, order of work, outcomes, kills, midnights
//! and ends without a last word are drawn for each case.
//!
//! Midnight comes while calls are on their way: the vendor itself moves the one clock that both go by.
//!
//! A kill drops the run in the middle of an `await`, and the state with it: nothing is settled, nothing is
//! closed. The state's files end in good order then; `kills.rs` has the kills that leave them as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use notemill::crawl::{self, Begin, Ended, Progress};
use notemill::fetch::Key;
use notemill::job::{Budget, Job, Order};
use notemill::model::{Endpoint, Money};
use notemill::state::{Clock, Spend, State};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};

use super::{Draws, Promise};
use crate::scripted::{DETAIL, NOTES, SEARCH, note_id};
use crate::support::{World, hasty};
use crate::wire::{self, Act, Call, Reply};

pub(super) const PROMISE: Promise = Promise {
    name: "a cap is never crossed",
    shown_by: "drawn caps, prices, outcomes, kills and midnights, against the vendor's own books",
    must_hold: "0 over; told ≥ billed; all rows in the end; asked again ≤ concurrency a kill",
    ci: 300,
    long: 10_000,
    show,
};

#[test]
fn a_cap_is_never_crossed() {
    PROMISE.hold();
}

/// How a call can go wrong, and whether it is billed all the same.
const FAULTS: [(Fault, bool); 14] = [
    (Fault::Code(301), false),
    (Fault::Code(500), false),
    (Fault::Code(302), false),
    (Fault::Code(400), false),
    (Fault::Code(777), true),
    (Fault::Code(777), false),
    (Fault::Reset, true),
    (Fault::Reset, false),
    (Fault::Cut, true),
    (Fault::Garbled, true),
    (Fault::OtherShape, true),
    (Fault::Html, false),
    (Fault::InnerCode, true),
    (Fault::InnerCode, false),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Code(u16),
    Reset,
    Cut,
    Garbled,
    OtherShape,
    Html,
    InnerCode,
    /// No answer before the caller's patience ends.
    Silence,
}

/// A vendor with books of its own.
#[derive(Debug)]
struct Vendor {
    case: u64,
    prices: BTreeMap<Endpoint, Money>,
    budget: Budget,
    /// Calls of a hundred that go wrong; a call goes wrong three times at most.
    faulty: u64,
    /// Whether it leaves calls unanswered.
    silent: bool,
    arrived: u64,
    asked: BTreeMap<String, u64>,
    answered: BTreeSet<String>,
    /// Calls that came once more after they were answered.
    again: Vec<String>,
    /// What was billed under each key, and on each day.
    billed: BTreeMap<String, Spend>,
    by_day: BTreeMap<String, Spend>,
    /// The calls at which the caller is killed, those before which it is midnight, and those at which the balance is used up.
    kills: BTreeSet<u64>,
    midnights: BTreeSet<u64>,
    stops: BTreeSet<u64>,
    clock: Clock,
    stopped: bool,
    over: Option<String>,
}

impl Vendor {
    fn draw(case: u64, draws: &mut Draws) -> Self {
        let cost = |draws: &mut Draws| Money::from_micros([0, 700, 5_000, 30_000][draws.below(4) as usize]);
        let with_price: Vec<Endpoint> = Endpoint::ALL.into_iter().filter(|_| draws.below(5) > 0).collect();
        let prices: BTreeMap<Endpoint, Money> =
            with_price.into_iter().map(|endpoint| (endpoint, cost(draws))).collect();
        let dearest = prices.values().copied().max().unwrap_or(Money::ZERO);
        let caps = draws.below(8);
        let max_calls = (caps != 0 && caps != 3).then(|| 2 + draws.below(25));
        let max_cost = (caps >= 3).then(|| dearest + Money::from_micros(1_000 + draws.below(150_000) as i64));
        let max_calls_per_day = (draws.below(5) == 0).then(|| 1 + draws.below(40));
        let room = |draws: &mut Draws| dearest + Money::from_micros(1_000 + draws.below(300_000) as i64);
        let max_cost_per_day = (draws.below(5) == 0).then(|| room(draws));
        let max_total_cost = (draws.below(5) == 0).then(|| room(draws));
        let order = if draws.below(2) == 0 { Order::Depth } else { Order::Breadth };
        let some = |draws: &mut Draws, most: u64| {
            let count = draws.below(most + 1);
            (0..count).map(|_| draws.below(50)).collect::<BTreeSet<u64>>()
        };
        let midnights = some(draws, 3);
        let (kills, stops) = (some(draws, 3), if draws.below(4) == 0 { some(draws, 2) } else { BTreeSet::new() });
        Self {
            case,
            prices,
            budget: Budget { max_calls, max_cost, max_calls_per_day, max_cost_per_day, max_total_cost, order },
            faulty: draws.below(60),
            silent: draws.below(12) == 0,
            arrived: 0,
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            again: Vec::new(),
            billed: BTreeMap::new(),
            by_day: BTreeMap::new(),
            kills,
            midnights,
            clock: Clock::standing(evening(0)),
            stops,
            stopped: false,
            over: None,
        }
    }

    /// Decides what is billed and what is said; tells whether the caller is killed now.
    fn answer(&mut self, call: &Call) -> (Reply, bool) {
        let number = self.arrived;
        self.arrived += 1;
        let before = self.asked.entry(call.line.clone()).or_default();
        let nth = *before;
        *before += 1;
        if self.answered.remove(&call.line) {
            self.again.push(format!("{number}: {} with {}", call.line, call.key));
        }
        if self.midnights.remove(&number) {
            let now = self.clock.now();
            self.clock.set(if now.as_second() % DAY > DAY / 2 { now + SignedDuration::from_secs(3) } else { now });
        }
        let killed = self.kills.remove(&number);
        self.stopped |= self.stops.remove(&number);
        if self.stopped {
            return (wire::code(601), killed);
        }
        let mut draws = Draws(self.case ^ hash(&call.line) ^ (nth << 40));
        if nth < 3 && draws.below(100) < self.faulty {
            let (fault, billed) = match draws.below(FAULTS.len() as u64 + 2) {
                _ if self.silent && nth == 0 && draws.below(6) == 0 => (Fault::Silence, draws.below(2) == 0),
                which => FAULTS.get(which as usize).copied().unwrap_or((Fault::Reset, true)),
            };
            if billed {
                self.bill(call);
            }
            return (broken(fault, &facts(self.case, call)), killed);
        }
        self.bill(call);
        self.answered.insert(call.line.clone());
        // A billed "nothing there" is a fact about some notes and people, each time that they are asked for.
        let gone = matches!(endpoint(call), Endpoint::NoteDetail | Endpoint::UserProfile)
            && hash(&call.line).is_multiple_of(9);
        (if gone { wire::code(201) } else { wire::json(&facts(self.case, call)) }, killed)
    }

    fn bill(&mut self, call: &Call) {
        let price = self.price(endpoint(call));
        let billed = self.billed.entry(call.key.clone()).or_default();
        billed.calls += 1;
        billed.cost += price;
        let today = self.by_day.entry(day(self.clock.now())).or_default();
        *today = *today + Spend { calls: 1, cost: price };
        let (billed, today, total) = (*billed, *today, self.billed_in_total());
        let budget = self.budget;
        let over = budget.max_calls.is_some_and(|cap| billed.calls > cap)
            || budget.max_cost.is_some_and(|cap| billed.cost > cap)
            || budget.max_calls_per_day.is_some_and(|cap| today.calls > cap)
            || budget.max_cost_per_day.is_some_and(|cap| today.cost > cap)
            || budget.max_total_cost.is_some_and(|cap| total.cost > cap);
        if over {
            let line = &call.line;
            self.over.get_or_insert(format!("{billed:?}, {today:?} today, {total:?} under {budget:?}, at {line}"));
        }
    }

    fn price(&self, endpoint: Endpoint) -> Money {
        self.prices.get(&endpoint).copied().unwrap_or(Money::ZERO)
    }

    fn billed_under(&self, key: &str) -> Spend {
        self.billed.get(key).copied().unwrap_or_default()
    }

    fn billed_today(&self) -> Spend {
        self.by_day.get(&day(self.clock.now())).copied().unwrap_or_default()
    }

    fn billed_in_total(&self) -> Spend {
        self.billed.values().fold(Spend::default(), |total, billed| total + *billed)
    }
}

const DAY: i64 = 86_400;

/// Two seconds before the end of a day.
fn evening(day: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 / DAY * DAY + (day + 1) * DAY - 2).unwrap()
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%F").to_string()
}

fn broken(fault: Fault, facts: &Value) -> Reply {
    match fault {
        Fault::Code(code) => wire::code(code),
        Fault::Reset => Reply::Reset,
        Fault::Cut => Reply::Cut(facts.to_string()),
        Fault::Garbled => Reply::Whole(200, String::new(), "{\"code\":0,\"data\":[".into()),
        Fault::OtherShape => wire::json(&json!({ "status": "fine", "result": {} })),
        Fault::Html => Reply::Whole(502, String::new(), "<html>bad gateway</html>".into()),
        Fault::InnerCode => wire::json(&json!({ "code": 0, "data": { "code": 300_013, "data": null } })),
        Fault::Silence => Reply::Silence,
    }
}

fn endpoint(call: &Call) -> Endpoint {
    match call.what.as_str() {
        SEARCH => Endpoint::SearchNotes,
        DETAIL => Endpoint::NoteDetail,
        NOTES => Endpoint::UserNotes,
        _ => Endpoint::UserProfile,
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The pages of a search, or of the one user.
const PAGES: u64 = 2;

fn user_id(number: u64) -> String {
    format!("6500000000000000000000a{number}")
}

/// What a case's small world holds: notes on pages, authors of notes.
fn facts(case: u64, call: &Call) -> Value {
    let on_a_page = 2 + case % 3;
    let note = |number: u64| {
        let id = note_id(u32::try_from(number).unwrap(), 1_700_000_000);
        json!({ "id": id, "title": "t", "type": "normal", "user": { "userid": user_id(number % 3), "nickname": "n" } })
    };
    let notes = |page: u64| (0..on_a_page).map(|place| note(page * on_a_page + place)).collect::<Vec<Value>>();
    let data = match endpoint(call) {
        Endpoint::SearchNotes => {
            let page: u64 = call.param("page").parse().unwrap();
            json!({ "items": notes(page + u64::from(call.param("keyword") != "a")) })
        }
        Endpoint::NoteDetail => {
            let number = u64::from_str_radix(&call.param("noteId")[8..], 16).unwrap();
            json!([{ "note_list": [note(number)] }])
        }
        Endpoint::UserProfile => json!({ "userid": call.param("userId"), "nickname": "n", "fans": 3 }),
        Endpoint::UserNotes => {
            let is_first = call.param("lastCursor").is_empty();
            let mut notes = notes(if is_first { 4 } else { 5 });
            for (place, note) in notes.iter_mut().enumerate() {
                note["cursor"] = json!(format!("c{place}"));
            }
            json!({ "notes": notes, "has_more": is_first })
        }
    };
    json!({ "code": 0, "message": "ok", "data": data })
}

/// One version of each call, so that a call is one line in the books; `answers.rs` shows what happens between versions.
const JOB: &str = "seeds = [{ keywords = [\"a\", \"b\"], max_pages = 2 }, { users = [\"6500000000000000000000a1\"] }]\n\
     [vendors.justoneapi]\nversion = { user_profile = \"v3\" }\n";

/// All calls of a run without a cap: what follows from what, walked without the crawl.
fn all_calls(case: u64) -> BTreeSet<String> {
    let on_a_page = 2 + case % 3;
    let mut all = BTreeSet::new();
    for keyword in ["a", "b"] {
        for page in 1..=PAGES {
            all.insert(format!("{SEARCH} keyword={keyword} noteType=_0 page={page} sort=general"));
        }
    }
    all.insert(format!("{NOTES} userId=6500000000000000000000a1"));
    all.insert(format!("{NOTES} lastCursor=c{} userId=6500000000000000000000a1", on_a_page - 1));
    for number in on_a_page..6 * on_a_page {
        all.insert(format!("{DETAIL} noteId={}", note_id(u32::try_from(number).unwrap(), 1_700_000_000)));
        all.insert(format!("get-user/v3 userId={}", user_id(number % 3)));
    }
    all
}

/// What cases have reached.
#[derive(Default)]
struct Reached {
    runs: u64,
    capped: u64,
    kills: u64,
    again: u64,
    billed: u64,
}

impl Reached {
    fn and(self, other: &Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            capped: self.capped + other.capped,
            kills: self.kills + other.kills,
            again: self.again + other.again,
            billed: self.billed + other.billed,
        }
    }
}

fn show(cases: u64) -> String {
    // One thread, so that a case goes the same way again as far as sockets let it; some cases wait while others go on.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let all = stream::iter(0..cases).map(go_through).buffer_unordered(8);
    let reached = runtime.block_on(all.fold(Reached::default(), async |all, one| all.and(&one)));
    let Reached { runs, capped, kills, again, billed } = reached;
    assert!((capped > 0 && kills > 0) || cases < 20, "nothing was capped or killed");
    format!("0 over in {runs} runs ({capped} capped, {kills} kills, {billed} billed calls); {again} asked again")
}

/// Goes on with one job over caps, kills and stops until all of it is answered.
async fn go_through(case: u64) -> Reached {
    let mut reached = Reached::default();
    let mut draws = Draws(case);
    let vendor = Arc::new(Mutex::new(Vendor::draw(case, &mut draws)));
    let concurrency = 1 + draws.below(64) as u32;
    let kill = Arc::new(Notify::new());
    let base_url = wire::start({
        let (vendor, kill) = (Arc::clone(&vendor), Arc::clone(&kill));
        move |call: &Call| {
            let (reply, killed) = vendor.lock().unwrap().answer(call);
            if killed {
                kill.notify_one();
            }
            Act { after: Duration::ZERO, reply }
        }
    })
    .await;
    let world = World::in_memory(&base_url);
    let (mut job, silent, clock) = {
        let vendor = vendor.lock().unwrap();
        (job(&world, &vendor, concurrency), vendor.silent, vendor.clock.clone())
    };
    let (mut caps, mut kills, mut how, mut date) = (0, 0, Begin::Continue, 0);
    for step in 0.. {
        assert!(step < 150, "case {case}: no end: {:?}", vendor.lock().unwrap());
        let mut state = State::open(&job.dataset).unwrap().with_clock(clock.clone());
        let begun = crawl::begin(&job, &mut state, how).unwrap();
        caps += u64::from(begun.fresh_cap || !begun.continued);
        let key = format!("key-{caps}");
        let keys = BTreeMap::from([("justoneapi".to_owned(), Key::new(&key).unwrap())]);
        let (_sender, stop) = watch::channel(false);
        let mut watch = |_: &Progress| {};
        let ended = tokio::select! {
            ended = crawl::run(&job, &mut state, &begun, &keys, hasty(), stop, &mut watch) => Some(ended.unwrap()),
            () = kill.notified() => None,
        };
        let told = {
            let turn = state.turn().unwrap();
            let reserved = turn.reserved(&begun.run.id).unwrap();
            let today = turn.spent_on_day(clock.now()).unwrap() + reserved;
            [turn.spent_and_reserved(&begun.run.id).unwrap(), today, turn.spent_in_total().unwrap() + reserved]
        };
        let mut vendor = vendor.lock().unwrap();
        assert_eq!(vendor.over, None, "case {case}: over the cap");
        let billed = [vendor.billed_under(&key), vendor.billed_today(), vendor.billed_in_total()];
        for (told, billed) in told.iter().zip(&billed) {
            assert!(
                told.calls >= billed.calls && told.cost >= billed.cost,
                "case {case}: told {told:?}, billed {billed:?}"
            );
        }
        reached.runs += 1;
        how = Begin::Continue;
        let Some(ended) = ended else {
            kills += 1;
            continue;
        };
        // Now and then the machine goes down before the last word.
        if draws.below(6) == 0 {
            continue;
        }
        crawl::close(&mut state, &begun, &ended).unwrap();
        match ended {
            Ended::Complete if vendor.answered == all_calls(case) => break,
            Ended::Complete => {
                assert!(vendor.answered.is_subset(&all_calls(case)), "case {case}: {:?}", vendor.answered);
                how = Begin::RetryFailed;
            }
            Ended::Budget { cap } => {
                reached.capped += 1;
                is_used_up(case, &vendor, told, &cap);
                if cap.contains("_per_day") {
                    date += 1;
                    while evening(date) <= clock.now() {
                        date += 1;
                    }
                    clock.set(evening(date));
                }
                if cap.starts_with("max_total_cost") {
                    vendor.budget.max_total_cost = None;
                    job.budget.max_total_cost = None;
                }
            }
            Ended::NoVendor { .. } => vendor.stopped = false,
            ended => panic!("case {case}: {ended:?}"),
        }
    }
    let vendor = vendor.lock().unwrap();
    // Without an answer in time, the vendor cannot know what the caller has got.
    let again = vendor.again.len() as u64;
    assert!(silent || again <= u64::from(concurrency) * kills, "case {case}: {:?} after {kills} kills", vendor.again);
    reached.kills += kills;
    reached.again += again;
    reached.billed += vendor.billed_in_total().calls;
    reached
}

fn job(world: &World, vendor: &Vendor, concurrency: u32) -> Job {
    let mut job = world.job(JOB);
    job.budget = vendor.budget;
    for settings in job.vendors.values_mut() {
        settings.concurrency = concurrency;
        settings.price.clone_from(&vendor.prices);
        if vendor.silent {
            settings.timeout = Duration::from_millis(200);
        }
    }
    job
}

/// The cap that ended a run has no room for another call.
fn is_used_up(case: u64, vendor: &Vendor, told: [Spend; 3], cap: &str) {
    let (budget, [run, today, total]) = (vendor.budget, told);
    let dearest = vendor.prices.values().copied().max().unwrap_or(Money::ZERO);
    let calls = |cap: Option<u64>, told: Spend| cap.is_some_and(|cap| told.calls >= cap);
    let cost = |cap: Option<Money>, told: Spend| cap.is_some_and(|cap| told.cost + dearest > cap);
    let used_up = match cap.split(' ').next().unwrap() {
        "max_calls" => calls(budget.max_calls, run),
        "max_cost" => cost(budget.max_cost, run),
        "max_calls_per_day" => calls(budget.max_calls_per_day, today),
        "max_cost_per_day" => cost(budget.max_cost_per_day, today),
        _ => cost(budget.max_total_cost, total),
    };
    assert!(used_up, "case {case}: ended by {cap} after {told:?}");
}
