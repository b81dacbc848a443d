//! A state that another program has: told as that, with nothing sent, and never as damage.

use std::process::Stdio;

use rusqlite::Connection;
use serde_json::Value;

use super::held::Held;
use crate::cli::{Desk, files};
use crate::scripted::{Scripted, full, note_id};
use crate::support::send_signal;

/// A job of one note, and its vendor.
fn desk(vendor: &Scripted) -> Desk {
    Desk::new(&format!(
        "dataset = \"data/job\"\nseeds = [{{ notes = [\"{}\"] }}]\n[expand]\nauthors = false\n\
         [vendors.justoneapi]\nbase_url = \"{}\"\n",
        note_id(1, 1_700_000_000),
        vendor.base_url
    ))
}

#[test]
fn a_state_that_a_database_browser_holds_is_in_use_and_nothing_is_sent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let vendor = runtime.block_on(Scripted::start(full));
    let desk = desk(&vendor);
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    vendor.forget();
    let browser = Connection::open(desk.path("data/job/state.sqlite")).unwrap();
    browser.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT").unwrap();
    for words in [&["run", "job.toml"][..], &["build", "job.toml"]] {
        let output = desk.run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{words:?}: {text}");
        assert!(text.contains("is in use by another program") && text.contains("close the program"), "{text}");
        assert!(!text.contains("damaged") && !text.contains("aside"), "{words:?}: {text}");
    }
    assert_eq!(vendor.lines(), [""; 0]);
    drop(browser);
    assert_eq!(desk.code(&["build", "job.toml"]), 0);
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);
}

#[test]
fn a_reader_that_is_open_while_a_run_ends_stops_no_later_run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for when in ["before", "meanwhile", "after a kill", "over two runs"] {
        let vendor = Held::start(&runtime, Some(2));
        let desk = Desk::new(&vendor.job(3, "concurrency = 1"));
        let read = || {
            let reader = Connection::open(desk.path("data/job/state.sqlite")).unwrap();
            reader.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
            reader
        };
        let start = || {
            let mut command = desk.command(&["run", "job.toml", "-q"]);
            command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        };
        let reader = if when == "before" {
            vendor.open();
            assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
            let reader = read();
            assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
            reader
        } else {
            let mut first = start();
            vendor.asked(3);
            if when == "after a kill" {
                send_signal(&first, "-KILL");
                first.wait().unwrap();
            }
            let reader = read();
            vendor.open();
            if when == "after a kill" {
                first = start();
            }
            assert!(first.wait().unwrap().success(), "{when}");
            if when == "over two runs" {
                assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
            }
            reader
        };
        let calls = vendor.calls();
        assert_eq!(desk.code(&["verify", "job.toml"]), 0, "{when}: while it reads");
        drop(reader);
        assert_eq!(desk.code(&["verify", "job.toml"]), 0, "{when}: afterwards");
        for (night, command) in ["run", "build", "run"].into_iter().enumerate() {
            let output = desk.run(&[command, "job.toml"]);
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{when}: {text}");
            let is_said = text.contains("every record was checked, and nothing is lost");
            assert_eq!(is_said, night == 0, "{when}, {night}: {text}");
        }
        assert_eq!(vendor.calls(), calls, "{when}");
    }
}

#[test]
fn a_latest_that_was_copied_is_mended_and_what_is_nowhere_else_is_not_touched() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let vendor = runtime.block_on(Scripted::start(full));
    let desk = desk(&vendor);
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    let (latest, snapshot) = (desk.path("data/job/latest"), desk.path("data/job/snapshots/000001"));
    let copy = || {
        std::fs::remove_file(&latest).unwrap();
        for file in files(&snapshot) {
            let target = latest.join(file.strip_prefix(&snapshot).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(&file, target).unwrap();
        }
    };
    let said = |words: &[&str]| {
        let output = desk.run(words);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), text)
    };
    for command in ["build", "run"] {
        for is_text in [false, true] {
            copy();
            if is_text {
                std::fs::remove_dir_all(&latest).unwrap();
                std::fs::write(&latest, "snapshots/000001").unwrap();
            }
            let (exit, text) = said(&["verify", "job.toml"]);
            assert!(exit == 6 && text.contains("`notemill build` makes it a link again"), "{text}");
            let (exit, text) = said(&[command, "job.toml"]);
            assert!(exit == 0 && text.contains("it is mended"), "{command}: {text}");
            assert!(latest.symlink_metadata().unwrap().is_symlink());
            assert_eq!(said(&["verify", "job.toml"]).0, 0);
        }
    }
    vendor.forget();
    // What somebody added, changed, or has of a snapshot that is gone may be nowhere else.
    let harm: [&dyn Fn(); 3] = [
        &|| std::fs::write(latest.join("notes/own.csv"), "mine").unwrap(),
        &|| std::fs::write(latest.join("README.md"), "mine").unwrap(),
        &|| {
            let file = files(&latest.join("notes")).remove(0);
            let mut bytes = std::fs::read(&file).unwrap();
            bytes[9] ^= 1;
            std::fs::write(file, bytes).unwrap();
        },
    ];
    for harm in harm {
        copy();
        harm();
        let before: Vec<_> = files(&latest);
        let advice = "move it out of the dataset's folder";
        for command in ["verify", "build", "run"] {
            let (exit, text) = said(&[command, "job.toml"]);
            assert!(exit == 6 && text.contains(advice), "{command}: {text}");
        }
        assert_eq!(files(&latest), before);
        std::fs::remove_dir_all(&latest).unwrap();
        assert_eq!(said(&["build", "job.toml"]).0, 0);
    }
    assert_eq!(vendor.lines(), [""; 0]);
}

