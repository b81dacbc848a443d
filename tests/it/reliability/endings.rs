//! Every run ends: pagers that go in circles, servers that say nothing, clocks that jump.
//!
//! A case is a whole run: one walk runs into a trap, and one other call must be answered whatever the trap does. How many
//! requests the walk may take, and which reasons may end it, is known of each kind before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use notemill::crawl::{Begin, Ended, is_cut_short};
use notemill::state::State;
use serde_json::{Value, json};

use super::{Draws, Promise, in_lanes};
use crate::hostile::{Act, Hostile, http};
use crate::scripted::{Asked, DETAIL, SPIDER, listed};
use crate::support::{World, hasty};

pub(super) const PROMISE: Promise = Promise {
    name: "every run ends",
    shown_by: "traps in the pages of searches and of users' notes at both vendors, hung and dripping servers, clock jumps",
    must_hold: "calls within the bound of the kind, a named reason, the other call answered, times strictly grow",
    ci: 72,
    long: 1_000,
    show,
};

#[test]
fn every_run_ends() {
    PROMISE.hold();
}

const LONGEST: Duration = Duration::from_secs(60);

fn show(cases: u64) -> String {
    let most = AtomicUsize::new(0);
    in_lanes(cases, |number| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        most.fetch_max(runtime.block_on(one(number)), Ordering::SeqCst);
        clock_jumps(number);
    });
    let kinds = traps(&mut Draws(0)).len() as u64;
    format!("all ended, over {} kinds of traps; at most {} requests in one", kinds.min(cases), most.into_inner())
}

/// What the walk is told at one request.
enum Told {
    /// Notes, the next cursor, and whether there is more.
    Page(Value, Value, Value),
    /// Anything else.
    Acts(Vec<Act>),
}

type Script = Box<dyn Fn(usize) -> Told + Send + Sync>;

/// A trap, and how the walk must come out of it.
struct Trap {
    name: &'static str,
    /// The answers by the number of the request, from 0.
    script: Script,
    /// The seed's limits, beside whose walk it is.
    limits: String,
    /// Requests at most.
    most: usize,
    /// The reasons that may end it.
    ends: &'static [&'static str],
    /// The most calls that the job pays for; 0 is no cap.
    cap: usize,
}

const STALE: &str = "pages without a new note";
const NO_CURSOR: &str = "the vendor told no cursor";
const REPEATED: &str = "the vendor repeated a cursor";
const GIVEN_UP: &str = "a page was given up";

fn note(number: usize) -> Value {
    listed(&format!("n{number}"))
}

