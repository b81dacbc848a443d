//! Signals: what was paid is kept, and what is owed is asked.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

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
