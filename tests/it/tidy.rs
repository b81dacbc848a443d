//! What must never be, as far as text can show it.

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// Returns the part of a file before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn is_test(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["/tests/", "/tests.rs", "samples.rs", "shapes.rs", "fixtures.rs", "laws.rs", "published.rs"]
        .iter()
        .any(|part| name.contains(part))
}

/// Names the files outside some rooms that hold any of some words.
fn outside(rooms: &[&str], words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let inside = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let allowed = rooms.iter().any(|room| inside.starts_with(room));
        if !allowed && !is_test(&path) && words.iter().any(|word| code(&text).contains(word)) {
            found.push(inside);
        }
    }
    found
}

#[test]
fn each_library_stays_in_its_rooms() {
    let none: [String; 0] = [];
    assert_eq!(
        outside(&["archive/", "flatten/", "observations/", "dataset/", "model/retained.rs"], &["arrow::", "parquet::"]),
        none,
        "Arrow"
    );
    assert_eq!(outside(&["state/"], &["rusqlite", "INSERT INTO"]), none, "SQL");
    assert_eq!(outside(&["job/", "vendor/"], &["toml::"]), none, "TOML");
    assert_eq!(outside(&["fetch/", "sandbox/"], &["reqwest", "axum", "hyper"]), none, "HTTP");
    assert_eq!(outside(&["cli/"], &["anyhow"]), none, "anyhow");
    assert_eq!(outside(&["cli/"], &["std::env::var"]), none, "the environment");
}

#[test]
fn pure_rooms_do_no_io() {
    let io = ["std::fs", "std::net", "std::env", "tokio::", "Timestamp::now", "Instant::now", "SystemTime"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, text) in sources("src") {
        let inside = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let pure = ["model/", "extract/", "vendor/", "flatten/", "observations/", "report/"]
            .iter()
            .any(|room| inside.starts_with(room));
        if pure && !is_test(&path) {
            for word in io {
                assert!(!code(&text).contains(word), "{inside} holds {word}");
            }
        }
    }
}

#[test]
fn the_sandbox_and_the_crawl_meet_over_http_only() {
    for (path, text) in sources("src/sandbox") {
        for word in ["crate::crawl", "crate::state", "crate::fetch", "crate::flatten"] {
            assert!(is_test(&path) || !code(&text).contains(word), "{path:?} holds {word}");
        }
    }
    assert_eq!(outside(&["sandbox/", "cli/", "lib.rs"], &["crate::sandbox"]), [""; 0]);
}

#[test]
fn a_file_holds_one_idea() {
    for (path, text) in sources("src") {
        let lines = code(&text).lines().count();
        assert!(lines <= 400, "{path:?} has {lines} lines");
    }
    for name in ["utils", "common", "types", "helpers"] {
        for (path, _) in sources("src") {
            assert!(!path.to_string_lossy().contains(&format!("/{name}")), "{path:?}");
        }
    }
}

#[test]
fn a_key_can_be_neither_shown_nor_serialized() {
    for (path, text) in sources("src/fetch") {
        for word in ["Display for Key", "Serialize for Key", "Serialize)]\npub struct Key"] {
            assert!(!text.contains(word), "{path:?} holds {word}");
        }
    }
    assert_eq!(outside(&["fetch/", "sandbox/"], &["expose_secret"]), [""; 0]);
}