fn traps(draws: &mut Draws) -> Vec<Trap> {
    let mut draw = |from: u64, to: u64| (from + draws.below(to - from)) as usize;
    let (cycle, pool, width, many, at) = (draw(2, 9), draw(1, 6), draw(1, 25), draw(5, 30), draw(0, 4));
    let (stop, growth) = ([None, Some(0), Some(1), Some(4)][draw(0, 4)], draw(100, 900));
    let stale = match stop {
        None => 2,
        Some(0) => 50,
        Some(pages) => pages,
    };
    let set = stop.map(|pages| format!(", stop_when_stale = {pages}")).unwrap_or_default();
    let trap = |name, most, ends, script: Script| Trap { name, script, limits: set.clone(), most, ends, cap: 0 };
    let more = || json!(true);
    let cursor = |number: usize| json!(format!("c{number}"));
    let new = move |number: usize| Value::Array((0..width).map(|place| note(number * width + place)).collect());
    let limited = |limit: String, trap: Trap| Trap { limits: limit, ..trap };
    let endless = |name, most, ends| trap(name, most, ends, Box::new(move |n| Told::Page(new(n), cursor(n), more())));
    vec![
        trap(
            "cursors in a circle",
            cycle + 1,
            &[REPEATED],
            Box::new(move |n| Told::Page(new(n), cursor(n % cycle), more())),
        ),
        trap("the same cursor", 2, &[REPEATED], Box::new(move |n| Told::Page(new(n), json!("same"), more()))),
        trap(
            "one cursor as number and text",
            2,
            &[REPEATED],
            Box::new(move |n| Told::Page(new(n), [json!(7), json!("7")][n % 2].clone(), more())),
        ),
        trap(
            "one cursor as JSON in two orders",
            3,
            &[REPEATED],
            Box::new(move |n| {
                Told::Page(new(n), [json!({ "a": 1, "b": 2 }), json!({ "b": 2, "a": 1 })][n % 2].clone(), more())
            }),
        ),
        trap("no cursor", 1, &[NO_CURSOR], Box::new(move |n| Told::Page(new(n), json!(null), more()))),
        trap(
            "a cursor that is none",
            1,
            &[NO_CURSOR],
            Box::new(move |n| Told::Page(new(n), [json!(true), json!(" "), json!("")][at % 3].clone(), more())),
        ),
        trap(
            "a cursor that outgrows any request",
            4096 / growth + 2,
            &[NO_CURSOR],
            Box::new(move |n| Told::Page(new(n), json!("x".repeat(growth * (n + 1))), more())),
        ),
        trap(
            "a cursor that grows by a byte",
            pool + stale,
            &[STALE],
            Box::new(move |n| Told::Page(json!([note(n % pool)]), json!("x".repeat(n + 1)), json!("true"))),
        ),
        trap(
            "old notes for ever",
            pool + stale,
            &[STALE],
            Box::new(move |n| Told::Page(json!([note(n % pool)]), cursor(n), json!(1))),
        ),
        trap(
            "the same page for ever",
            1 + stale,
            &[STALE],
            Box::new(move |n| Told::Page(new(0), cursor(n), json!("yes"))),
        ),
        trap(
            "the same notes in another order",
            1 + stale,
            &[STALE],
            Box::new(move |n| {
                let mut page = new(0);
                page.as_array_mut().unwrap().rotate_left(n % width);
                Told::Page(page, cursor(n), more())
            }),
        ),
        trap(
            "more, and nothing on the page",
            1,
            &["the vendor said that there is more, and showed nothing"],
            Box::new(move |n| Told::Page([json!([]), json!(null), json!({})][at % 3].clone(), cursor(n), more())),
        ),
        trap(
            "nothing, without a word",
            1,
            &["no more notes"],
            Box::new(move |n| Told::Page(json!([]), cursor(n), json!(null))),
        ),
        trap(
            "null items for ever",
            stale,
            &[STALE, NO_CURSOR],
            Box::new(move |n| Told::Page(json!([null, null]), cursor(n), more())),
        ),
        trap(
            "broken items for ever",
            stale,
            &[STALE, NO_CURSOR],
            Box::new(move |n| {
                Told::Page(
                    json!(["note", 5, { "model_type": "note" }, { "title": "t", "id": "../x" }]),
                    cursor(n),
                    more(),
                )
            }),
        ),
        trap(
            "advertisements for ever",
            stale,
            &[STALE, NO_CURSOR],
            Box::new(move |n| {
                Told::Page(
                    json!([{ "model_type": "ads", "note": note(n) }, { "model_type": "live" }]),
                    cursor(n),
                    more(),
                )
            }),
        ),
        trap(
            "the end, with notes and a cursor",
            1,
            &["last page"],
            Box::new(move |n| Told::Page(new(n), cursor(n), [json!(false), json!("false"), json!(0)][at % 3].clone())),
        ),
        trap(
            "a new shape",
            1,
            &["a page could not be read"],
            Box::new(move |_| {
                let body = json!({ "code": 0, "data": { "cards": [{ "headline": "t" }], "has_more": true } });
                Told::Acts(vec![Act::Send(http(200, &[], body.to_string().as_bytes()))])
            }),
        ),
        trap(
            "a page that always fails",
            at + 5,
            &[GIVEN_UP],
            Box::new(move |n| {
                if n < at {
                    Told::Page(new(n), cursor(n), more())
                } else {
                    Told::Acts(vec![Act::Send(http(500, &[], b"busy"))])
                }
            }),
        ),
        trap(
            "a page that never comes",
            at + 3,
            &[GIVEN_UP],
            Box::new(move |n| if n < at { Told::Page(new(n), cursor(n), more()) } else { Told::Acts(vec![Act::Hang]) }),
        ),
        trap(
            "a page that drips",
            at + 3,
            &[GIVEN_UP],
            Box::new(move |n| {
                if n < at {
                    return Told::Page(new(n), cursor(n), more());
                }
                Told::Acts(vec![
                    Act::Send(http(200, &[("content-length", "90")], b"")),
                    Act::Drip(vec![b'{'; 90], Duration::from_millis(50)),
                ])
            }),
        ),
        limited(format!(", max_pages = {many}"), endless("new notes for ever, up to max_pages", many, &["max_pages"])),
        limited(
            format!(", max_notes = {many}"),
            endless("new notes for ever, up to max_notes", many.div_ceil(width), &["max_notes"]),
        ),
        Trap { cap: many, ..endless("new notes for ever, up to the cap", many, &["unfinished"]) },
    ]
}

