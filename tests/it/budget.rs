//! Caps over runs, as a person meets them; the oracle is what the provider was asked.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use notemill::archive;
use notemill::crawl::{self, Begin, Ended};
use notemill::model::Money;
use notemill::state::{Clock, Spend, State};
use serde_json::Value;

use crate::cli::{Desk, report};
use crate::scripted::{Scripted, code, full, note_id};
use crate::support::World;

fn ids(count: u32) -> Vec<String> {
    (1..=count).map(|number| note_id(number, 1_700_000_000)).collect()
}

/// A job of notes, each of which costs 0.15.
fn job(notes: u32, budget: &str, base_url: &str) -> String {
    format!(
        "seeds = [{{ notes = {:?} }}]\nexpand = {{ authors = false }}\nbudget = {{ {budget} }}\n\
         [vendors.justoneapi]\nconcurrency = 2\nprice = {{ note_detail = 0.15 }}\nbase_url = \"{base_url}\"\n",
        ids(notes)
    )
}

fn said(desk: &Desk, words: &[&str]) -> (i32, String, String) {
    let output = desk.run(words);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_over_runs_is_named_with_when_it_goes_on() {
    let provider = Scripted::start(full).await;
    for (budget, calls, until, next) in [
        ("max_calls_per_day = 3", 3, "max_calls_per_day = 3: it goes on after midnight UTC", "(on the next UTC day)"),
        (
            "max_cost_per_day = 0.5",
            3,
            "max_cost_per_day = 0.50: it goes on after midnight UTC",
            "(on the next UTC day)",
        ),
        (
            "max_total_cost = 0.7",
            4,
            "max_total_cost = 0.70: it goes on only if that is raised",
            "raise `max_total_cost`",
        ),
    ] {
        provider.forget();
        let desk = Desk::new(&job(9, budget, &provider.base_url));
        let (exit, first, _) = said(&desk, &["run", "job.toml"]);
        assert_eq!((exit, provider.lines().len()), (4, calls), "{first}");
        assert!(first.contains(&format!("stopped at the cap {until}")) && first.contains(next), "{first}");
        // Whatever is tried next: another run, a new one, a lower cap of its own.
        for words in
            [&["run", "job.toml"][..], &["run", "job.toml", "--fresh"], &["run", "job.toml", "--max-calls", "1"]]
        {
            let (exit, text, _) = said(&desk, words);
            assert_eq!((exit, provider.lines().len()), (4, calls), "{words:?}: {text}");
        }
        assert_eq!(report(&desk)["spent"]["total"]["calls"], calls);
        let (_, status, _) = said(&desk, &["status", "job.toml"]);
        let of = |name: &str| budget.strip_prefix(&format!("{name} = ")).map(|cap| format!(" of {cap}"));
        let [today, day_cost, total] =
            ["max_calls_per_day", "max_cost_per_day", "max_total_cost"].map(|name| of(name).unwrap_or_default());
        let cost = format!("{:.2}", 0.15 * calls as f64);
        let padded = |of: &str| if of.is_empty() { String::new() } else { format!("{of}0") };
        let told = format!("  spent today (UTC) {calls}{today} calls, cost {cost}{}\n", padded(&day_cost));
        assert!(status.contains(&told), "{told}{status}");
        assert!(
            status.contains(&format!("  in total          {calls} calls, cost {cost}{}\n", padded(&total))),
            "{status}"
        );
        let json: Value = serde_json::from_str(&said(&desk, &["status", "job.toml", "--json"]).1).unwrap();
        assert_eq!((&json["spent_today"]["calls"], &json["spent_in_total"]["calls"]), (&calls.into(), &calls.into()));
        // The caps are the job's: a raised one goes on.
        desk.write("job.toml", &job(9, "max_total_cost = 20", &provider.base_url));
        assert_eq!((desk.code(&["run", "job.toml", "-q"]), provider.lines().len()), (0, 9));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_this_run_does_under_all_caps() {
    let provider = Scripted::start(full).await;
    let line = |desk: &Desk| {
        let (_, text, _) = said(desk, &["plan", "job.toml"]);
        text.lines().find_map(|line| line.strip_prefix("  this run  ")).unwrap().to_owned()
    };
    let desk = Desk::new(&job(300, "max_cost = 45", &provider.base_url));
    assert_eq!(line(&desk), "at most 300 calls, about 45 of 45.00");
    for (budget, told) in [
        ("max_calls = 20", "at most 20 calls, about 3"),
        ("max_cost = 45, max_calls_per_day = 200", "at most 200 calls, about 30 of 45.00"),
        ("max_cost_per_day = 1", "at most 6 calls, about 0.90 of 1.00"),
        ("max_total_cost = 90.0", "at most 300 calls, about 45 of 90.00"),
    ] {
        desk.write("job.toml", &job(300, budget, &provider.base_url));
        assert_eq!(line(&desk), told, "{budget}");
    }
    // What is spent is gone from it.
    desk.write("job.toml", &job(10, "max_total_cost = 3", &provider.base_url));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    desk.write("job.toml", &job(300, "max_total_cost = 3, max_calls_per_day = 15", &provider.base_url));
    assert_eq!(line(&desk), "at most 5 calls, about 0.75 of 1.50");
    assert_eq!((desk.code(&["run", "job.toml", "-q"]), provider.lines().len()), (4, 15));
}

#[test]
fn a_check_warns_of_what_no_cap_holds_back() {
    let desk = Desk::new("");
    let price = "price = { search_notes = 0.1, note_detail = 0.1, user_profile = 0.1 }";
    for (budget, prices, warning) in [
        ("", price, "warning: no cap is set in `job.toml`"),
        ("order = \"depth\"", price, "warning: no cap is set in `job.toml`"),
        ("max_calls = 5", "", ""),
        ("max_calls_per_day = 5", "", ""),
        ("max_cost = 5", price, ""),
        ("max_total_cost = 5", price, ""),
        ("max_cost = 5", "", "warning: `max_cost` does not hold back calls without a price: search_notes"),
        ("max_cost_per_day = 5", "", "warning: `max_cost_per_day` does not hold back calls without a price"),
        ("max_cost = 5, max_total_cost = 5", "", "warning: `max_cost` and `max_total_cost` do not hold back calls"),
    ] {
        desk.write(
            "job.toml",
            &format!("seeds = [{{ keywords = [\"a\"] }}]\nbudget = {{ {budget} }}\n[vendors.justoneapi]\n{prices}\n"),
        );
        let (exit, _, stderr) = said(&desk, &["check", "job.toml"]);
        assert_eq!((exit, stderr.is_empty()), (0, warning.is_empty()), "{budget}: {stderr}");
        assert!(stderr.starts_with(warning), "{budget}: {stderr}");
    }
}

fn spent(state: &mut State, now: Timestamp) -> [Spend; 2] {
    let turn = state.turn().unwrap();
    [turn.spent_on_day(now).unwrap(), turn.spent_in_total().unwrap()]
}

fn lose_state(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("state.sqlite") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// Calls that a kill cut off, retries, failures and what is forgotten: all of it counts for good, also from the archive.
#[tokio::test]
async fn what_was_spent_is_known_after_kills_a_lost_state_and_forgetting() {
    let provider = Scripted::start(|asked| match asked.params.get("noteId") {
        // Maybe billed twice, then answered.
        Some(note) if *note == ids(2)[1] && asked.before < 2 => crate::scripted::Reply::Text(200, "{"),
        Some(note) if *note == ids(3)[2] => code(400),
        _ => full(asked),
    })
    .await;
    let world = World::in_memory(&provider.base_url);
    let job = world.job(&job(5, "max_total_cost = 50", &provider.base_url));
    let clock = Clock::standing("2026-03-01T12:00:00Z".parse().unwrap());
    let open = || {
        let mut state = State::open(&job.dataset).unwrap().with_clock(clock.clone());
        archive::reconcile(&mut state).unwrap();
        state
    };
    {
        // Two calls are on their way, and nobody settles them.
        let mut state = open();
        crawl::begin(&job, &mut state, Begin::Continue).unwrap();
        let turn = state.turn().unwrap();
        for id in [1, 4] {
            turn.mark_sent(id, Money::from_micros(150_000), turn.now()).unwrap();
        }
        turn.commit().unwrap();
    }
    clock.set(clock.now() + SignedDuration::from_hours(24));
    assert_eq!(world.run_as(&job, Begin::Continue).await, Ended::Complete);
    let (billed, lost) = (6, 2);
    let all = spent(&mut open(), clock.now())[1];
    assert_eq!(all, Spend { calls: billed + lost, cost: Money::from_micros(150_000 * (billed + lost) as i64) });
    lose_state(&job.dataset);
    assert_eq!(spent(&mut open(), clock.now())[1], all, "from the archive");
    let mut state = open();
    let note = notemill::model::NoteId::parse(&ids(1)[0]).unwrap();
    notemill::forget::forget(&mut state, &[note], &[], &[]).unwrap();
    assert_eq!(spent(&mut state, clock.now())[1], all, "also of what is forgotten");
    drop(state);
    lose_state(&job.dataset);
    assert_eq!(spent(&mut open(), clock.now())[1], all, "also from what is left of the archive");
}

#[tokio::test]
async fn calls_that_a_kill_cut_off_count_on_the_day_that_they_were_sent() {
    let nobody = "http://127.0.0.1:9";
    let world = World::in_memory(nobody);
    let job = world.job(&job(9, "max_calls_per_day = 4", nobody));
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    for (sent, back, counts) in [
        // From noon to noon: the first day's. At midnight, both days'. A clock that stepped back: both days', too.
        ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", [1, 0]),
        ("2026-03-01T23:59:59Z", "2026-03-02T00:00:01Z", [1, 1]),
        ("2026-03-01T23:59:59Z", "2026-03-03T12:00:00Z", [1, 1]),
        ("2026-03-01T23:59:57Z", "2026-03-01T23:59:58Z", [1, 1]),
        ("2026-03-02T00:00:01Z", "2026-03-01T23:59:59Z", [1, 1]),
    ] {
        let clock = Clock::standing(sent.parse().unwrap());
        let mut state = State::open(&job.dataset).unwrap().with_clock(clock.clone());
        crawl::begin(&job, &mut state, Begin::Fresh).unwrap();
        let turn = state.turn().unwrap();
        let id = turn
            .ready_tasks(&turn.latest_run().unwrap().unwrap().id, &notemill::model::Endpoint::ALL, 1, 0)
            .unwrap()[0]
            .id;
        turn.mark_sent(id, Money::from_micros(150_000), turn.now()).unwrap();
        turn.commit().unwrap();
        clock.set(back.parse().unwrap());
        crawl::begin(&job, &mut state, Begin::Continue).unwrap();
        let days = [noon, noon + SignedDuration::from_hours(24)];
        let told = days.map(|day| spent(&mut state, day)[0].calls);
        assert_eq!(told, counts, "{sent} to {back}");
        assert_eq!(spent(&mut state, noon)[1].calls, 1);
        drop(state);
        std::fs::remove_dir_all(&job.dataset).unwrap();
    }
}
