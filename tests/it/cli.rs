//! The binary, as schedulers and people use it: exit codes, what is on disk, what goes on where.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::scripted::{Reply, SEARCH, Scripted, code, full, note_id, search_page};
use crate::support::{notemill, options, send_signal};

/// A folder with a job in it.
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new(job: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("job.toml", job);
        desk
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = notemill();
        command.current_dir(self.folder.path()).args(words).env("JUSTONEAPI_TOKEN", KEY);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        assert!(!holds_key(&output.stdout) && !holds_key(&output.stderr), "{words:?} shows the key");
        output
    }

    pub(crate) fn code(&self, words: &[&str]) -> i32 {
        let output = self.run(words);
        output.status.code().unwrap_or_else(|| panic!("{output:?}"))
    }
}

/// The key of every whole-run test: it stands in no output and in no file that a run leaves.
pub(crate) const KEY: &str = "canary-key-0123456789";

fn holds_key(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, KEY.as_bytes()).is_some()
}

impl Drop for Desk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for file in files(self.folder.path()) {
            assert!(!std::fs::read(&file).is_ok_and(|bytes| holds_key(&bytes)), "{} holds the key", file.display());
        }
    }
}

const SMALL: &str = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 5 }]\n";

fn at(base_url: &str, job: &str) -> String {
    format!("{job}\n[vendors.justoneapi]\nbase_url = \"{base_url}\"\n")
}

pub(crate) fn report(desk: &Desk) -> Value {
    let mut paths = files(&desk.path("data/job/runs"));
    paths.sort();
    serde_json::from_str(&std::fs::read_to_string(paths.last().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_job_runs_for_free_and_a_second_run_asks_only_what_ages() {
    let desk = Desk::new(SMALL);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 0);
    let first = report(&desk);
    assert_eq!((first["ending"]["kind"].as_str(), first["rows"]["notes"].as_u64()), (Some("complete"), Some(5)));
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 0);
    let second = report(&desk);
    assert_eq!(second["spent"]["calls"].as_u64(), Some(1));
    assert_eq!(second["saved"]["reused"].as_u64(), Some(first["spent"]["calls"].as_u64().unwrap() - 1));
    assert_eq!(desk.code(&["build", "job.toml"]), 0);
    assert_eq!(desk.code(&["build", "data/job"]), 0);
    assert_eq!(desk.code(&["status", "data/job"]), 0);
    assert!(desk.path("data/job/snapshots/000001").is_dir(), "a build without a job keeps every snapshot");
    let status: Value = serde_json::from_slice(&desk.run(&["status", "job.toml", "--json"]).stdout).unwrap();
    assert_eq!((status["rows"]["notes"].as_u64(), status["snapshot"].as_u64()), (Some(5), Some(2)));
}

#[test]
fn a_dataset_is_only_tables_in_table_folders() {
    let desk = Desk::new(SMALL);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 0);
    let latest = desk.path("data/job/latest");
    let mut tables = 0;
    for entry in std::fs::read_dir(&latest).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tables += 1;
            assert!(
                files(&path).iter().all(|file| file.extension().is_some_and(|ending| ending == "parquet")),
                "{path:?}"
            );
        }
    }
    assert_eq!(tables, 11);
    assert!(latest.join("manifest.json").is_file() && latest.join("README.md").is_file());
    let pointer: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.path("data/job/latest.json")).unwrap()).unwrap();
    assert_eq!(pointer["snapshot"].as_u64(), Some(1));
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_is_wrong_with_a_dataset_is_six_and_nothing_is_touched() {
    let desk = Desk::new(SMALL);
    std::fs::create_dir_all(desk.path("thesis")).unwrap();
    desk.write("thesis/chapter.txt", "years of work");
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "--dataset", "thesis"]), 6);
    assert_eq!(files(&desk.path("thesis")), [desk.path("thesis/chapter.txt")]);

    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 0);
    assert_eq!(desk.code(&["run", "job.toml"]), 6, "live answers do not go where sandbox answers are");
    std::fs::write(desk.path("data/job/state.sqlite"), "not a database, but long enough to look at").unwrap();
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 6);
    std::fs::remove_file(desk.path("data/job/state.sqlite")).unwrap();
    let output = desk.run(&["run", "job.toml", "--sandbox"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("they are known again"), "{output:?}");
    assert_eq!(report(&desk)["spent"]["calls"].as_u64(), Some(1), "what was sealed is not paid for again");

    let segment = files(&desk.path("data/job/archive")).remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    // What builds learnt before is not read again, unless it must be.
    let output = desk.run(&["build", "job.toml", "--from-scratch"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stderr).contains(".parquet` is damaged"), "{output:?}");
}

