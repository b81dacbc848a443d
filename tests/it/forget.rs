//! `notemill forget`, as a person sees it, and what the next runs make of it.

use serde_json::{Value, json};

use crate::cli::{Desk, files};
use crate::scripted::{DETAIL, SEARCH, Scripted, full, note_id, ok};

const JOB: &str = "name = \"small\"\nseeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 5 }]\n";

/// The notes of a dataset with their authors, from the state's own pages.
fn shown(desk: &Desk) -> Vec<(String, String)> {
    let mut state = notemill::state::State::open(&desk.path("data/small")).unwrap();
    let mut shown = Vec::new();
    let turn = state.turn().unwrap();
    turn.every_page(|_, page| {
        let page: Value = serde_json::from_str(page).unwrap();
        for note in page["notes"].as_array().unwrap() {
            shown.push((note["id"].as_str().unwrap().to_owned(), note["author"].as_str().unwrap().to_owned()));
        }
    })
    .unwrap();
    shown
}

#[test]
fn what_was_taken_out_is_told_without_ids() {
    let desk = Desk::new(JOB);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    let (note, user) = shown(&desk).remove(0);
    let output = desk.run(&["forget", "job.toml", "--note", &note, "nobodys-note", "--user", &user]);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(![&note, &user].iter().any(|id| stdout.contains(*id) || stderr.contains(*id)));
    insta::assert_snapshot!(stdout);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));

    // Twice is as once.
    let output = desk.run(&["forget", "job.toml", "--json", "--note", &note]);
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&facts["answers"], &facts["segments"], &facts["snapshots"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);
}

#[test]
fn what_names_no_id_is_usage() {
    let desk = Desk::new(JOB);
    for words in
        [&["forget", "job.toml"][..], &["forget", "job.toml", "--note", "a/b"], &["forget", "job.toml", "--note", "n"]]
    {
        assert_eq!(desk.code(words), 2, "{words:?}");
    }
}

#[test]
fn a_list_that_cannot_be_read_stops_everything_before_anything_is_asked() {
    let desk = Desk::new(JOB);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    desk.write("data/small/forgotten.json", "{");
    for verb in ["run", "build"] {
        let mut words = vec![verb, "job.toml"];
        words.extend((verb == "run").then_some("--sandbox"));
        let output = desk.run(&words);
        assert_eq!(output.status.code(), Some(6));
        assert!(String::from_utf8_lossy(&output.stderr).contains("forgotten.json`, is damaged"), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_turns_out_to_be_by_a_forgotten_user_is_paid_for_once_and_kept_nowhere() {
    let (known, hidden) = (note_id(1, 1_700_000_000), note_id(2, 1_700_000_000));
    let shown = [known.clone(), hidden.clone()];
    let author = {
        let hidden = hidden.clone();
        move |id: &str| if id == hidden { "user-who-is-gone" } else { "u1" }
    };
    let vendor = Scripted::start(move |asked| match asked.what.as_str() {
        // The search does not say who wrote what.
        SEARCH => ok(json!({ "items": shown.clone().map(|id| json!({ "id": id, "title": "t", "liked_count": 1 })) })),
        DETAIL => {
            let id = asked.param("noteId");
            let user = json!({ "userid": author(id), "nickname": "n" });
            ok(json!([{ "note_list": [{ "id": id, "title": "t", "type": "normal", "user": user }] }]))
        }
        _ => full(asked),
    })
    .await;
    let job = |seeds: &str| {
        format!(
            "name = \"small\"\n{seeds}\nrefresh = {{ details = \"always\" }}\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
            vendor.base_url
        )
    };
    let desk = Desk::new(&job(&format!("seeds = [{{ notes = [\"{known}\"] }}]")));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    assert_eq!(desk.code(&["forget", "job.toml", "--user", "user-who-is-gone"]), 0);
    desk.write("job.toml", &job("seeds = [{ keywords = [\"k\"], max_pages = 1 }]"));
    let asked = |id: &str| vendor.lines().iter().filter(|line| line.contains(id)).count();
    for _ in 0..2 {
        let before = asked(&known);
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
        assert_eq!(asked(&known), before + 1);
        assert_eq!(asked(&hidden), 1, "nobody could know before");
        assert_eq!(asked("user-who-is-gone"), 0);
        let status: Value = serde_json::from_slice(&desk.run(&["status", "job.toml", "--json"]).stdout).unwrap();
        assert_eq!(status["rows"]["notes"], 1);
        for path in files(&desk.path("data")) {
            let bytes = std::fs::read(&path).unwrap();
            assert!(memchr::memmem::find(&bytes, hidden.as_bytes()).is_none(), "{}", path.display());
        }
    }
}
