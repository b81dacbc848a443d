//! kill -9 at random moments: nothing that was paid for is lost, and little is asked again.
//!
//! A sequence runs one job to its end over as many kills as it takes, against a sandbox with books of its own. The
//! moment of a kill is drawn over the whole life of a run: start, crawl, sealing, build, report.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use notemill::sandbox::Sandbox;
use notemill::state::{RunStatus, State};
use tokio::runtime::Runtime;

use super::{Draws, Promise};
use crate::cli::Desk;
use crate::support::options;

pub(super) const PROMISE: Promise = Promise {
    name: "paid answers survive kill -9",
    shown_by: "kill -9 at random moments of a run, resume, compare with an undisturbed run",
    must_hold: "0 lost, 0 twice, asked again ≤ concurrency a kill",
    ci: 200,
    long: 10_000,
    show,
};

#[test]
fn paid_answers_survive_kills() {
    PROMISE.hold();
}

const CONCURRENCY: u64 = 8;

fn show(kills: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let (undisturbed, quiet) = world(&runtime);
    let begun = Instant::now();
    assert_eq!(quiet.code(&["run", "job.toml", "-q"]), 0);
    let (wanted, life) = (undisturbed.ledger().calls(), begun.elapsed());
    let answers = answers(&quiet);

    let mut draws = Draws(kills);
    let (mut killed, mut again, mut sequences) = (0, 0, 0);
    while killed < kills {
        let (sandbox, desk) = world(&runtime);
        let before = killed;
        while !ends_within(start(&desk), life * draws.below(1000) as u32 / 1000) {
            killed += 1;
            if is_complete(&desk) {
                break;
            }
        }
        let extra = sandbox.ledger().calls() - wanted;
        let own = killed - before;
        assert!(extra <= CONCURRENCY * own, "{extra} calls were asked again after {own} kills");
        assert_eq!(self::answers(&desk), answers, "not the answers of an undisturbed run, after {own} kills");
        again += extra;
        sequences += 1;
    }
    format!(
        "0 lost, 0 twice; {:.2} asked again a kill ({killed} kills, {sequences} runs of {wanted} calls)",
        again as f64 / killed as f64
    )
}

fn world(runtime: &Runtime) -> (Sandbox, Desk) {
    let options = options(&["--notes", "60", "--latency", "3ms"]);
    let sandbox = runtime.block_on(notemill::sandbox::start(options)).unwrap();
    let base_url = sandbox.base_url();
    let desk = Desk::new(&format!(
        "seeds = [{{ keywords = [\"防晒霜\", \"露营\"], max_pages = 2 }}]\n\
         [vendors.justoneapi]\nconcurrency = {CONCURRENCY}\nbase_url = \"{base_url}\"\n"
    ));
    (sandbox, desk)
}

fn start(desk: &Desk) -> Child {
    desk.command(&["run", "job.toml", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Tells whether a run ends by itself within a time; else it is killed.
fn ends_within(mut child: Child, time: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}

/// Tells whether the run was finished when the kill came; the next command would begin a new one.
pub(super) fn is_complete(desk: &Desk) -> bool {
    let mut state = State::open(&desk.path("data/job")).unwrap();
    let run = state.turn().unwrap().latest_run().unwrap();
    run.is_some_and(|run| run.status == RunStatus::Complete)
}

/// What was asked, what was admitted, what came.
pub(super) type Told = (String, Option<Vec<u32>>, Option<Vec<u8>>);

/// Every sealed answer, in the order of its call.
pub(super) fn answers(desk: &Desk) -> Vec<Told> {
    let mut state = State::open(&desk.path("data/job")).unwrap();
    let answers = notemill::archive::answers(&mut state).unwrap();
    let mut told: Vec<_> = answers
        .map(|answer| {
            let answer = answer.unwrap();
            assert!(answer.outcome.is_fact());
            (answer.call.key(), answer.admitted, answer.body.map(|body| body.bytes().to_vec()))
        })
        .collect();
    told.sort();
    told
}
