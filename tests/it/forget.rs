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
    let output =
        desk.run(&["forget", "job.toml", "--yes", "--note", &note, "6500000000000000000000b9", "--user", &user]);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(![&note, &user].iter().any(|id| stdout.contains(*id) || stderr.contains(*id)));
    insta::assert_snapshot!(stdout);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));

    // Twice is as once.
    let output = desk.run(&["forget", "job.toml", "--yes", "--json", "--note", &note]);
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&facts["answers"], &facts["segments"], &facts["snapshots"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!((&facts["again"], &facts["unknown"]), (&json!(1), &json!(0)));
    for yes in [&[][..], &["--yes"]] {
        let words = ["forget", "job.toml", "--note", &note, "6500000000000000000000b8", "--user", &user];
        let output = desk.run(&[&words[..], yes].concat());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("  unknown    1: no call asked for them"), "{told}");
        assert!(told.contains("  again      2: forgotten before\n"), "{told}");
    }
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);
}

#[test]
fn what_would_go_is_shown_first_and_without_an_answer_nothing_does() {
    let desk = Desk::new(JOB);
    for _ in 0..2 {
        assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    }
    let before: Vec<_> =
        files(&desk.path("data/small/snapshots")).into_iter().map(|path| std::fs::read(path).unwrap()).collect();
    let (note, user) = shown(&desk).remove(0);
    let words = ["forget", "job.toml", "--note", &note, "6500000000000000000000b9", "--user", &user];
    let output = desk.run(&words);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(![&note, &user].iter().any(|id| stdout.contains(*id) || stderr.contains(*id)));
    insta::assert_snapshot!(stdout);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr,
        "error: nobody is there to be asked, and nothing was changed\nhint: add `--yes` to forget them for good\n"
    );
    let after: Vec<_> =
        files(&desk.path("data/small/snapshots")).into_iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(before == after && !desk.path("data/small/forgotten.json").exists());

    // A program gets the result alone on stdout.
    let output = desk.run(&[&words[..], &["--json"]].concat());
    assert!(
        output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).starts_with("to forget: "),
        "{output:?}"
    );

    // What was shown is what goes.
    let rows = |text: &str| -> Vec<(String, u64)> {
        let words = text.lines().filter(|line| line.contains("rows out of")).map(|line| line.split_whitespace());
        words
            .map(|mut words| (words.clone().last().unwrap().to_owned(), words.next().unwrap().parse().unwrap()))
            .collect()
    };
    let foreseen: Vec<(String, u64)> = stdout
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let [table, _, all] = cells[..] else { return None };
            Some((table.to_owned(), all.parse().ok()?))
        })
        .collect();
    let output = desk.run(&[&words[..], &["--yes"]].concat());
    assert_eq!((output.status.code(), rows(&String::from_utf8(output.stdout).unwrap())), (Some(0), foreseen));
}

#[test]
fn addresses_are_taken_as_seeds_take_them() {
    let desk = Desk::new(JOB);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    let all = shown(&desk);
    let (note, (_, user)) = (&all[0].0, &all[1]);
    let note = format!("看看 https://www.xiaohongshu.com/discovery/item/{note}?xsec_token=AB= ，");
    let user = format!("https://www.rednote.com/user/profile/{}", user.to_uppercase());
    let output = desk.run(&["forget", "job.toml", "--yes", "--json", "--note", &note, "--user", &user]);
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&facts["notes"], &facts["users"], &facts["unknown"]), (&json!(1), &json!(1), &json!(0)));
    assert!(facts["rows"]["notes"].as_u64() >= Some(2), "{facts}");
}

#[test]
fn what_names_no_id_is_usage_and_says_what_to_do() {
    let desk = Desk::new(JOB);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    assert_eq!(desk.code(&["forget", "job.toml"]), 2);
    for (key, text, why, advice) in [
        ("--note", "a/b", "is not a note's address", "explore/"),
        ("--note", "n", "is not a note id", "explore/"),
        (
            "--note",
            "https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6",
            "the address of a user, not of a note",
            "name it with `--user`",
        ),
        (
            "--user",
            "https://www.xiaohongshu.com/explore/698ab064000000001503876d",
            "the address of a note, not of a user",
            "name it with `--note`",
        ),
        ("--note", "http://xhslink.com/o/AbC", "is a short link", "open it in a browser"),
        ("--user", "123456789", "looks like a red_id", "user/profile/"),
        ("--user", "some_red_id", "a red_id (小红书号) or nickname cannot be asked for", "user/profile/"),
    ] {
        let output = desk.run(&["forget", "job.toml", "--yes", key, text]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}: {told}");
        assert!(told.contains(why) && told.contains(advice) && told.contains("nothing was changed"), "{text}: {told}");
    }
    assert!(!desk.path("data/small/forgotten.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_form_is_taken_if_the_dataset_has_it_just_so() {
    let vendor = Scripted::start(full).await;
    let desk = Desk::new(&format!(
        "name = \"small\"\nseeds = [{{ notes = [\"{}\"] }}]\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
        note_id(1, 1_700_000_000),
        vendor.base_url
    ));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    assert_eq!(desk.code(&["forget", "job.toml", "--yes", "--user", "u"]), 2);
    assert_eq!(desk.code(&["forget", "job.toml", "--yes", "--user", "u1"]), 0);
    let status: Value = serde_json::from_slice(&desk.run(&["status", "job.toml", "--json"]).stdout).unwrap();
    assert_eq!(status["rows"]["notes"], 0);
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
        move |id: &str| if id == hidden { "6500000000000000000000a9" } else { "u1" }
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
    assert_eq!(desk.code(&["forget", "job.toml", "-y", "--user", "6500000000000000000000a9"]), 0);
    desk.write("job.toml", &job("seeds = [{ keywords = [\"k\"], max_pages = 1 }]"));
    let asked = |id: &str| vendor.lines().iter().filter(|line| line.contains(id)).count();
    for _ in 0..2 {
        let before = asked(&known);
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
        assert_eq!(asked(&known), before + 1);
        assert_eq!(asked(&hidden), 1, "nobody could know before");
        assert_eq!(asked("6500000000000000000000a9"), 0);
        let status: Value = serde_json::from_slice(&desk.run(&["status", "job.toml", "--json"]).stdout).unwrap();
        assert_eq!(status["rows"]["notes"], 1);
        for path in files(&desk.path("data")) {
            let bytes = std::fs::read(&path).unwrap();
            assert!(memchr::memmem::find(&bytes, hidden.as_bytes()).is_none(), "{}", path.display());
        }
    }
}
