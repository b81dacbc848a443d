//! File systems that lack something, from without: a small library (`tests/fixtures/mount.c`) is loaded before the system's
//! own and refuses what an exFAT stick, a network drive or a cluster's file system would refuse.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::held::{Held, until};
use crate::cli::Desk;
use crate::support::send_signal;

const EPERM: &str = "1";
const EINVAL: &str = "22";
const ENODEV: &str = "19";
const ENOLCK: &str = "37";
const ENOSYS: &str = "38";
const EOPNOTSUPP: &str = "95";

/// Builds the library, once; the project needs a C compiler anyway.
fn library() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("mount-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mount.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).status();
        assert!(built.unwrap().success(), "cc builds {source}");
        library
    })
}

fn on(desk: &Desk, lacks: &[(&str, &str)], words: &[&str]) -> Command {
    let mut command = desk.command(words);
    command.env("LD_PRELOAD", library()).envs(lacks.iter().copied());
    command
}

fn run(desk: &Desk, lacks: &[(&str, &str)], words: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = on(desk, lacks, words).output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

const JOB: &str = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 3 }]\n[expand]\nauthors = false\n";

#[test]
fn without_links_the_file_names_the_latest_and_that_is_said_once() {
    for code in [EPERM, EOPNOTSUPP, ENOSYS] {
        let desk = Desk::new(JOB);
        let lacks = [("NO_SYMLINK", code), ("NO_LINK", EPERM)];
        for (night, words) in
            [&["run", "job.toml", "--sandbox", "-q"][..], &["run", "job.toml", "--sandbox", "-q"]].iter().enumerate()
        {
            let (exit, text) = run(&desk, &lacks, words);
            assert_eq!(exit, 0, "{text}");
            assert_eq!(text.contains("has no symbolic links"), night == 0, "{code} {night}: {text}");
        }
        let pointer =
            || -> Value { serde_json::from_slice(&std::fs::read(desk.path("data/job/latest.json")).unwrap()).unwrap() };
        assert!(desk.path("data/job/latest").symlink_metadata().is_err());
        assert_eq!((pointer()["path"].as_str(), pointer()["link"].as_bool()), (Some("snapshots/000002"), Some(false)));
        for words in [
            &["verify", "job.toml"][..],
            &["status", "data/job"],
            &["diff", "job.toml"],
            &["pin", "job.toml"],
            &["build", "job.toml"],
            &["forget", "job.toml", "--yes", "--note", "aaaaaaaaaaaaaaaaaaaaaaaa"],
        ] {
            let (exit, text) = run(&desk, &lacks, words);
            assert_eq!(exit, 0, "{code} {words:?}: {text}");
        }
        // Where there are links, the link comes back.
        assert_eq!(desk.code(&["build", "job.toml"]), 0);
        let latest = std::fs::read_link(desk.path("data/job/latest")).unwrap();
        assert!(latest.starts_with("snapshots") && pointer()["link"].is_null());
        // And a link that cannot be moved does not go on naming an older snapshot.
        let (exit, text) = run(&desk, &lacks, &["run", "job.toml", "--sandbox", "-q"]);
        assert!(exit == 0 && text.contains("has no symbolic links"), "{text}");
        if pointer()["path"].as_str() != latest.to_str() {
            assert!(desk.path("data/job/latest").symlink_metadata().is_err());
        }
    }
}

#[test]
fn a_folder_that_cannot_be_synced_is_a_warning_and_said_once() {
    for code in [EINVAL, EOPNOTSUPP, ENOSYS] {
        let desk = Desk::new(JOB);
        for night in 0..2 {
            let (exit, text) = run(&desk, &[("NO_FOLDER_SYNC", code)], &["run", "job.toml", "--sandbox", "-q"]);
            assert_eq!(exit, 0, "{text}");
            assert_eq!(text.contains("cannot sync folders"), night == 0, "{code} {night}: {text}");
        }
        // EIO is a failed sync, and no missing one.
        let other = Desk::new(JOB);
        let (exit, text) = run(&other, &[("NO_FOLDER_SYNC", "5")], &["run", "job.toml", "--sandbox", "-q"]);
        assert!(exit == 1 && text.contains("cannot sync the folder"), "{text}");
    }
}

