//! Text from the network is data: it leaves no folder, moves no cursor, and says nothing to a terminal or a build server.
//!
//! A case is one hostile text, drawn, put at every place of an answer that holds text. Most cases go through the pure
//! functions; every tenth (and 250 at most) goes through a whole run of the binary, ten texts at a time.

use std::path::Path;

use jiff::Timestamp;
use notemill::flatten::flatten;
use notemill::model::Fill;
use notemill::model::{Answer, Billed, Body, Call, Money, NoteId, Outcome, Query, UserId, read_id, shown};
use notemill::report::{
    Change, ColumnFill, Drift, Ending, EndpointDrift, Finding, RunReport, SearchLine, Seen, Silent, Told, markdown,
    text,
};
use notemill::vendor::{builtin, read};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Draws, Promise, in_lanes};
use crate::cli::{Desk, files};
use crate::columns::texts;
use crate::hostile::{Act, Hostile, http};
use crate::scripted::{Asked, DETAIL, PROFILE, SEARCH, SPIDER};

pub(super) const PROMISE: Promise = Promise {
    name: "text is inert",
    shown_by: "hostile ids, names, titles, messages, codes, cursors, JSON keys and headers: controls, bidi marks, paths, \
               build servers' commands, half emoji, at every place of an answer",
    must_hold: "0 files elsewhere; 0 raw controls in outputs, logs, reports; 0 injected lines; kept as data",
    ci: 80,
    long: 100_000,
    show,
};

#[test]
fn text_is_inert() {
    PROMISE.hold();
}

/// Whole runs at most, and the texts in each.
const MOST_RUNS: u64 = 250;
const TEXTS_A_RUN: u64 = 10;

fn show(cases: u64) -> String {
    in_lanes(cases, |number| {
        let text = hostile(&mut Draws(number));
        through_the_reader(number, &text);
        through_the_report(number, &text);
    });
    let runs = (cases / TEXTS_A_RUN).clamp(1, MOST_RUNS);
    in_lanes(runs, through_a_run);
    format!("0 escapes, 0 raw controls, 0 injected lines, all kept as data ({runs} whole runs of {TEXTS_A_RUN} texts)")
}

const PIECES: &[&str] = &[
    "../",
    "..",
    ".",
    "/etc/passwd",
    "..\\",
    "%2F",
    "%00",
    "=",
    "published_month=2026-01",
    "__HIVE_DEFAULT_PARTITION__",
    "CON",
    "NUL",
    "aux.txt",
    "C:\\",
    "~",
    "$HOME",
    "`id`",
    "$(id)",
    ";",
    "'",
    "\"",
    "\\",
    "|",
    "*",
    "?",
    "<script>",
    "</td>",
    "&amp;",
    "[a](b)",
    "```",
    "\0",
    "\u{1b}[31m",
    "\u{1b}]0;t\u{7}",
    "\u{1b}]8;;http://e\u{1b}\\",
    "\u{7}",
    "\u{8}\u{8}\u{8}",
    "\u{7f}",
    "\u{9b}2J",
    "\u{85}",
    "\r",
    "\n",
    "\r\n",
    "\n::error::x",
    "\r\n::set-output name=a::b",
    "::add-mask::x",
    "##[error]x",
    "##vso[task.setvariable variable=a]b",
    "\n##[group]",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{61c}",
    "\u{ad}",
    "\u{e0041}",
    "\u{fff9}",
    "\u{fffd}",
    "\u{1f600}",
    "防晒霜",
    "é",
    "e\u{301}\u{301}\u{301}",
    "\u{fdfd}",
    "'; DROP TABLE tasks; --",
    "{\"a\":1}",
    "null",
    "NaN",
    "1e999",
    "-",
    "_",
    "a",
    "7",
];

/// Draws a text of pieces and of any characters, now and then a very long one.
fn hostile(draws: &mut Draws) -> String {
    let mut text = String::new();
    for _ in 0..=draws.below(6) {
        match draws.below(4) {
            0 => text.extend((0..=draws.below(5)).filter_map(|_| char::from_u32(draws.below(0x11_0000) as u32))),
            _ => text += PIECES[draws.below(PIECES.len() as u64) as usize],
        }
    }
    if draws.below(20) == 0 { text.repeat(1 + draws.below(400) as usize) } else { text }
}

