//! Keys in a job file: refused, and in no message, no source and no debug output.

use super::bad;
use crate::job::Problems;

const KEYS: [&str; 5] = [
    "sk_live_Canary0123456789",
    "A1b2C3d4E5f6G7h8I9j0K1l2",
    "hunter2",
    "aBcDeFgHiJkLmNoPqRsTuVwXyZ",
    "c4n4ry-with-d4shes",
];

fn assert_hidden(problems: &Problems, key: &str) {
    let shown = format!("{problems:?} {problems:#?} {problems}");
    assert!(!shown.contains(key), "{problems:#?}");
}

/// Wraps a key as a job file might hold it.
fn files(key: &str) -> Vec<String> {
    let seed = "[[seeds]]\nkeywords = [\"a\"]\n";
    let mut files: Vec<String> =
        ["token", "key", "api_key", "apiKey", "secret", "password", "authorization", "Authorization", "access-token"]
            .iter()
            .map(|name| format!("{seed}[vendors.justoneapi]\n{name} = \"{key}\"\n"))
            .collect();
    let others = [
        format!("{seed}[vendors.justoneapi]\ntoken_env = \"{key}!\"\n"),
        format!("{seed}[vendors]\njustoneapi = {{ regio = \"x\", token = \"{key}\", timeout = 3 }}\n"),
        format!("{seed}[vendor.justoneapi]\ntoken = \"{key}\"\n"),
        format!("{seed}vendor = {{ justoneapi = {{ token = \"{key}\" }} }}\n"),
        format!("token = \"{key}\"\n{seed}"),
        format!("{seed}[vendors]\ntoken = \"{key}\"\n"),
        format!("{seed}[vendors.justoneapi]\ntoken = \"\"\"\n{key}\"\"\"\n"),
        format!("{seed}[vendors.justoneapi.token]\nvalue = [\"{key}\"]\n"),
        format!("{seed}[vendors.justoneapi]\nheaders = {{ authorization = \"Bearer {key}\" }}\n"),
        format!("{seed}[vendors.justoneapi]\nbase_url = \"https://api.example.com/?token={key}\"\n"),
        format!("{seed}[vendors.justoneapi]\nbase_url = \"https://u:{key}@api.example.com\"\n"),
        format!("{seed}[state]\npostgres_env = \"postgres://u:{key}@db/x\"\n"),
        format!("{seed}[privacy]\npseudonymize_key_env = \"{key}?\"\n"),
        format!("colour = 1\n{seed}[vendors.justoneapi]\n# token = \"{key}\"\nregion = \"cn\" # or token {key}\n"),
        // No TOML at all.
        format!("{seed}[vendors.justoneapi]\ntoken = {key}!\n"),
        format!("{seed}[vendors.justoneapi]\ntoken: \"{key}\"\n"),
        format!("{seed}[vendors.justoneapi]\ntoken = \"{key}\nregion = \"cn\"\n"),
        format!("{seed}[vendors.justoneapi\ntoken_env = \"{key}\"\n"),
    ];
    files.extend(others);
    files
}

#[test]
fn a_literal_key_is_refused_and_never_repeated() {
    for key in KEYS {
        for text in files(key) {
            let problems = bad(&text);
            assert_hidden(&problems, key);
        }
    }
}

#[test]
fn the_message_says_where_keys_are_read_from() {
    let problems = bad("[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\ntoken = \"hunter2\"\n").problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "line 4: `token` would hold a key in the job file");
    assert!(problems[0].hint.as_ref().is_some_and(|hint| hint.contains("read from the environment")));
    assert_eq!(problems[0].span, None);
}

#[test]
fn what_looks_like_a_key_is_refused_wherever_it_stands_in_a_vendor() {
    let key = "A1b2C3d4E5f6G7h8I9j0K1l2";
    for line in [
        format!("region = \"{key}\""),
        format!("token_env = \"{key}\""),
        format!("timeout = \"{key}\""),
        format!("tokn = \"{key}\""),
        format!("version = {{ search_notes = \"{key}\" }}"),
        format!("price = {{ search_notes = \"{key}\" }}"),
        format!("base_url = \"{key}\""),
    ] {
        let problems = bad(&format!("[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\n{line}\n"));
        assert_hidden(&problems, key);
    }
}

#[test]
fn other_problems_keep_their_lines() {
    let text = "nme = 1\n[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\ntoken = \"hunter2\"\n";
    let problems = bad(text);
    let (file, shown) = &problems.sources[0];
    assert_eq!((file.as_str(), shown.len()), ("job.toml", text.len()));
    assert_eq!(shown.replace("*********", "\"hunter2\""), text);
    assert_eq!(problems.problems.len(), 2);
}

#[test]
fn names_that_only_sound_like_keys_are_fine() {
    super::good(
        "[[seeds]]\nkeywords = [\"token\", \"sk_live_abc\"]\n[[seeds]]\nnotes = [\"698ab064000000001503876d\"]\n\
         [vendors.justoneapi]\ntoken_env = \"my_key_2\"\n",
    );
}