#[test]
fn without_flock_another_lock_keeps_others_out_and_dies_with_its_process() {
    let runtime = Runtime::new().unwrap();
    for code in [ENOSYS, EOPNOTSUPP, ENOLCK] {
        let lacks = [("NO_FLOCK", code)];
        let vendor = Held::start(&runtime, Some(1));
        let desk = Desk::new(&vendor.job(2, "concurrency = 1"));
        let mut first =
            on(&desk, &lacks, &["run", "job.toml", "-q"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        vendor.asked(2);
        for words in [&["run", "job.toml"][..], &["build", "job.toml"], &["verify", "job.toml"], &["pin", "job.toml"]] {
            let (exit, text) = run(&desk, &lacks, words);
            assert!(exit == 6 && text.contains("in use by another notemill"), "{code} {words:?}: {text}");
        }
        send_signal(&first, "-KILL");
        first.wait().unwrap();
        vendor.open();
        let (exit, text) = run(&desk, &lacks, &["run", "job.toml", "-q"]);
        assert_eq!(exit, 0, "{code}: {text}");
        until("the books", || vendor.calls() >= 5);
        assert_eq!(vendor.calls(), 5, "one was on its way");
    }
}

#[test]
fn a_file_system_without_sqlites_locks_is_named_before_anything_is_sent_and_a_sound_state_stays() {
    let runtime = Runtime::new().unwrap();
    let lacking = [("NO_FCNTL_LOCK", ENOLCK), ("NO_FCNTL_LOCK", EINVAL), ("NO_SHARED_MAP", ENODEV)];
    for lacks in lacking {
        let vendor = Held::start(&runtime, Some(2));
        let desk = Desk::new(&vendor.job(2, "concurrency = 1"));
        let (exit, text) = run(&desk, &[lacks], &["run", "job.toml", "-q"]);
        assert!(exit == 6 && text.contains("cannot lock files"), "new, {lacks:?}: {text}");
        assert_eq!(vendor.calls(), 0);
        assert!(!desk.path("data/job/state.sqlite").exists(), "{lacks:?}: no state is left");
        let (_, text) = run(&desk, &[lacks], &["verify", "job.toml"]);
        assert!(text.contains("holds no dataset") && !text.contains("aside"), "{lacks:?}: {text}");
        let mut first = desk.command(&["run", "job.toml", "-q"]).stderr(Stdio::null()).spawn().unwrap();
        vendor.asked(3);
        send_signal(&first, "-KILL");
        first.wait().unwrap();
        for words in [&["run", "job.toml"][..], &["build", "job.toml"]] {
            let (exit, text) = run(&desk, &[lacks], words);
            assert!(exit == 6 && text.contains("cannot lock files"), "{lacks:?} {words:?}: {text}");
            assert!(!text.contains("no state"), "{lacks:?} {words:?}: {text}");
            assert!(!text.contains("damaged") && !text.contains("aside"), "{lacks:?} {words:?}: {text}");
        }
        for words in [&["verify", "job.toml"][..], &["status", "job.toml"], &["plan", "job.toml"]] {
            let (_, text) = run(&desk, &[lacks], words);
            assert!(!text.contains("damaged") && !text.contains("aside"), "{lacks:?} {words:?}: {text}");
        }
        assert_eq!(vendor.calls(), 3);
        vendor.open();
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
        assert_eq!(vendor.calls(), 5, "one was on its way, and the others are not asked again");
    }
}

#[test]
fn a_state_in_which_nothing_is_yet_is_not_damaged() {
    for is_empty in [true, false] {
        let desk = Desk::new(JOB);
        std::fs::create_dir_all(desk.path("data/job")).unwrap();
        let file = desk.path("data/job/state.sqlite");
        if is_empty {
            std::fs::write(&file, "").unwrap();
        } else {
            let db = rusqlite::Connection::open(&file).unwrap();
            db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        }
        let (exit, text) = run(&desk, &[], &["verify", "job.toml"]);
        assert!(exit == 0 && text.contains("nothing is in it yet"), "{text}");
        // Beside an archive it has lost something, which the archive has.
        std::fs::create_dir(desk.path("data/job/archive")).unwrap();
        let (exit, text) = run(&desk, &[], &["verify", "job.toml"]);
        assert!(exit == 6 && text.contains("nothing is in it;") && !text.contains("aside"), "{text}");
        std::fs::remove_dir(desk.path("data/job/archive")).unwrap();
        assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
        assert_eq!(desk.code(&["verify", "job.toml"]), 0);
    }
}