/// Runs one case and returns how many requests the walk took.
async fn one(number: u64) -> usize {
    let mut draws = Draws(number);
    let mut all = traps(&mut draws);
    let trap = all.swap_remove((number % all.len() as u64) as usize);
    let whose = ["keywords", "users", "users"][draws.below(3) as usize];
    let route = ["justoneapi", "spiderhubs"][draws.below(2) as usize];
    let name = format!("case {number}: {}, in {whose} of {route}{}", trap.name, trap.limits);

    let requests = Arc::new(AtomicUsize::new(0));
    let (script, counter) = (trap.script, requests.clone());
    let vendor = Hostile::start(move |asked| match asked.what.as_str() {
        DETAIL => vec![Act::Send(http(
            200,
            &[],
            json!({ "code": 0, "data": [{ "note_list": [listed("6500000000000000000000b1")] }] })
                .to_string()
                .as_bytes(),
        ))],
        _ => answer(asked, script(counter.fetch_add(1, Ordering::SeqCst))),
    })
    .await;
    let world = World::new(&vendor.base_url());
    let budget = if trap.cap == 0 { String::new() } else { format!("budget = {{ max_calls = {} }}\n", trap.cap) };
    let named = if whose == "users" { "6500000000000000000000a1" } else { "k" };
    let mut job = world.job(&format!(
        "seeds = [{{ {whose} = [\"{named}\"]{} }}, {{ notes = [\"6500000000000000000000b1\"] }}]\nexpand = {{ details = false, authors = false }}\n\
         route = {{ user_notes = \"{route}\" }}\n{budget}",
        trap.limits
    ));
    let waits = trap.name.contains("never comes") || trap.name.contains("drips");
    for settings in job.vendors.values_mut() {
        settings.timeout = if waits { Duration::from_millis(500) } else { Duration::from_secs(20) };
    }
    let ended = tokio::time::timeout(LONGEST, world.run_with(&job, Begin::Continue, hasty())).await;
    let ended = ended.unwrap_or_else(|_| panic!("{name}: does not end"));

    let requests = requests.load(Ordering::SeqCst);
    // Searches page by number: no cursor ends them, but their own number of pages does.
    let by_number = whose == "keywords";
    let most = if by_number { trap.most.max(11) } else { trap.most };
    assert!(requests <= most, "{name}: {requests} requests");
    let answers = world.answers();
    assert!(answers.iter().any(|answer| answer.call.key().contains("note_detail")), "{name}: the other call");
    assert!(answers.is_sorted_by(|one, next| one.sequence < next.sequence), "{name}: places do not grow");
    let mut state = State::open(&world.dataset().join("data")).unwrap();
    let turn = state.turn().unwrap();
    let run = turn.latest_run().unwrap().unwrap().id;
    let reason = turn.walk_summaries(&run).unwrap().remove(0).ended.unwrap_or_else(|| "unfinished".to_owned());
    let may = trap.ends.contains(&reason.as_str()) || (by_number && [STALE, "max_pages"].contains(&reason.as_str()));
    assert!(may, "{name}: {reason}");
    let is_ours =
        ["max_pages", "max_notes", "no more notes", "last page", "unfinished", STALE].contains(&reason.as_str());
    assert_eq!(is_cut_short(&reason), !is_ours, "{name}: {reason}");
    let capped = matches!(ended, Ended::Budget { .. });
    assert!(ended == Ended::Complete || (capped && trap.cap > 0), "{name}: {ended:?}");
    requests
}

/// Words a page as the vendor that was asked would.
fn answer(asked: &Asked, told: Told) -> Vec<Act> {
    let (notes, cursor, more) = match told {
        Told::Acts(acts) => return acts,
        Told::Page(notes, cursor, more) => (notes, cursor, more),
    };
    let is_search = asked.what.starts_with("search");
    let data = if asked.what == SPIDER {
        json!({ "code": 0, "data": { "notes": notes, "cursor": cursor, "has_more": more } })
    } else if is_search {
        json!({ "items": notes, "has_more": more })
    } else {
        let mut notes = notes;
        if let Some(last) = notes.as_array_mut().and_then(|notes| notes.last_mut()).and_then(Value::as_object_mut) {
            last.insert("cursor".into(), cursor);
        }
        json!({ "notes": notes, "has_more": more })
    };
    let code = if asked.what == SPIDER { 200 } else { 0 };
    vec![Act::Send(http(200, &[], json!({ "code": code, "data": data }).to_string().as_bytes()))]
}

/// The clock jumps back and forth by drawn lengths; the places of answers grow all the same, over restarts as well.
fn clock_jumps(number: u64) {
    let mut draws = Draws(number);
    let folder = tempfile::tempdir().unwrap();
    let mut now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let mut last = i64::MIN;
    for _ in 0..2 {
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        for _ in 0..20 {
            let longest = [1, 1_000, 86_400, 40 * 366 * 86_400][draws.below(4) as usize];
            let jump = draws.below(2 * longest * 1_000_000) as i64 - longest as i64 * 1_000_000;
            now = now.checked_add(SignedDuration::from_micros(jump)).unwrap();
            let next = turn.next_sequence(now).unwrap();
            assert!(next > last && next >= now.as_microsecond(), "case {number}: {next} after {last}");
            last = next;
        }
        turn.commit().unwrap();
    }
}
