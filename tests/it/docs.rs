//! The documents are true: what they name exists, what exists is named, and what they show is what happens.

mod map;
mod pages;

use std::collections::BTreeSet;
use std::path::Path;

use notemill::cli::Exit;
use notemill::flatten::tables::dictionary;
use notemill::vendor::Description;

use self::pages::{blocks, code_spans, command_lines, files, page, root};
use crate::support::notemill;

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];
const PAGES: [&str; 6] =
    ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/reliability.md", "docs/observations.md"];

fn help(words: &[&str]) -> String {
    let output = notemill().args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs that `--help` lists.
fn verbs() -> BTreeSet<String> {
    let help = help(&[]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
    verbs.filter(|verb| !verb.is_empty() && verb != "help").collect()
}

fn has_flag(help: &str, flag: &str) -> bool {
    help.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == flag)
}

#[test]
fn every_link_and_file_that_is_named_exists() {
    for name in PAGES {
        let text = page(name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            let beside = root().join(name);
            let exists = target.is_empty() || beside.parent().unwrap().join(target).exists();
            assert!(target.contains("://") || exists, "{name} links to {link}");
        }
        let folders = ["src/", "tests/", "jobs/", "vendors/", "docs/", "benches/"];
        let named = |word: &String| folders.iter().any(|folder| word.starts_with(folder));
        let in_lines = command_lines(&text).into_iter().flatten();
        for path in code_spans(&text).into_iter().chain(in_lines).filter(named) {
            assert!(root().join(&path).exists(), "{name} names {path}");
        }
    }
}

#[test]
fn every_verb_is_shown_and_every_command_shown_exists() {
    let verbs = verbs();
    assert!(verbs.contains("run") && verbs.contains("schema"), "{verbs:?}");
    let helps: Vec<String> = verbs.iter().map(|verb| help(&[verb])).collect();
    for name in READMES {
        let text = page(name);
        let lines = command_lines(&text);
        for words in &lines {
            let verb = words.first().unwrap();
            assert!(verbs.contains(verb), "{name} shows `notemill {}`", words.join(" "));
            let deeper: Vec<&str> = words.iter().skip(1).take(1).map(String::as_str).collect();
            let help = if verb == "schema" { help(&[&["schema"], &deeper[..]].concat()) } else { help(&[verb]) };
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(has_flag(&help, flag), "{name} shows `notemill {}`", words.join(" "));
            }
        }
        for flag in code_spans(&text).iter().filter_map(|span| span.split(' ').next()).filter(|w| w.starts_with("--")) {
            assert!(helps.iter().any(|help| has_flag(help, flag)), "{name} names {flag}");
        }
    }
    let shown: BTreeSet<String> =
        command_lines(&page("README.md")).into_iter().filter_map(|words| words.into_iter().next()).collect();
    assert_eq!(shown, verbs, "the README shows every verb");
}

#[test]
fn the_output_shown_is_what_a_run_prints() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    std::fs::copy(root().join("jobs/demo.toml"), folder.path().join("jobs/demo.toml")).unwrap();
    let output = notemill().current_dir(folder.path()).args(["run", "jobs/demo.toml", "--sandbox"]).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    let printed: Vec<&str> = output.trim_end().lines().collect();
    for name in READMES {
        let text = page(name);
        let (_, block) = blocks(&text).into_iter().find(|(language, _)| language == "console").unwrap();
        let shown = block.lines().skip(1).take_while(|line| !line.starts_with('$')).collect::<Vec<_>>().join("\n");
        let shown: Vec<&str> = shown.trim_end().lines().collect();
        assert_eq!(shown[1..], printed[1..], "{name}");
        // Every run has a name of its own.
        let unnamed = |line: &'_ str| line.split_once(" of ").map(|(_, rest)| rest.to_owned());
        assert_eq!(unnamed(shown[0]), unnamed(printed[0]), "{name}");
    }
}

fn check_job(folder: &Path, job: &str) {
    notemill::job::check("job.toml", folder, job).unwrap_or_else(|problems| panic!("{job}\n{problems:#?}"));
}