/// Tells what no terminal, log or report may get.
fn is_raw(c: char) -> bool {
    let hidden = [0xad, 0x61c, 0x180e, 0xfeff];
    let ranges = [0x200b..=0x200f, 0x2028..=0x202e, 0x2060..=0x206f, 0xfff9..=0xfffb, 0xe_0000..=0xe_007f];
    c.is_control() || hidden.contains(&u32::from(c)) || ranges.iter().any(|range| range.contains(&u32::from(c)))
}

/// Fails if a text of several lines does anything but show itself.
fn is_inert(name: &str, place: &str, text: &str) {
    for line in text.split('\n') {
        assert!(!line.contains(is_raw), "{name}: {place}: {line:?}");
        let injects = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        assert!(!injects, "{name}: {place}: {line:?}");
    }
}

/// A note with a text at every place, and with an id of its own.
fn note(id: &str, text: &str) -> Value {
    json!({
        "id": id, "title": text, "desc": text, "type": text, "ip_location": text, "liked_count": text, "timestamp": text,
        "user": { "userid": "6500000000000000000000a1", "nickname": text, "images": text, "red_id": text },
        "images_list": [{ "fileid": text, "url": text, "width": text }], "share_info": { "link": text },
        "hash_tag": [{ "id": text, "name": text, "type": text }], "ats": [{ "user_id": text, "nickname": text }],
        "xsec_token": text, text: text
    })
}

fn profile(id: &str, text: &str) -> Value {
    json!({ "userid": id, "nickname": text, "desc": text, "location": text, "fans": text, "gender": text, "images": text,
            "tags": [{ "tag_type": text, "name": text }], text: text })
}

/// The text in an answer of each kind: what it becomes is data or nothing, and what is told of it is inert.
fn through_the_reader(number: u64, text: &str) {
    let name = format!("case {number}: {text:?}");
    // It never begins a line.
    is_inert(&name, "shown", &format!("of {}", shown(text, 80)));
    assert!(shown(text, 7).chars().count() <= 8, "{name}");
    if let Ok(Some(id)) = read_id(Some(&json!(text))) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!(id.len() <= 64 && id.chars().all(is_plain), "{name}: {id:?}");
    }
    let justoneapi = builtin("justoneapi").unwrap();
    let (note_id, user_id) = (NoteId::parse("n1").unwrap(), UserId::parse("6500000000000000000000a1").unwrap());
    let query = Query { keyword: "k".into(), ..Query::default() };
    let found = json!({ "items": [note("n1", text), note(text, text), { "model_type": text, "note": text }, text], text: text });
    let calls = [
        (Call::SearchNotes { query, page: 1 }, found.clone()),
        (Call::NoteDetail { note_id }, json!([{ "note_list": [note("n1", text)] }])),
        (Call::UserProfile { user_id: user_id.clone() }, profile("6500000000000000000000a1", text)),
        (
            Call::UserNotes { user_id, via: None, cursor: None, page: 1 },
            json!({ "notes": [note("n1", text)], "has_more": text }),
        ),
    ];
    for (call, data) in calls {
        let version = justoneapi.call(call.endpoint(), None).unwrap();
        for envelope in [
            json!({ "code": 0, "data": data }),
            json!({ "code": 400, "message": text, "data": data }),
            json!({ "code": text, "message": text, "data": data }),
            json!({ "code": 0, "data": { "code": text, "data": data } }),
            json!({ "code": 0, "data": { text: found } }),
            json!(text),
        ] {
            let body = half_emoji(number, envelope.to_string());
            let reading = read(&justoneapi, version, &call, 200, &body, Timestamp::UNIX_EPOCH);
            is_inert(&name, "the reason", reading.reason.as_deref().unwrap_or_default());
            let answer = Answer {
                run_id: "r".into(),
                call: call.clone(),
                vendor: "justoneapi".into(),
                sequence: 0,
                observed_at: Timestamp::UNIX_EPOCH,
                outcome: reading.outcome,
                vendor_code: reading.code,
                http_status: Some(200),
                attempts: 1,
                latency_ms: 1,
                billed: Billed::Yes,
                cost: Money::ZERO,
                seed: None,
                items_path: reading.page.items_path,
                admitted: None,
                body: Some(Body::Raw(body)),
            };
            let flat = flatten(&answer);
            flat.rejects.iter().for_each(|reject| is_inert(&name, "a reject", &reject.reason));
            for note in flat.notes.iter().filter(|note| answer.outcome == Outcome::Ok && note.note_id.as_str() == "n1")
            {
                let title = note.content.as_ref().and_then(|content| content.title.as_deref());
                assert_eq!(title, Some(text).filter(|text| !text.trim().is_empty()), "{name}: kept as data");
            }
        }
    }
}