#[test]
fn what_could_not_be_written_later_is_told_before_anything_is_sent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let vendor = runtime.block_on(Scripted::start(full));
    for name in ["archive", "snapshots", "runs", ".cache"] {
        let desk = desk(&vendor);
        assert_eq!(desk.code(&["check", "job.toml"]), 0);
        std::fs::create_dir_all(desk.path("data/job/archive")).unwrap();
        let _ = std::fs::remove_dir(desk.path("data/job").join(name));
        std::fs::write(desk.path("data/job").join(name), "a file").unwrap();
        let output = desk.run(&["run", "job.toml"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && text.contains("is a file"), "{name}: {text}");
    }
    let desk = desk(&vendor);
    std::fs::create_dir(desk.path("data")).unwrap();
    std::fs::write(desk.path("data/job"), "a file").unwrap();
    for words in [&["run", "job.toml"][..], &["plan", "job.toml"]] {
        let output = desk.run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && text.contains("is a file"), "{text}");
    }
    for name in ["latest.json", "forgotten.json", "state.sqlite", "state.sqlite.sha256", "state.sqlite-wal", ".lock"] {
        let desk = self::desk(&vendor);
        std::fs::create_dir_all(desk.path("data/job").join(name)).unwrap();
        let output = desk.run(&["run", "job.toml"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && text.contains(&format!("{name}` is a folder")), "{name}: {text}");
    }
    let desk = self::desk(&vendor);
    std::fs::write(desk.path("data"), "a file").unwrap();
    for words in [&["run", "job.toml"][..], &["plan", "job.toml"]] {
        let output = desk.run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && text.contains("data` is a file"), "{text}");
    }
    assert_eq!(vendor.lines(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_dataset_behind_a_link_to_nothing_is_told_as_that() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let vendor = runtime.block_on(Scripted::start(full));
    for name in ["data", "data/job"] {
        let desk = desk(&vendor);
        let link = desk.path(name);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/nowhere/disk", link).unwrap();
        for words in [&["run", "job.toml"][..], &["plan", "job.toml"]] {
            let output = desk.run(words);
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(6) && text.contains("is a link to `/nowhere/disk`"), "{name}: {text}");
        }
    }
    assert_eq!(vendor.lines(), [""; 0]);
}

#[test]
fn a_state_that_changed_is_not_thrown_away() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let vendor = runtime.block_on(Scripted::start(full));
    let desk = desk(&vendor);
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    vendor.forget();
    let browser = Connection::open(desk.path("data/job/state.sqlite")).unwrap();
    browser.execute_batch("CREATE TABLE mine (x); DROP TABLE mine").unwrap();
    drop(browser);
    for command in ["run", "build"] {
        let output = desk.run(&[command, "job.toml"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && text.contains("keep `state.sqlite`"), "{text}");
        assert!(!text.contains("aside"), "{text}");
    }
    let output = desk.run(&["verify", "job.toml", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["hints"][0].as_str().unwrap().contains("its records are sound"), "{found}");
    // The advice loses nothing.
    std::fs::remove_file(desk.path("data/job/state.sqlite.sha256")).unwrap();
    assert_eq!(desk.code(&["build", "job.toml"]), 0);
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);
    assert_eq!(vendor.lines(), [""; 0]);
}