#[test]
fn a_locked_dataset_sends_nothing() {
    let desk = Desk::new(SMALL);
    let state = notemill::state::State::open(&desk.path("data/job")).unwrap();
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 6);
    drop(state);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox"]), 0);
}

#[test]
fn usage_is_two_and_nothing_is_made() {
    let desk = Desk::new("seeds = []\n");
    for words in [
        &["run", "job.toml", "--sandbox"][..],
        &["run", "nowhere.toml"],
        &["fly"],
        &["run"],
        &["run", "job.toml", "--max-cost", "a lot"],
        &["check", "job.toml"],
        &["status", "."],
        &["build", "."],
        &["init", "job.toml"],
    ] {
        assert_eq!(desk.code(words), 2, "{words:?}");
    }
    assert_eq!(files(desk.folder.path()), [desk.path("job.toml")]);
    desk.write("job.toml", SMALL);
    let output = desk.command(&["run", "job.toml"]).env_remove("JUSTONEAPI_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!desk.path("data").exists(), "a missing key is found before anything is made");
}

#[test]
fn init_writes_a_job_that_checks_and_runs() {
    let desk = Desk::new(SMALL);
    assert_eq!(desk.code(&["init", "new.toml"]), 0);
    assert_eq!(desk.code(&["check", "new.toml", "job.toml"]), 0);
    assert_eq!(desk.code(&["run", "new.toml", "--sandbox", "--max-calls", "3"]), 4);
}

#[test]
fn schemas_are_data() {
    let desk = Desk::new(SMALL);
    let schema: Value = serde_json::from_slice(&desk.run(&["schema", "job"]).stdout).unwrap();
    assert!(schema["properties"]["seeds"].is_object());
    let tables: Value = serde_json::from_slice(&desk.run(&["schema", "tables", "--format", "json"]).stdout).unwrap();
    assert!(tables.to_string().contains("counts_are_approximate"));
    let kinds = desk.run(&["schema", "observations", "--format", "json"]).stdout;
    let kinds: Value = serde_json::from_slice(&kinds).unwrap();
    let names: Vec<&str> = kinds.as_array().unwrap().iter().filter_map(|kind| kind["name"].as_str()).collect();
    assert_eq!(names, ["observed_notes", "observed_authors", "observed_hits", "observed_calls", "observed_rejects"]);
    let page = String::from_utf8(desk.run(&["schema", "observations"]).stdout).unwrap();
    assert!(page.contains("| `liked_count` | struct<value: int64, unit: int64> | yes |"), "{page}");
    assert!(
        String::from_utf8_lossy(&desk.run(&["schema", "tables"]).stdout).contains("| note_id |")
            || !desk.run(&["schema", "tables"]).stdout.is_empty()
    );
}

#[test]
fn options_stand_before_or_after_the_verb() {
    let desk = Desk::new(SMALL);
    for words in [
        &["-q", "check", "job.toml"][..],
        &["check", "-vv", "job.toml"],
        &["check", "job.toml", "--log-format", "json"],
    ] {
        assert_eq!(desk.code(words), 0, "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_has_its_exit_code_and_what_was_paid_is_built() {
    let second = note_id(2, 1_700_000_000);
    let vendor = Scripted::start(move |asked| match asked.what.as_str() {
        SEARCH => match asked.param("keyword") {
            "refused" => code(100),
            "broke" => code(601),
            _ => search_page(&(1..=3).map(|number| note_id(number, 1_700_000_000)).collect::<Vec<_>>()),
        },
        _ if asked.param("noteId") == second => code(400),
        _ => full(asked),
    })
    .await;
    let run = |keyword: &str, more: &[&str]| {
        let desk =
            Desk::new(&at(&vendor.base_url, &format!("seeds = [{{ keywords = [\"{keyword}\"], max_pages = 1 }}]")));
        let words: Vec<&str> = ["run", "job.toml"].iter().chain(more).copied().collect();
        let output = desk.run(&words);
        (output.status.code().unwrap(), report(&desk))
    };
    for (keyword, more, exit, notes) in [
        ("ok", &[][..], 3, 3),
        ("ok", &["--partial-ok"], 0, 3),
        ("ok", &["--max-calls", "2"], 4, 3),
        ("ok", &["--max-calls", "2", "--partial-ok"], 0, 3),
        ("broke", &[], 4, 0),
        ("refused", &[], 5, 0),
        ("refused", &["--partial-ok"], 5, 0),
    ] {
        let (code, report) = run(keyword, more);
        assert_eq!((code, report["rows"]["notes"].as_u64()), (exit, Some(notes)), "{keyword} {more:?}");
        assert_eq!(report["ending"]["exit_code"].as_u64(), Some(u64::try_from(exit).unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_asked_again_on_request_and_nothing_else() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static MENDED: AtomicBool = AtomicBool::new(false);
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => search_page(&[note_id(1, 1_700_000_000), note_id(2, 1_700_000_000)]),
        _ if asked.param("noteId").ends_with('2') && !MENDED.load(Ordering::SeqCst) => code(400),
        _ => full(asked),
    })
    .await;
    let desk = Desk::new(&at(&vendor.base_url, "seeds = [{ keywords = [\"k\"], max_pages = 1 }]"));
    assert_eq!(desk.code(&["run", "job.toml"]), 3);
    MENDED.store(true, Ordering::SeqCst);
    vendor.forget();
    assert_eq!(desk.code(&["run", "job.toml", "--retry-failed"]), 0);
    assert_eq!(vendor.lines(), [format!("get-note-detail/v1 noteId={}", note_id(2, 1_700_000_000))]);
    assert_eq!(desk.code(&["run", "job.toml", "--retry-failed"]), 2, "there is nothing left to ask again");
    let told = report(&desk);
    let sent = told["calls"].as_array().unwrap().iter().map(|line| line["attempts"].as_u64().unwrap());
    assert_eq!(sent.sum::<u64>(), 5, "search, two details, an author, and the one detail again");
    // An unfinished run is gone on with first: only what failed would be asked, and the rest forgotten.
    let desk = Desk::new(&at(&vendor.base_url, "seeds = [{ keywords = [\"k\"], max_pages = 1 }]"));
    assert_eq!(desk.code(&["run", "job.toml", "--retry-failed"]), 2);
    assert_eq!(desk.code(&["run", "job.toml", "--max-calls", "2"]), 4);
    assert_eq!(desk.code(&["run", "job.toml", "--retry-failed"]), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_shows_all_that_a_vendor_shows_is_told() {
    let vendor = Scripted::start(|asked| {
        let page: u32 = asked.param("page").parse().unwrap();
        search_page(&(1..=20).map(|number| note_id(20 * page + number, 1_700_000_000)).collect::<Vec<_>>())
    })
    .await;
    let job = "seeds = [{ keywords = [\"k\"] }]\nexpand = { details = false, authors = false }";
    let desk = Desk::new(&at(&vendor.base_url, job));
    let output = desk.run(&["run", "job.toml"]);
    assert_eq!((output.status.code(), vendor.count(SEARCH)), (Some(0), 11), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("showed 220 notes, about all that a vendor shows"), "{said}");
}

#[test]
fn a_port_where_nothing_listens_is_told_and_loses_nothing() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let desk = Desk::new(&at(&format!("http://127.0.0.1:{port}"), SMALL));
    let output = desk.run(&["run", "job.toml"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("does not answer") && said.contains("cannot connect"), "{said}");
    assert_eq!(report(&desk)["spent"]["calls"].as_u64(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_in_no_output_and_no_file() {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => search_page(&[note_id(1, 1_700_000_000), note_id(2, 1_700_000_000)]),
        _ if asked.param("noteId").ends_with('2') => {
            Reply::Status(400, serde_json::json!({ "code": 400, "message": format!("bad token {KEY}"), "data": KEY }))
        }
        _ => full(asked),
    })
    .await;
    let desk = Desk::new(&at(&vendor.base_url, "seeds = [{ keywords = [\"k\"], max_pages = 1 }]"));
    let output = desk.run(&["run", "job.toml", "-vvv", "--summary", "summary.md"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let mut state = notemill::state::State::open(&desk.path("data/job")).unwrap();
    for answer in notemill::archive::answers(&mut state).unwrap() {
        assert!(!holds_key(answer.unwrap().body.unwrap().bytes()));
    }
}

#[test]
fn the_sandbox_serves_a_job_of_its_own_and_stops_on_a_signal() {
    use std::io::{BufRead as _, BufReader};
    let mut server =
        notemill().args(["sandbox", "--notes", "50"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let desk = Desk::new(&at(line.trim(), SMALL));
    assert_eq!(desk.code(&["run", "job.toml"]), 0);
    send_signal(&server, "-INT");
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert_eq!(options(&[]).seed, 7);
}
