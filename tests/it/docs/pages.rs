//! Pages read as a program can: blocks, code spans, command lines.

use std::path::{Path, PathBuf};

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The fenced blocks of a page, each with its language.
pub(super) fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), format!("{}\n", block.join("\n"))));
        }
    }
    blocks
}

/// A page without its fenced blocks.
fn prose(page: &str) -> String {
    let mut inside = false;
    let lines = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands between backticks.
pub(super) fn code_spans(page: &str) -> Vec<String> {
    prose(page).split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every command line that a page shows, from the word after `notemill`.
pub(super) fn command_lines(page: &str) -> Vec<Vec<String>> {
    let shown = blocks(page).into_iter().filter(|(language, _)| matches!(language.as_str(), "sh" | "console" | "yaml"));
    let shown: Vec<String> =
        shown.flat_map(|(_, block)| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let lines = shown.into_iter().chain(code_spans(page));
    let words = lines.filter_map(|line| {
        let line = line.replace("cargo run --release -- ", "notemill ");
        let mut words = line.split(" #").next()?.split_whitespace().map(str::to_owned);
        words.find(|word| word == "notemill")?;
        Some(words.collect::<Vec<_>>())
    });
    words.filter(|words| !words.is_empty()).collect()
}

pub(super) fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}
