//! Signals at drawn moments: no call after the first, out in time, and the next run has the rest.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::held::Held;
use super::kills::{Told, answers, is_complete};
use super::{Draws, Promise};
use crate::cli::Desk;
use crate::support::send_signal;

pub(super) const PROMISE: Promise = Promise {
    name: "a signal ends a run in good order",
    shown_by: "SIGINT, SIGTERM and SIGHUP, once and twice, before the first call, while calls hang, while tables are built",
    must_hold: "0 calls after the first signal, out within the timeout (a second signal: at once), nothing paid twice",
    ci: 20,
    long: 250,
    show,
};

#[test]
fn a_signal_ends_a_run_in_good_order() {
    PROMISE.hold();
}

/// The name for `kill`, the number, and how a command ends by it.
const SIGNALS: [(&str, i32, i32); 3] = [("-INT", 2, 130), ("-TERM", 15, 143), ("-HUP", 1, 143)];
const NOTES: u32 = 20;
const CALLS: u64 = 2 * NOTES as u64;
/// What a busy machine may need beyond the time that is promised.
const SLACK: Duration = Duration::from_secs(10);

fn show(cases: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let world = World::new(&runtime);
    let mut slowest = Duration::ZERO;
    for case in 0..cases {
        let mut draws = Draws(case);
        // Each kind has its turn: the draw is the moment within it.
        let took = match case % 5 {
            0 => world.before_the_first_call(case, &mut draws),
            1 => world.while_calls_come_back(case, &mut draws),
            2 => world.while_calls_hang(case, &mut draws),
            3 => world.twice(case, &mut draws),
            _ => world.while_tables_are_built(case, &mut draws),
        };
        slowest = slowest.max(took);
    }
    format!("0 calls after a signal, 0 paid twice; out after {:.1} s at most ({cases} signals)", slowest.as_secs_f64())
}

/// What an undisturbed run answers, and how long its parts take.
struct World<'a> {
    runtime: &'a Runtime,
    answers: Vec<Told>,
    /// From the start to the first call.
    start: Duration,
    /// From the last call to the end.
    build: Duration,
}

impl<'a> World<'a> {
    fn new(runtime: &'a Runtime) -> Self {
        let (vendor, desk) = desk(runtime, None, 4, 60);
        let begun = Instant::now();
        let mut child = start(&desk);
        vendor.asked(1);
        let start = begun.elapsed();
        vendor.asked(CALLS);
        let last = Instant::now();
        assert!(child.wait().unwrap().success());
        assert_eq!(vendor.calls(), CALLS);
        Self { runtime, answers: answers(&desk), start, build: last.elapsed() }
    }

    fn before_the_first_call(&self, case: u64, draws: &mut Draws) -> Duration {
        let (name, number, code) = signal(draws);
        let (vendor, desk) = desk(self.runtime, Some(0), 1 + draws.below(6), 2);
        let mut child = start(&desk);
        std::thread::sleep(self.start * draws.below(1000) as u32 / 1000);
        let (status, took) = signalled(&mut child, name);
        let asked = vendor.calls();
        // Before it listens, a process has sent nothing, and ends as any other.
        let unheard = status.signal() == Some(number) && asked == 0;
        assert!(unheard || status.code() == Some(code), "case {case}: {name}: {status} after {asked} calls");
        assert!(asked <= 6, "case {case}: {asked} calls, though none was answered");
        assert!(took < Duration::from_secs(2) + SLACK, "case {case}: out after {took:?}");
        self.goes_on(case, &vendor, &desk, CALLS + asked);
        took
    }

    fn while_calls_come_back(&self, case: u64, draws: &mut Draws) -> Duration {
        let (name, _, code) = signal(draws);
        let Hanging { vendor, desk, mut child, asked, .. } = self.hanging(draws, 60);
        let begun = Instant::now();
        send_signal(&child, name);
        wait_for_stopping(&mut child);
        assert_eq!(vendor.calls(), asked, "case {case}");
        vendor.open();
        assert_eq!(child.wait().unwrap().code(), Some(code), "case {case}: {name}");
        assert_eq!(vendor.calls(), asked, "case {case}: calls after the signal");
        self.goes_on(case, &vendor, &desk, CALLS);
        begun.elapsed()
    }

    fn while_calls_hang(&self, case: u64, draws: &mut Draws) -> Duration {
        let (name, _, code) = signal(draws);
        let Hanging { vendor, desk, mut child, answered, .. } = self.hanging(draws, 4);
        send_signal(&child, name);
        let begun = Instant::now();
        wait_for_stopping(&mut child);
        let asked = vendor.calls();
        let status = child.wait().unwrap();
        let took = begun.elapsed();
        assert_eq!(status.code(), Some(code), "case {case}: {name}");
        assert_eq!(vendor.calls(), asked, "case {case}: calls after the signal");
        assert!(took < Duration::from_secs(4) + SLACK, "case {case}: out after {took:?}");
        self.goes_on(case, &vendor, &desk, CALLS + asked - answered);
        took
    }

