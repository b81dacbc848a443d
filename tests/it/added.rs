//! Columns that a job adds or leaves out: filled from what was paid for already, for every note that was ever fetched.

use std::collections::BTreeSet;
use std::path::PathBuf;

use notemill::model::Endpoint;
use serde_json::Value;

use crate::cli::{Desk, files};
use crate::columns::table;
use crate::support::options;

const SEEDS: &str = "seeds = [{ keywords = [\"防晒\"], max_pages = 2, max_notes = 25 }]\n";

/// The files of a snapshot's tables.
fn table_files(desk: &Desk, snapshot: u32) -> BTreeSet<PathBuf> {
    let folder = desk.path(&format!("data/job/snapshots/{snapshot:06}"));
    let inside = files(&folder).into_iter().map(|file| file.strip_prefix(&folder).unwrap().to_owned());
    inside.filter(|file| file.extension().is_some_and(|ending| ending == "parquet")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_is_added_to_the_whole_history_for_free_and_one_left_out_is_in_no_file() {
    let sandbox = notemill::sandbox::start(options(&[])).await.unwrap();
    let vendor = format!("[vendors.justoneapi]\nbase_url = \"{}\"\n", sandbox.base_url());
    let plain = format!("{SEEDS}{vendor}");
    let desk = Desk::new(&plain);
    assert_eq!(desk.code(&["run", "job.toml"]), 0);
    let calls = sandbox.ledger().calls();
    assert!(sandbox.ledger().count(Endpoint::NoteDetail) > 20);

    desk.write(
        "job.toml",
        &format!(
            "{plain}[columns.notes]\nlevel = {{ path = \"/nice_count\", type = \"int64\" }}\n\
             by = {{ path = \"/user/userid\", type = \"string\" }}\nabsent = {{ path = \"/no/such\", type = \"bool\" }}\n\
             raw = {{ path = \"/user\", type = \"json\" }}\nodd = {{ path = \"/id\", type = \"timestamp\" }}\n\
             [columns.authors]\nrole = {{ path = \"/user_role_type\", type = \"float64\" }}\n\
             [privacy]\ndrop = [\"notes.ip_location\", \"notes.title\", \"authors.avatar_url\"]\n"
        ),
    );
    let check = desk.run(&["check", "job.toml"]);
    let check = String::from_utf8(check.stdout).unwrap();
    assert!(check.contains("  adds notes.level (int64) from `/nice_count`\n"), "{check}");
    assert!(check.contains("  leaves out notes.ip_location\n"), "{check}");

    let output = desk.run(&["build", "job.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("older snapshots still hold what `[privacy]` now leaves out: 000001\n"), "{told}");
    assert_eq!(sandbox.ledger().calls(), calls, "a build asks nobody");

    let snapshot = desk.path("data/job/latest");
    let notes = table(&snapshot, "notes");
    let before = table(&desk.path("data/job/snapshots/000001"), "notes");
    assert_eq!(notes["note_id"], before["note_id"]);
    assert!(before.contains_key("title") && !notes.contains_key("title") && !notes.contains_key("ip_location"));
    assert_eq!(notes["by"], notes["author_id"], "the same value, by the job's own pointer");
    assert!(notes["absent"].iter().all(Option::is_none) && notes["odd"].iter().all(Option::is_none));
    for raw in notes["raw"].iter().flatten() {
        assert!(serde_json::from_str::<Value>(raw).unwrap()["nickname"].is_string());
    }
    let authors = table(&snapshot, "authors");
    assert!(authors["role"].iter().flatten().all(|role| role == "6.0") && !authors.contains_key("avatar_url"));
    assert!(authors["role"].iter().flatten().count() > 5);
    // An id is no time: each place where one stands is told, and the notes live.
    let rejects = table(&snapshot, "rejects");
    assert!(rejects["reason"].iter().flatten().all(|reason| reason.ends_with("is no time")));
    assert!(rejects["path"].iter().flatten().all(|path| path.ends_with("/id")));
    assert!(rejects["path"].len() >= notes["note_id"].len());

    let card = std::fs::read_to_string(snapshot.join("README.md")).unwrap();
    assert!(card.contains("| `level` | int64 | yes | Added by the job. | `/nice_count` |"), "{card}");
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);

    // Without the job, the manifest knows.
    let again = desk.run(&["build", "data/job"]);
    assert!(String::from_utf8(again.stdout).unwrap().starts_with("unchanged: snapshot 000002"));
    // Without the keys, the tables are as they were, to the byte.
    desk.write("job.toml", &plain);
    assert_eq!(desk.code(&["build", "job.toml"]), 0);
    assert_eq!(table_files(&desk, 3), table_files(&desk, 1));
    assert_eq!(sandbox.ledger().calls(), calls);
}
