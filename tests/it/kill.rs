//! Signals and kill -9: what was paid is kept, and what is owed is asked.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use notemill::model::Outcome;
use notemill::sandbox::Sandbox;

use crate::cli::Desk;
use crate::support::{options, send_signal};

const JOB: &str =
    "seeds = [{ keywords = [\"防晒霜\", \"露营\"], max_pages = 3 }]\n[vendors.justoneapi]\nconcurrency = 8\n";

async fn slow_sandbox(latency: &str) -> (Sandbox, Desk) {
    let sandbox = notemill::sandbox::start(options(&["--notes", "300", "--latency", latency])).await.unwrap();
    let desk = Desk::new(&format!("{JOB}base_url = \"{}\"\n", sandbox.base_url()));
    (sandbox, desk)
}

fn start(desk: &Desk) -> Child {
    desk.command(&["run", "job.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the vendor has been asked so often.
async fn asked(sandbox: &Sandbox, calls: u64) {
    while sandbox.ledger().calls() < calls {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_in_good_order_and_the_next_one_goes_on() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let (sandbox, desk) = slow_sandbox("20ms").await;
        let mut child = start(&desk);
        asked(&sandbox, 10).await;
        send_signal(&child, name);
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(code), "{name}");
        let billed = sandbox.ledger().billed();
        assert_eq!(desk.code(&["run", "job.toml"]), 0);
        assert!(sandbox.ledger().billed() > billed);
        assert_eq!(sandbox.ledger().paid_twice(), Vec::<String>::new(), "{name}: calls on their way were waited for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    let (sandbox, desk) = slow_sandbox("1h").await;
    let mut child = start(&desk);
    asked(&sandbox, 2).await;
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    send_signal(&child, "-INT");
    assert!(stderr.any(|line| line.unwrap().starts_with("stopping")));
    send_signal(&child, "-INT");
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_and_cost_at_most_the_calls_on_their_way() {
    let (undisturbed, quiet) = slow_sandbox("1ms").await;
    assert_eq!(quiet.code(&["run", "job.toml"]), 0);
    let wanted = undisturbed.ledger().calls();

    let (sandbox, desk) = slow_sandbox("3ms").await;
    let kills = 6;
    for kill in 1..=kills {
        let mut child = start(&desk);
        asked(&sandbox, (wanted * kill / (kills + 1)).max(1)).await;
        send_signal(&child, "-KILL");
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    }
    assert_eq!(desk.code(&["run", "job.toml"]), 0);
    let extra = sandbox.ledger().calls() - wanted;
    assert!(extra <= 8 * kills, "{extra} calls were asked again after {kills} kills at concurrency 8");

    let rows = |desk: &Desk| {
        let mut state = notemill::state::State::open(&desk.path("data/job")).unwrap();
        let answers = notemill::archive::answers(&mut state).unwrap();
        let mut rows: Vec<_> = answers
            .map(|answer| {
                let answer = answer.unwrap();
                assert!(matches!(answer.outcome, Outcome::Ok | Outcome::Empty));
                (answer.call.key(), answer.admitted, answer.body)
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows
    };
    assert_eq!(rows(&desk), rows(&quiet), "the same answers as in a run that nobody disturbed");
}
