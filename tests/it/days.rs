//! A sandbox's dataset lives by the sandbox's clock: nights pass at a word, for windows, ages and raw answers alike.

use notemill::sandbox::universe::{Universe, UniverseOptions};
use serde_json::Value;

use crate::cli::Desk;

fn json(desk: &Desk, words: &[&str]) -> Value {
    let output = desk.run(words);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn night(desk: &Desk, day: &str) -> Value {
    json(desk, &["run", "job.toml", "--sandbox", "--json", "--day", day])
}

/// Two notes that stay for weeks.
fn notes() -> Vec<String> {
    let universe = |day| Universe::new(UniverseOptions { day, ..UniverseOptions::default() });
    let (first, last) = (universe(0), universe(30));
    let stays = |id: &String| !last.note(id).unwrap().is_gone;
    first.note_ids().into_iter().filter(stays).take(2).collect()
}

fn details_sent(report: &Value) -> u64 {
    let lines = report["calls"].as_array().unwrap().iter().filter(|line| line["endpoint"] == "note_detail");
    lines.map(|line| line["attempts"].as_u64().unwrap()).sum()
}

#[test]
fn the_nightly_job_finds_notes_each_simulated_night_and_all_figures_agree() {
    let desk = Desk::new(&include_str!("../../jobs/nightly-refresh.toml").replace("../data/", "data/"));
    let (mut sent, mut new) = (0, 0);
    for day in ["0", "1", "2", "3", "9"] {
        let report = night(&desk, day);
        assert_eq!(report["ending"]["kind"], "complete");
        for search in report["searches"].as_array().unwrap() {
            assert!(search["notes"].as_u64() > Some(0) && search["new_notes"].as_u64() > Some(0), "{day}: {search}");
            assert_eq!((&search["published"], &search["ended"]), (&"week".into(), &"no more notes".into()));
        }
        let (this_run, total) = (&report["this_run"], &report["in_total"]);
        assert!(this_run["new_notes"].as_u64() > Some(0) && this_run["new_notes"] == report["new_notes"]);
        sent += this_run["sent"].as_u64().unwrap();
        new += this_run["new_notes"].as_u64().unwrap();
        assert_eq!(total["sent"].as_u64(), Some(sent), "{day}");
        assert_eq!((total["notes"].as_u64(), &total["new_notes"]), (Some(new), &report["rows"]["notes"]), "{day}");
        let status = json(&desk, &["status", "job.toml", "--json"]);
        let last = status["runs"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["calls"], &last["new_notes"]), (&this_run["sent"], &this_run["new_notes"]));
        assert_eq!((&status["calls"], &status["cost"]), (&total["sent"], &total["cost"]));
        assert_eq!(status["snapshot"], total["snapshots"]);
        if day != "0" {
            let diff = json(&desk, &["diff", "job.toml", "--json"]);
            assert_eq!(diff["notes"]["new"]["count"], report["snapshot_new_notes"]);
            assert_eq!(diff["notes"]["changed"]["count"], report["changed_notes"]);
        }
    }
}

#[test]
fn what_is_to_be_asked_after_seven_days_is_asked_seven_nights_later() {
    let desk = Desk::new(&format!("seeds = [{{ notes = {:?} }}]\nexpand = {{ authors = false }}\n", notes()));
    for (day, sent) in [("0", 2), ("1", 0), ("6", 0), ("7", 2), ("13", 0), ("14", 2)] {
        let plan = json(&desk, &["plan", "job.toml", "--sandbox", "--json", "--day", day]);
        let low: u64 =
            plan["stages"].as_array().unwrap().iter().map(|stage| stage["calls"]["low"].as_u64().unwrap()).sum();
        let report = night(&desk, day);
        assert_eq!((details_sent(&report), low), (sent, sent), "day {day}");
        let due = report["no_notes"].as_str().is_none_or(|why| !why.contains("no call was due"));
        assert_eq!(due, sent > 0, "day {day}: {}", report["no_notes"]);
    }
}

#[test]
fn the_sandboxs_clock_does_not_step_back_and_a_live_run_has_none() {
    let desk = Desk::new("seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 3 }]\n");
    assert!(night(&desk, "3")["run"].as_str().unwrap().starts_with("20261104T"));
    // Without a day, the dataset's last one goes on, in a plan and a run alike.
    let plan = json(&desk, &["plan", "job.toml", "--sandbox", "--json"]);
    assert!(plan["stages"].as_array().is_some());
    let again = json(&desk, &["run", "job.toml", "--sandbox", "--json"]);
    assert!(again["run"].as_str().unwrap().starts_with("20261104T"), "{again}");
    for verb in ["run", "plan"] {
        let output = desk.run(&[verb, "job.toml", "--sandbox", "--day", "2"]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("has seen day 3") && said.contains("--dataset"), "{said}");
        assert_eq!(desk.code(&[verb, "job.toml", "--day", "4"]), 2, "a live run has the machine's clock");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_lives_by_the_day_of_a_sandbox_that_runs_already() {
    let sandbox = notemill::sandbox::start(crate::support::options(&["--day", "4", "--fail", "0.1"])).await.unwrap();
    let desk = Desk::new(&include_str!("../../jobs/nightly-refresh.toml").replace("../data/", "data/"));
    let url = sandbox.base_url();
    let words = ["run", "job.toml", "--sandbox", "--json", "--at", &url];
    for (day, run) in [(4, "20261105T"), (5, "20261106T")] {
        sandbox.set_day(day);
        let report = json(&desk, &words);
        assert!(report["run"].as_str().unwrap().starts_with(run), "{report}");
        assert!(report["new_notes"].as_u64() > Some(0), "{report}");
        assert!(report["next"].as_str().unwrap().contains("--at http://127.0.0.1:"), "{report}");
    }
    assert_eq!(sandbox.ledger().entries().len() as u64, json(&desk, &["status", "job.toml", "--json"])["calls"]);
    // Whatever else answers there is no sandbox.
    let other = crate::scripted::Scripted::start(|_| crate::scripted::code(404)).await;
    let output = desk.run(&["run", "job.toml", "--sandbox", "--at", &other.base_url]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a sandbox of notemill"), "{output:?}");
    assert_eq!(desk.code(&["run", "job.toml", "--at", &url]), 2, "only with --sandbox");
}

#[test]
fn raw_answers_age_by_the_sandboxs_clock() {
    let job = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 3 }]\n[archive]\nretain = \"5d\"\n";
    let desk = Desk::new(job);
    assert_eq!(night(&desk, "0")["raw_dropped"], 0);
    // Whatever the machine's clock says.
    assert_eq!(json(&desk, &["build", "job.toml", "--json"])["raw_dropped"], 0);
    assert_eq!(night(&desk, "4")["raw_dropped"], 0);
    assert!(night(&desk, "6")["raw_dropped"].as_u64() > Some(0));
}
