//! Snapshots as a person keeps and compares them.

use serde_json::Value;

use crate::cli::Desk;
use crate::messages::{assert_seen, seen};

fn job(notes: u32, keep: u32) -> String {
    format!(
        "seeds = [{{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = {notes} }}]\n[output]\nkeep_snapshots = {keep}\n"
    )
}

/// A dataset whose snapshots have more notes from one to the next.
fn grown(counts: &[u32], keep: u32) -> Desk {
    let desk = Desk::new("");
    for count in counts {
        desk.write("job.toml", &job(*count, keep));
        assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    }
    desk
}

fn json(desk: &Desk, words: &[&str]) -> Value {
    serde_json::from_slice(&desk.run(words).stdout).unwrap()
}

#[test]
fn a_pinned_snapshot_outlives_what_is_kept() {
    let desk = grown(&[2, 3], 2);
    assert_seen!(desk, &["pin", "job.toml", "1"]);
    assert_eq!(json(&desk, &["pin", "data/job", "1", "--json"])["changed"], false);
    for count in [4, 5] {
        desk.write("job.toml", &job(count, 2));
        assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    }
    let status = json(&desk, &["status", "job.toml", "--json"]);
    assert_eq!((&status["snapshots"], &status["pinned"]), (&serde_json::json!([1, 3, 4]), &serde_json::json!([1])));
    // Left out, it is the latest.
    assert_eq!(json(&desk, &["pin", "job.toml", "--json"])["pinned"], serde_json::json!([1, 4]));
    assert_eq!(json(&desk, &["pin", "job.toml", "1", "--remove", "--json"])["pinned"], serde_json::json!([4]));
    assert_eq!(desk.code(&["build", "job.toml"]), 0);
    assert_eq!(json(&desk, &["status", "job.toml", "--json"])["snapshots"], serde_json::json!([3, 4]));
    assert_seen!(desk, &["pin", "job.toml", "1"]);
}

#[test]
fn a_damaged_list_of_pins_is_told_and_keeps_everything() {
    let desk = grown(&[2, 3], 2);
    desk.write("data/job/pins.json", "[1");
    assert_seen!(desk, &["pin", "job.toml", "1"]);
    desk.write("job.toml", &job(4, 1));
    let output = desk.run(&["run", "job.toml", "--sandbox", "-q"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no snapshot is removed"), "{output:?}");
    let status = json(&desk, &["status", "job.toml", "--json"]);
    assert_eq!((&status["snapshots"], &status["pinned"]), (&serde_json::json!([1, 2, 3]), &Value::Null));
    let verified = json(&desk, &["verify", "job.toml", "--json"]);
    assert_eq!(verified["sound"], false, "{verified}");
}

#[test]
fn a_dataset_at_work_is_not_pinned() {
    let desk = grown(&[2], 2);
    let state = notemill::state::State::open(&desk.path("data/job")).unwrap();
    assert_eq!(desk.code(&["pin", "job.toml"]), 6, "a build that is at work reads the list");
    drop(state);
    assert_eq!(desk.code(&["pin", "job.toml"]), 0);
    assert_eq!(desk.code(&["pin", "."]), 2);
}

#[test]
fn two_snapshots_are_compared() {
    let desk = grown(&[3, 9], 5);
    assert_seen!(desk, &["diff", "job.toml"]);
    assert_seen!(desk, &["diff", "data/job", "2", "1"]);
    assert_seen!(desk, &["diff", "job.toml", "2"]);
    let told = json(&desk, &["diff", "job.toml", "--json"]);
    assert_eq!(told["notes"]["new"]["count"], 6);
    assert_eq!(told["notes"]["new"]["ids"].as_array().unwrap().len(), 6);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let desk = grown(&[3], 5);
    assert_seen!(desk, &["diff", "job.toml"]);
    assert_seen!(desk, &["diff", "job.toml", "7"]);
    desk.write("job.toml", &job(4, 5));
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    let authors = std::fs::read_dir(desk.path("data/job/snapshots/000001/authors")).unwrap().next().unwrap().unwrap();
    std::fs::write(authors.path(), "PAR1").unwrap();
    assert_seen!(desk, &["diff", "job.toml"]);
}