    fn twice(&self, case: u64, draws: &mut Draws) -> Duration {
        let ((first, ..), (second, _, code)) = (signal(draws), signal(draws));
        let Hanging { vendor, desk, mut child, answered, asked } = self.hanging(draws, 60);
        send_signal(&child, first);
        wait_for_stopping(&mut child);
        let (status, took) = signalled(&mut child, second);
        assert_eq!(status.code(), Some(code), "case {case}: {first} and {second}");
        assert_eq!(vendor.calls(), asked, "case {case}: calls after the signal");
        assert!(took < SLACK, "case {case}: out after {took:?}");
        self.goes_on(case, &vendor, &desk, CALLS + asked - answered);
        took
    }

    fn while_tables_are_built(&self, case: u64, draws: &mut Draws) -> Duration {
        let (name, _, code) = signal(draws);
        let (vendor, desk) = desk(self.runtime, None, 4, 60);
        let mut child = start(&desk);
        vendor.asked(CALLS);
        std::thread::sleep(self.build * draws.below(1000) as u32 / 1000);
        let (status, took) = signalled(&mut child, name);
        let is_over = status.success();
        assert!(is_over || status.code() == Some(code), "case {case}: {name}: {status}");
        assert!(took < SLACK, "case {case}: out after {took:?}");
        assert_eq!(vendor.calls(), CALLS, "case {case}");
        if is_complete(&desk) {
            assert_eq!(answers(&desk), self.answers, "case {case}");
        } else {
            assert!(!is_over, "case {case}: it said that it is done");
            self.goes_on(case, &vendor, &desk, CALLS);
        }
        took
    }

    /// Starts a run whose calls hang after a drawn number of answers.
    fn hanging(&self, draws: &mut Draws, timeout: u64) -> Hanging {
        // So many are owed and known then that all slots are taken.
        let (answered, concurrency) = (draws.below(CALLS - 12), 1 + draws.below(6));
        let (vendor, desk) = desk(self.runtime, Some(answered), concurrency, timeout);
        let child = start(&desk);
        let asked = answered + concurrency;
        vendor.asked(asked);
        Hanging { vendor, desk, child, answered, asked }
    }

    /// The next run asks what is owed and nothing else, and has what an undisturbed one has.
    fn goes_on(&self, case: u64, vendor: &Held, desk: &Desk, calls: u64) {
        vendor.open();
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0, "case {case}");
        assert_eq!(vendor.calls(), calls, "case {case}: asked in all");
        assert_eq!(answers(desk), self.answers, "case {case}: not the answers of an undisturbed run");
        assert!(desk.path("data/job/latest").exists(), "case {case}: no tables");
    }
}

struct Hanging {
    vendor: Held,
    desk: Desk,
    child: Child,
    answered: u64,
    asked: u64,
}

fn signal(draws: &mut Draws) -> (&'static str, i32, i32) {
    // What this process was started to ignore, a child ignores, too, until it listens: SIGHUP under `nohup`, SIGINT behind the
    // `&` of a shell.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let ignored = u64::from_str_radix(mask.trim(), 16).unwrap();
    let heard: Vec<_> = SIGNALS.into_iter().filter(|(_, number, _)| ignored >> (number - 1) & 1 == 0).collect();
    heard[draws.below(heard.len() as u64) as usize]
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let runtime = Runtime::new().unwrap();
    let (vendor, desk) = desk(&runtime, Some(3), 1, 2);
    let mut child = std::process::Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" run job.toml -q"])
        .arg(env!("CARGO_BIN_EXE_notemill"))
        .current_dir(desk.folder.path())
        .env("JUSTONEAPI_TOKEN", "canary-key-0123456789")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    vendor.asked(4);
    send_signal(&child, "-HUP");
    // The call that is held times out, and is asked again: nobody has stopped.
    vendor.asked(5);
    send_signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

fn desk(runtime: &Runtime, passes: Option<u64>, concurrency: u64, timeout: u64) -> (Held, Desk) {
    let vendor = Held::start(runtime, passes);
    let desk = Desk::new(&vendor.job(NOTES, &format!("concurrency = {concurrency}\ntimeout = \"{timeout}s\"")));
    (vendor, desk)
}

fn start(desk: &Desk) -> Child {
    desk.command(&["run", "job.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal; returns how the process ended, and how long after.
fn signalled(child: &mut Child, name: &str) -> (ExitStatus, Duration) {
    send_signal(child, name);
    let begun = Instant::now();
    (child.wait().unwrap(), begun.elapsed())
}

fn wait_for_stopping(child: &mut Child) {
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("stopping")), "it did not hear the signal");
}