#[test]
fn every_job_shown_is_good() {
    for name in READMES {
        let blocks = blocks(&page(name)).into_iter();
        let toml: Vec<String> = blocks.filter(|(language, _)| language == "toml").map(|(_, text)| text).collect();
        assert!(toml.iter().any(|job| job.starts_with("# sunscreen.toml")), "{name}");
        toml.iter().filter(|text| !text.starts_with("# mine.toml")).for_each(|job| check_job(root(), job));
    }
}

#[test]
fn the_vendor_shown_is_good() {
    let blocks = blocks(&page("README.md"));
    let (_, vendor) = blocks.iter().find(|(_, text)| text.starts_with("# mine.toml")).unwrap();
    let description = Description::parse("mine.toml", vendor).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(description.name, "mine");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), vendor).unwrap();
    let spans = code_spans(&page("README.md"));
    let lines = ["[vendors.mine]", "file = \"mine.toml\"", "[route]", "note_detail = [\"mine\", \"justoneapi\"]"];
    for line in lines {
        assert!(spans.iter().any(|span| span == line), "the README no longer says {line}");
    }
    let job = format!("seeds = [{{ notes = [\"698ab064000000001503876d\"] }}]\n{}\n", lines.join("\n"));
    check_job(folder.path(), &job);
}

#[test]
fn the_settings_named_in_passing_are_good() {
    // Each stands in the README in these words, under the block that is named here.
    let named = [
        ("expand", "details = false"),
        ("expand", "authors = false"),
        ("refresh", "details = \"changed\""),
        ("vendors.justoneapi", "allow_plain_http = true"),
        ("vendors.justoneapi", "version = { search_notes = \"v4\", user_profile = \"v4\" }"),
        ("route", "user_notes = [\"spiderhubs\", \"justoneapi\"]"),
        ("seeds", "published = \"day\""),
    ];
    let spans = code_spans(&page("README.md"));
    for (block, line) in named {
        assert!(spans.iter().any(|span| span == line), "the README no longer says {line}");
        let rest = if block == "seeds" { line.to_owned() } else { format!("[{block}]\n{line}") };
        let job = format!("[[seeds]]\nkeywords = [\"k\"]\n{rest}\n");
        check_job(root(), &job);
    }
}

/// Every way to end; a new one does not compile until it stands here.
fn exits() -> Vec<Exit> {
    let all = [
        Exit::Complete,
        Exit::Failure,
        Exit::Usage,
        Exit::Partial,
        Exit::Stopped,
        Exit::Refused,
        Exit::Dataset,
        Exit::Interrupted,
        Exit::Terminated,
    ];
    for exit in all {
        match exit {
            Exit::Complete
            | Exit::Failure
            | Exit::Usage
            | Exit::Partial
            | Exit::Stopped
            | Exit::Refused
            | Exit::Dataset
            | Exit::Interrupted
            | Exit::Terminated => {}
        }
    }
    all.to_vec()
}

#[test]
fn every_exit_code_is_explained_and_no_other() {
    let codes: BTreeSet<u8> = exits().into_iter().map(Exit::code).collect();
    for name in READMES {
        let text = page(name);
        let first_cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
        let told: BTreeSet<u8> =
            first_cells.flat_map(|cell| cell.split(", ")).filter_map(|number| number.parse().ok()).collect();
        assert_eq!(told, codes, "{name}");
    }
}

#[test]
fn every_table_is_named() {
    for name in READMES {
        let text = page(name);
        let named: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|(table, _)| table)
            .collect();
        for table in dictionary() {
            assert!(named.contains(table.name), "{name} does not name `{}`", table.name);
        }
    }
}

#[test]
fn every_message_explained_is_one_that_is_said() {
    let sources: String = files("src").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // Rust lets a long text go on in the next line.
    let sources: String = sources.split("\\\n").map(str::trim_start).collect();
    for name in READMES {
        let text = page(name);
        let table = text.lines().skip_while(|line| !line.starts_with("| message |") && !line.starts_with("| 消息 |"));
        let rows: Vec<&str> = table.skip(2).take_while(|line| line.starts_with('|')).collect();
        assert!(rows.len() > 5, "{name}");
        for row in rows {
            let message = row.split('`').nth(1).unwrap();
            assert!(sources.contains(message), "{name} explains `{message}`, which nothing says");
        }
    }
}
