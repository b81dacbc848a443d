//! Users under pseudonyms: whole runs after which no file of a snapshot names anybody, and all joins still hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;

use notemill::flatten::WITHHELD;
use notemill::flatten::tables::dictionary;
use serde_json::Value;

use crate::cli::{Desk, KEY, files};
use crate::columns::{table, texts};
use crate::support::options;

/// Columns in which other text may stand than without pseudonyms.
const HIDDEN: [&str; 18] = [
    "notes.author_id",
    "notes.title",
    "notes.description",
    "notes.sound_name",
    "notes.hashtags",
    "notes.share_url",
    "notes.raw",
    "note_hashtags.name",
    "note_mentions.user_id",
    "authors.author_id",
    "author_tags.author_id",
    "author_tags.name",
    "author_metrics.author_id",
    "calls.call_key",
    "calls.params",
    "rejects.call_key",
    "rejects.path",
    "rejects.reason",
];

/// The whole note as a column: what no column of ours holds must name nobody either.
const JOB: &str = "[[seeds]]\nkeywords = [\"防晒\", \"露营\"]\nmax_pages = 2\nmax_notes = 20\n\
                   [expand]\nauthor_notes = true\n[budget]\nmax_calls = 260\n\
                   [columns.notes]\nraw = { path = \"\", type = \"json\" }\nfans = { path = \"/user\", type = \"int64\" }\n";
const PRIVACY: &str = "[privacy]\npseudonymize_key_env = \"NOTEMILL_TEST_SALT\"\n";

/// Builds with a key in the environment; the key stands in no output and, as the desk checks, in no file.
fn build(desk: &Desk, key: &str, target: &str) -> Output {
    let output = desk.command(&["build", target]).env("NOTEMILL_TEST_SALT", key).output().unwrap();
    for shown in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(shown).contains(key));
    }
    output
}

fn snapshot(desk: &Desk, number: u32) -> PathBuf {
    desk.path(&format!("data/job/snapshots/{number:06}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Gathers who is named anywhere in a raw answer.
fn gather(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(fields) => {
            let is_user = ["userid", "user_id", "nickname", "red_id"].iter().any(|key| fields.contains_key(*key));
            for (key, value) in fields {
                let names =
                    matches!(key.as_str(), "userid" | "user_id" | "nickname" | "red_id" | "xsec_token" | "creator");
                let picture = is_user && matches!(key.as_str(), "images" | "image" | "imageb");
                if let Some(text) = value.as_str().filter(|text| (names || picture) && text.len() > 5) {
                    // Of a picture's address, what does not depend on its size.
                    found.insert(text.split('?').next().unwrap().to_owned());
                }
                gather(value, found);
            }
        }
        _ => {}
    }
}

/// Everything that names a user in what was paid for.
fn identities(desk: &Desk) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for cell in texts(&desk.path("data/job/archive")).iter().filter(|cell| cell.column == "body") {
        gather(&serde_json::from_str(&cell.text).unwrap(), &mut found);
    }
    found
}

fn assert_nobody_is_named(folder: &Path, who: &BTreeSet<String>) {
    let names = finder(who);
    for cell in texts(folder) {
        assert_eq!(names(&cell.text), None, "{} of {}: {}", cell.column, cell.file.display(), cell.text);
    }
    for name in ["manifest.json", "README.md"] {
        assert_eq!(names(&std::fs::read_to_string(folder.join(name)).unwrap()), None, "{name}");
    }
}

/// Finds any of many names in a text.
fn finder(who: &BTreeSet<String>) -> impl Fn(&str) -> Option<String> + '_ {
    move |text| who.iter().find(|name| text.contains(name.as_str())).cloned()
}

fn sorted(mut values: Vec<Option<String>>) -> Vec<Option<String>> {
    values.sort();
    values
}

/// How often each value stands in a column, without the values.
fn shape(values: &[Option<String>]) -> Vec<usize> {
    let mut counts: BTreeMap<&Option<String>, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable();
    counts
}

fn assert_same_but_for_people(plain: &Path, private: &Path) {
    for doc in dictionary() {
        let (before, after) = (table(plain, doc.name), table(private, doc.name));
        assert!(before.keys().eq(after.keys()), "{}", doc.name);
        for (name, values) in before {
            let (full, own) = (format!("{}.{name}", doc.name), after[&name].clone());
            if WITHHELD.contains(&full.as_str()) {
                assert!(own.iter().all(Option::is_none) && own.len() == values.len(), "{full}");
            } else if HIDDEN.contains(&full.as_str()) {
                assert_eq!(
                    own.iter().filter(|value| value.is_none()).count(),
                    values.iter().filter(|v| v.is_none()).count()
                );
            } else {
                assert_eq!(sorted(own), sorted(values), "{full}");
            }
        }
    }
}

