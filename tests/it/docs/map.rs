//! ARCHITECTURE.md and CHANGELOG.md against the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::pages::{blocks, files, page, root};

#[test]
fn every_dependency_has_its_line_and_no_other_has() {
    let manifest: toml::Table = page("Cargo.toml").parse().unwrap();
    let of_targets = manifest["target"].as_table().unwrap().values();
    let crates: BTreeSet<String> = ["dependencies", "dev-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .chain(of_targets.filter_map(|target| target.get("dependencies")?.as_table()))
        .flat_map(|section| section.keys().cloned())
        .collect();
    let text = page("ARCHITECTURE.md");
    let section = text.split("## Dependencies").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(told, crates);
}

/// The code map: each file that it names, with the folder under which it stands.
fn mapped() -> BTreeSet<PathBuf> {
    let text = page("ARCHITECTURE.md");
    let section = text.split("## Code map").nth(1).unwrap();
    let (_, map) = blocks(section).into_iter().next().unwrap();
    let mut folder = PathBuf::new();
    let mut files = BTreeSet::new();
    for line in map.lines() {
        if let Some(name) = line.split(' ').next().filter(|word| word.starts_with("src/")) {
            folder = PathBuf::from(name);
        }
        let words = line.split([' ', ',', ';', '(', ')']);
        let sources = words.filter(|word| [".rs", ".sql"].iter().any(|ending| word.ends_with(ending)));
        files.extend(sources.map(|name| folder.join(name)));
    }
    files
}

#[test]
fn the_code_map_is_whole() {
    let text = page("ARCHITECTURE.md");
    let is_source = |path: &Path| path.extension().is_some_and(|ending| ending == "rs" || ending == "sql");
    let mut own = BTreeSet::new();
    for path in files("src") {
        let inside = path.strip_prefix(root()).unwrap().to_owned();
        let folder = format!("{}/", inside.parent().unwrap().display());
        assert!(text.contains(&folder), "no room is called {folder}");
        let name = inside.file_name().unwrap().to_string_lossy().into_owned();
        let is_test = folder.ends_with("tests/") || name == "tests.rs";
        // A folder's own line says what its `mod.rs` is.
        if is_source(&inside) && name != "mod.rs" && !is_test {
            own.insert(inside);
        }
    }
    assert_eq!(mapped(), own);
}

#[test]
fn the_changelog_tells_the_versions() {
    let text = page("CHANGELOG.md");
    assert!(text.contains(&format!("\n## {}\n", env!("CARGO_PKG_VERSION"))));
    assert!(text.contains("**Schema**"));
    assert!(text.contains(&format!("- Tables: version {}.", notemill::dataset::SCHEMA_VERSION)));
    let folder = tempfile::tempdir().unwrap();
    // SQLite moves what it wrote into the file itself when it is closed.
    drop(notemill::state::State::open(folder.path()).unwrap());
    let state = std::fs::read(folder.path().join("state.sqlite")).unwrap();
    // SQLite keeps `user_version` at byte 60 of the file.
    let version = u32::from_be_bytes(state[60..64].try_into().unwrap());
    assert!(text.contains(&format!("- State (`state.sqlite`): version {version}.")));
}
