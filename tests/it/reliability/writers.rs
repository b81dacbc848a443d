//! Several processes at once on one dataset: one works, the others have sent nothing.

use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::held::{Held, until};
use super::kills::{Told, answers};
use super::{Draws, Promise};
use crate::cli::Desk;

pub(super) const PROMISE: Promise = Promise {
    name: "one process writes",
    shown_by: "2 to 4 runs at once on one dataset, new or half done, each with a vendor of its own; some winners are killed",
    must_hold: "one wins, the others exit 6 having sent nothing",
    ci: 20,
    long: 500,
    show,
};

#[test]
fn one_process_writes() {
    PROMISE.hold();
}

/// A run locks the folder before it makes the state.
#[test]
fn a_dataset_that_is_being_made_is_in_use() {
    let desk = Desk::new(
        "dataset = \"data/job\"\nseeds = [{ notes = [\"64f1a2b3000000001203abcd\"] }]\n[vendors.justoneapi]\n",
    );
    std::fs::create_dir_all(desk.path("data/job")).unwrap();
    let lock = std::fs::File::create(desk.path("data/job/.lock")).unwrap();
    lock.try_lock().unwrap();
    let commands = [&["run", "job.toml"][..], &["build", "job.toml"], &["status", "job.toml"], &["build", "data/job"]];
    for command in commands {
        assert_eq!(desk.code(command), 6, "{command:?}");
    }
    lock.unlock().unwrap();
    for command in &commands[1..] {
        assert_eq!(desk.code(command), 2, "{command:?}");
    }
}

const NOTES: u32 = 5;
const CALLS: u64 = 2 * NOTES as u64;
const CONCURRENCY: u64 = 3;
/// What nobody else may do meanwhile.
const OTHERS: [&[&str]; 4] = [&["run"], &["run", "--fresh"], &["run", "--retry-failed"], &["build"]];

fn show(cases: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let quiet = Desk::new("");
    let vendor = contender(&runtime, &quiet, 0, None);
    assert!(start(&quiet, 0).wait().unwrap().success());
    assert_eq!(vendor.calls(), CALLS);
    let wanted = answers(&quiet);
    let losers: u64 = (0..cases).map(|case| contend(&runtime, case, &wanted)).sum();
    format!("{cases} winners; {losers} others exited 6 and had sent nothing")
}

/// Several runs at once; returns how many lost.
fn contend(runtime: &Runtime, case: u64, wanted: &[Told]) -> u64 {
    let mut draws = Draws(case);
    let desk = Desk::new("");
    let answered = if draws.below(2) == 0 { begin(runtime, &desk, draws.below(CALLS - 6)) } else { 0 };
    let vendors: Vec<Held> = (0..2 + draws.below(3)).map(|at| contender(runtime, &desk, at, Some(0))).collect();
    let mut children = Vec::new();
    for at in 0..vendors.len() as u64 {
        std::thread::sleep(Duration::from_millis(draws.below(20)));
        children.push(start(&desk, at));
    }
    // Nobody answers the winner before all others have left.
    let running = |children: &mut [Child]| -> Vec<usize> {
        (0..children.len()).filter(|at| children[*at].try_wait().unwrap().is_none()).collect()
    };
    until(&format!("case {case}: one of {} to be left", children.len()), || running(&mut children).len() == 1);
    let winner = running(&mut children)[0];
    let losers = children.len() as u64 - 1;
    for (at, child) in children.iter_mut().enumerate().filter(|(at, _)| *at != winner) {
        assert_eq!(child.wait().unwrap().code(), Some(6), "case {case}: run {at}, while {winner} works");
        assert_eq!(vendors[at].calls(), 0, "case {case}: run {at} has asked, and {winner} works");
    }
    let late = OTHERS[draws.below(4) as usize];
    assert_eq!(desk.code(&[late, &["job-0.toml", "-q"]].concat()), 6, "case {case}: {late:?}, while {winner} works");

    let last = if draws.below(3) == 0 {
        vendors[winner].asked(CONCURRENCY);
        children[winner].kill().unwrap();
        children[winner].wait().unwrap();
        let next = (winner + 1) % vendors.len();
        vendors[next].open();
        assert!(start(&desk, next as u64).wait().unwrap().success(), "case {case}: a lock dies with its process");
        next
    } else {
        vendors[winner].open();
        assert!(children[winner].wait().unwrap().success(), "case {case}: the winner");
        winner
    };
    assert_eq!(vendors[last].calls(), CALLS - answered, "case {case}: asked by run {last}");
    assert_eq!(answers(&desk), wanted, "case {case}");
    assert_eq!(desk.code(&["build", "data/job", "-q"]), 0, "case {case}");
    losers + 1
}

/// A vendor, and a job beside it of this number.
fn contender(runtime: &Runtime, desk: &Desk, number: u64, passes: Option<u64>) -> Held {
    let vendor = Held::start(runtime, passes);
    desk.write(&format!("job-{number}.toml"), &vendor.job(NOTES, &format!("concurrency = {CONCURRENCY}")));
    vendor
}

/// Leaves a dataset whose run was killed after so many answers.
fn begin(runtime: &Runtime, desk: &Desk, answered: u64) -> u64 {
    let vendor = contender(runtime, desk, 0, Some(answered));
    let mut child = start(desk, 0);
    // What is asked in place of an answered call is asked after that answer was kept.
    vendor.asked(answered + CONCURRENCY);
    child.kill().unwrap();
    child.wait().unwrap();
    answered
}

fn start(desk: &Desk, number: u64) -> Child {
    let mut command = desk.command(&["run", &format!("job-{number}.toml"), "-q"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