/// Puts half an emoji, as vendors' writers do, beside the text in every third case: it must not cost the text.
fn half_emoji(number: u64, body: String) -> Vec<u8> {
    if number.is_multiple_of(3) {
        body.replacen('{', "{\"half\":\"\\ud83d\",", 1).into_bytes()
    } else {
        body.into_bytes()
    }
}

/// The text at every place of a run's report that a vendor has a word in.
fn through_the_report(number: u64, text: &str) {
    let name = format!("case {number}: {text:?}");
    let told = Told {
        given_up: [(text.to_owned(), 1)].into(),
        capped: [(text.to_owned(), 200)].into(),
        cut_short: [(text.to_owned(), 1)].into(),
        ..Told::default()
    };
    let report = RunReport {
        run: "20261122T100000Z".into(),
        job: "job".into(),
        origin: "live".into(),
        version: "0".into(),
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
        continued: false,
        ending: Ending {
            kind: "refused".into(),
            reason: format!("stopped: `v` refused the key ({text})"),
            exit_code: 5,
        },
        calls: Vec::new(),
        spent: notemill::report::Spent::default(),
        saved: notemill::report::Saved::default(),
        raw_dropped: 0,
        refresh: None,
        known: None,
        searches: vec![SearchLine { keyword: text.to_owned(), ended: text.to_owned(), ..SearchLine::default() }],
        silent: vec![Silent { keyword: text.to_owned(), search: None, before: 9, run: "r".into() }],
        this_run: None,
        in_total: None,
        no_notes: Some(text.to_owned()),
        rows: std::collections::BTreeMap::new(),
        new_notes: 0,
        snapshot_new_notes: None,
        changed_notes: 0,
        snapshot: None,
        told,
        drift: drift(text),
        read: None,
        next: None,
    };
    is_inert(&name, "the report", &self::text(&report));
    let page = markdown(&report);
    is_inert(&name, "the summary", &page);
    let lines = |page: &str| page.lines().count();
    let quiet = RunReport {
        told: Told {
            given_up: [("x".into(), 1)].into(),
            capped: [("x".into(), 1)].into(),
            cut_short: [("x".into(), 1)].into(),
            ..Told::default()
        },
        ..report
    };
    assert_eq!(lines(&page), lines(&markdown(&quiet)), "{name}: {page}");
}

/// Drift whose every word is the text.
fn drift(text: &str) -> Drift {
    let seen = Seen { answers: 1, of: 1, types: Vec::new() };
    let (before, now, own) = (seen.clone(), seen, text.to_owned());
    let finding = Finding { change: Change::Gone, path: own.clone(), below: 1, before, now, example: own.clone() };
    let findings = [Change::Gone, Change::Retyped, Change::New].map(|change| Finding { change, ..finding.clone() });
    let endpoint = EndpointDrift {
        endpoint: own.clone(),
        vendor: own.clone(),
        answers: 1,
        paths: 1,
        compared_with: Some(own.clone()),
        is_full: false,
        findings: findings.into(),
    };
    let (before, now) = (Fill { rows: 100, filled: 100 }, Fill { rows: 100, filled: 0 });
    let column = ColumnFill { table: own.clone(), column: own, before, now };
    Drift { paths: 3, endpoints: vec![endpoint], columns: vec![column] }
}