fn assert_joins_hold(plain: &Path, private: &Path) {
    let ids = |folder: &Path, name: &str, column: &str| table(folder, name)[column].clone();
    let authors = |folder| ids(folder, "authors", "author_id").into_iter().flatten().collect::<BTreeSet<_>>();
    let (before, after) = (authors(plain), authors(private));
    assert_eq!(before.len(), after.len());
    assert!(after.iter().all(|id| id.len() == 26 && id.starts_with("u_")));
    for (name, column) in [
        ("notes", "author_id"),
        ("note_mentions", "user_id"),
        ("author_tags", "author_id"),
        ("author_metrics", "author_id"),
    ] {
        let (own, hidden) = (ids(plain, name, column), ids(private, name, column));
        assert!(!own.is_empty(), "{name}");
        assert_eq!(shape(&own), shape(&hidden), "{name}.{column}");
        let known = |values: &[Option<String>], authors: &BTreeSet<String>| {
            values.iter().flatten().filter(|id| authors.contains(*id)).count()
        };
        assert_eq!(known(&own, &before), known(&hidden, &after), "{name}.{column}");
    }
    let asked = ids(private, "calls", "params").into_iter().flatten();
    let asked = asked
        .filter_map(|params| Some(serde_json::from_str::<Value>(&params).unwrap()["user_id"].as_str()?.to_owned()));
    assert!(asked.filter(|user| after.contains(user)).count() > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_stand_under_pseudonyms_in_every_file_of_a_snapshot() {
    let sandbox = notemill::sandbox::start(options(&[])).await.unwrap();
    let job = |rest: &str| format!("{JOB}{rest}[vendors.justoneapi]\nbase_url = \"{}\"\n", sandbox.base_url());
    let desk = Desk::new(&job(""));
    assert!(matches!(desk.code(&["run", "job.toml"]), 0 | 3 | 4));
    let calls = sandbox.ledger().calls();
    let who = identities(&desk);
    assert!(who.len() > 200, "{}", who.len());
    let plain = snapshot(&desk, 1);
    let found = texts(&plain).iter().filter(|cell| finder(&who)(&cell.text).is_some()).count();
    assert!(found > 500, "what the search finds where nothing is hidden: {found}");

    // The same answers, hidden: nobody is asked, and the snapshot that still tells is named.
    desk.write("job.toml", &job(PRIVACY));
    let output = build(&desk, KEY, "job.toml");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stderr(&output).contains("older snapshots still hold what `[privacy]` now leaves out: 000001\n"));
    let private = snapshot(&desk, 2);
    assert_nobody_is_named(&private, &who);
    assert_same_but_for_people(&plain, &private);
    assert_joins_hold(&plain, &private);
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);

    // The same key, the same bytes; without the job there is no key.
    assert!(String::from_utf8(build(&desk, KEY, "job.toml").stdout).unwrap().starts_with("unchanged: snapshot 000002"));
    let output = build(&desk, KEY, "data/job");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("hint: name the job file in place of the folder"), "{output:?}");

    // Off again: the bytes of the beginning. On with another key: other pseudonyms, as many.
    desk.write("job.toml", &job(""));
    let output = build(&desk, KEY, "job.toml");
    assert!(stderr(&output).contains("users stand under their own ids again"), "{output:?}");
    let names = |number| {
        let folder = snapshot(&desk, number);
        let inside = files(&folder).into_iter().map(|file| file.strip_prefix(&folder).unwrap().to_owned());
        inside.filter(|file| file.extension().is_some_and(|ending| ending == "parquet")).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(3), names(1));
    desk.write("job.toml", &job(PRIVACY));
    assert_eq!(build(&desk, "another-secret-of-16", "job.toml").status.code(), Some(0));
    let users =
        |number| table(&snapshot(&desk, number), "authors")["author_id"].clone().into_iter().collect::<BTreeSet<_>>();
    assert!(users(4).len() == users(2).len() && users(4).is_disjoint(&users(2)));
    let output = build(&desk, KEY, "job.toml");
    assert!(stderr(&output).contains("the key of the pseudonyms is another than before"), "{output:?}");
    assert_eq!(names(5), names(2));

    // What still tells is gone when no older snapshot is kept.
    desk.write("job.toml", &job(&format!("{PRIVACY}[output]\nkeep_snapshots = 1\n")));
    let output = build(&desk, KEY, "job.toml");
    assert!(!stderr(&output).contains("warning"), "{output:?}");
    assert!(!snapshot(&desk, 4).exists());
    assert_eq!(sandbox.ledger().calls(), calls, "a build asks nobody");
}

#[test]
fn without_a_good_key_nothing_is_sent() {
    let desk = Desk::new(&format!("seeds = [{{ users = [\"6500000000000000000000a1\"] }}]\n{PRIVACY}"));
    let run = |key: &str, words: &[&str]| desk.command(words).env("NOTEMILL_TEST_SALT", key).output().unwrap();
    // Made-up people are no exception: the tables of the sandbox are made as live ones are.
    for (key, told) in [("", "neither `NOTEMILL_TEST_SALT` nor"), ("fifteen-letters", "has less than 16 characters")] {
        for words in [&["run", "job.toml"][..], &["run", "job.toml", "--sandbox"]] {
            let output = run(key, words);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(stderr(&output).contains(told) && stderr(&output).contains("hint: "), "{output:?}");
            assert!(!desk.path("data/job").exists(), "{output:?}");
        }
    }
    assert!(matches!(run("sixteen-letters-", &["run", "job.toml", "--sandbox"]).status.code(), Some(0 | 3)));
    for words in [&["build", "job.toml"][..], &["forget", "job.toml", "--yes", "--note", "6500000000000000000000b1"]] {
        let output = run("", words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("neither `NOTEMILL_TEST_SALT` nor"), "{output:?}");
    }
    // A key may stand in a file.
    desk.write("salt", "0123456789abcdef-in-a-file\n");
    let mut build = desk.command(&["build", "job.toml"]);
    let output = build.env("NOTEMILL_TEST_SALT_FILE", desk.path("salt")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stderr(&output).contains("the key of the pseudonyms is another than before"), "{output:?}");
}