/// A whole run of the binary whose vendor writes hostile texts wherever it can.
fn through_a_run(run: u64) {
    let texts: Vec<String> = (0..TEXTS_A_RUN).map(|at| hostile(&mut Draws(run * TEXTS_A_RUN + at))).collect();
    let name = format!("run {run}: {texts:?}");
    let runtime = Runtime::new().unwrap();
    let own = texts.clone();
    let vendor = runtime.block_on(Hostile::start(move |asked| vec![Act::Send(answer(run, asked, &own))]));
    let desk = Desk::new(&format!(
        "seeds = [{{ keywords = [\"k\"], max_pages = 1 }}, {{ users = [\"6500000000000000000000a1\", \"6500000000000000000000a2\"] }}, {{ notes = [\"bad000000000000000000001\", \"bad000000000000000000002\", \"bad000000000000000000003\"] }}]\n\
         route = {{ user_notes = \"{}\" }}\n[vendors.justoneapi]\nbase_url = \"{url}\"\n[vendors.spiderhubs]\nbase_url = \"{url}\"\n",
        ["justoneapi", "spiderhubs"][(run % 2) as usize],
        url = vendor.base_url()
    ));
    let format = ["text", "json"][(run % 2) as usize];
    let words = ["run", "job.toml", "--dataset", "a/b/c", "-vvv", "--log-format", format, "--summary", "summary.md"];
    let output = desk
        .command(&words)
        .env("SPIDERHUBS_TOKEN", "x")
        .env("GITHUB_STEP_SUMMARY", desk.path("step.md"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{name}: {output:?}");
    let status = desk.run(&["status", "a/b/c"]);
    for (place, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr), ("status", &status.stdout)] {
        is_inert(&name, place, std::str::from_utf8(bytes).unwrap());
    }
    for line in String::from_utf8_lossy(&output.stderr).lines().filter(|line| format == "json" && line.starts_with('{'))
    {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{name}: {line}");
    }
    look_at_files(&name, &desk);
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let kept = crate::columns::texts(&desk.path("a/b/c/latest/notes"));
        assert!(kept.iter().any(|cell| cell.column == "title" && cell.text == *text), "{name}: {text:?} is not kept");
    }
}

/// Fails if a file lies outside the dataset, has an odd name, or tells anything raw where people read it.
fn look_at_files(name: &str, desk: &Desk) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./".contains(c);
    for file in files(desk.folder.path()) {
        let inside = file.strip_prefix(desk.folder.path()).unwrap().to_owned();
        let known = inside.starts_with("a/b/c")
            || ["job.toml", "summary.md", "step.md"].iter().any(|own| inside == Path::new(own));
        assert!(known && inside.to_str().unwrap().chars().all(is_plain), "{name}: {}", inside.display());
        if file.extension().is_some_and(|ending| ending == "md" || ending == "json") {
            is_inert(name, &inside.display().to_string(), &std::fs::read_to_string(&file).unwrap());
        }
    }
    for cell in texts(&desk.path("a/b/c/latest")).iter().filter(|cell| cell.column == "reason") {
        is_inert(name, "a reject", &cell.text);
    }
}

/// What the vendor answers: the texts in notes, names, messages, codes and headers.
fn answer(run: u64, asked: &Asked, texts: &[String]) -> Vec<u8> {
    let of = |id: &str| &texts[id.bytes().map(usize::from).sum::<usize>() % texts.len()];
    let numbered = |from: &str| -> Vec<Value> {
        let notes =
            texts.iter().enumerate().flat_map(|(at, text)| [note(&format!("{from}{at}"), text), note(text, text)]);
        notes.chain([json!(texts[0]), json!({ "model_type": texts[1], &texts[2]: 1 })]).collect()
    };
    let id = asked.params.get("noteId").or(asked.params.get("userId")).map_or("", String::as_str);
    let (mut code, mut status) = (0, 200);
    let data = match asked.what.as_str() {
        SEARCH => json!({ "items": numbered("n"), &texts[3]: &texts[4] }),
        DETAIL if id.starts_with("bad") => {
            (code, status) = (400, 400);
            json!(of(id))
        }
        DETAIL => json!([{ "note_list": [note(id, &texts[id[1..].parse::<usize>().unwrap_or(0) % texts.len()])] }]),
        PROFILE => profile(id, of(id)),
        SPIDER => {
            code = 200;
            json!({ "code": 0, "data": { "notes": numbered("n"), "cursor": texts[5], "has_more": false } })
        }
        _ => json!({ "notes": numbered("n"), "has_more": asked.before == 0 && asked.param("lastCursor").is_empty() }),
    };
    let message = texts[(run as usize + id.len() + usize::from(id.ends_with('2'))) % texts.len()].clone();
    let body = json!({ "code": code, "message": message, "data": data, &texts[6]: texts[7] });
    // A header with ASCII controls is no HTTP.
    let header: String = texts[8].chars().filter(|c| !c.is_ascii_control()).take(2000).collect();
    http(status, &[("x-odd", &header), ("server", &header)], &half_emoji(run, body.to_string()))
}
