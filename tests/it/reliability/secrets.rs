//! The key stays in, whatever the vendor does with it.
//!
//! A vendor gets a key and gives it back: in one of its encodings, at one place of an answer, in one kind of answer. Then
//! the key is looked for in six encodings, in every output and in every file, raw and decoded.

use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use notemill::archive;
use notemill::crawl::{Begin, Ended, is_cut_short};
use notemill::dataset::{self, Effort, Layout, Origin};
use notemill::disk::Disk;
use notemill::flatten::Recipe;
use notemill::state::State;
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Draws, Promise, in_lanes};
use crate::cli::{Desk, files};
use crate::columns::texts;
use crate::hostile::{Act, Hostile, chunks, http};
use crate::scripted::{Asked, DETAIL, PROFILE, SEARCH, SPIDER, listed};
use crate::support::{World, hasty};

pub(super) const PROMISE: Promise = Promise {
    name: "the key stays in",
    shown_by: "a vendor echoes a canary key in its encodings, in bodies, messages, codes, cursors, names, headers, HTML, \
               redirects, broken answers; key files and job files with keys; all outputs and files searched",
    must_hold: "0 hits in 6 encodings, raw and decoded; 0 bytes to a second server",
    ci: 60,
    long: 1_000,
    show,
};

#[test]
fn the_key_stays_in() {
    PROMISE.hold();
}

/// A key of characters that change under every encoding.
const KEY: &str = "nm/Canary+Key=7f&x\"9\\Zq%2";

fn show(cases: u64) -> String {
    in_lanes(cases, |number| {
        let runtime = Runtime::new().unwrap();
        match number % 6 {
            0 => a_key_at_home(number),
            1 | 2 => runtime.block_on(as_a_person(number)),
            _ => runtime.block_on(in_process(number)),
        }
    });
    format!("0 hits in {} forms of the key; 0 bytes elsewhere", forms(KEY).len())
}

/// The key in every encoding that is looked for.
fn forms(key: &str) -> Vec<(&'static str, String)> {
    let each = |word: &dyn Fn(u8) -> String| key.bytes().map(word).collect::<String>();
    let percent = |byte: u8, upper: bool| match byte {
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    let json = serde_json::to_string(key).unwrap().trim_matches('"').to_owned();
    let mut forms = vec![
        ("plain", key.to_owned()),
        ("url", each(&|byte| percent(byte, true))),
        ("url", each(&|byte| percent(byte, false))),
        ("url", url::form_urlencoded::byte_serialize(key.as_bytes()).collect()),
        ("json", json.clone()),
        ("json", json.replace('/', "\\/")),
        ("json", each(&|byte| format!("\\u{byte:04x}"))),
        ("reversed", key.chars().rev().collect()),
        ("hex", each(&|byte| format!("{byte:02x}"))),
        ("hex", each(&|byte| format!("{byte:02X}"))),
    ];
    for before in 0..3 {
        let padded = [vec![0; before], key.as_bytes().to_vec()].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let end = text.len() - usize::from(padded.len() % 3 != 0);
            forms.push(("base64", text[[0, 2, 3][before]..end].to_owned()));
        }
    }
    forms
}

/// Fails if some bytes hold the key in any form.
fn search(name: &str, place: &str, bytes: &[u8]) {
    for (encoding, form) in forms(KEY) {
        if let Some(at) = memmem::find(bytes, form.as_bytes()) {
            let from = at.saturating_sub(60);
            let around = String::from_utf8_lossy(&bytes[from..(at + form.len()).min(bytes.len())]).into_owned();
            panic!("{name}: {place} holds the key ({encoding}): …{around:?}");
        }
    }
}

/// Searches every file under a folder, as it is and decoded.
fn search_files(name: &str, folder: &std::path::Path) {
    for file in files(folder) {
        search(name, &file.display().to_string(), &std::fs::read(&file).unwrap());
    }
    for cell in texts(folder) {
        search(name, &format!("{}, {}", cell.file.display(), cell.column), cell.text.as_bytes());
    }
}

fn search_output(name: &str, output: &Output) {
    search(name, "stdout", &output.stdout);
    search(name, "stderr", &output.stderr);
}

/// Answers that are final at once, and those that are asked for again.
const FINAL: &[&str] =
    &["field", "name", "id", "title", "message", "page", "cursor", "header", "path", "stop", "refuse", "chunks"];
const AGAIN: &[&str] =
    &["code", "html", "redirect", "retry-after", "cut", "cut in the key", "bytes", "status line", "inner"];

/// One answer that echoes the key.
fn echo(asked: &Asked, place: &str, form: &str, elsewhere: &str, draws: &mut Draws) -> Vec<Act> {
    let in_json = |text: &str| serde_json::to_string(text).unwrap();
    // As the vendor's JSON writer would write it; what is escaped already stays as it is.
    let word = if form.contains('\\') && !form.contains(KEY) { format!("\"{form}\"") } else { in_json(form) };
    let (code, is_spider) = if asked.what == SPIDER { (200, true) } else { (0, false) };
    let wrap = |data: String| format!("{{\"code\":{code},\"trace\":{word},\"message\":{word},\"data\":{data}}}");
    let id = ["noteId", "userId", "user_id", "keyword"].iter().find_map(|name| asked.params.get(*name)).unwrap();
    let note = |more: &str| {
        format!("{{\"id\":\"of-{id}\",\"likes\":1,\"user\":{{\"userid\":\"u1\",\"nickname\":{word}}}{more}}}")
    };
    let data = |more: &str| match asked.what.as_str() {
        SEARCH => format!("{{\"items\":[{}]}}", note(more)),
        DETAIL => format!("[{{\"note_list\":[{}]}}]", note(more).replace("of-", "")),
        PROFILE => format!("{{\"userid\":\"{id}\",\"nickname\":{word},\"desc\":{word}{more}}}"),
        _ => format!(
            "{{\"notes\":[{}],\"cursor\":{word},\"has_more\":{}}}",
            note(&format!("{more},\"cursor\":{word}")),
            place == "cursor"
        ),
    };
    let data = |more: &str| if is_spider { format!("{{\"code\":0,\"data\":{}}}", data(more)) } else { data(more) };
    let ok = |more: &str| wrap(data(more));
    let send =
        |status: u16, headers: &[(&str, &str)], body: &str| vec![Act::Send(http(status, headers, body.as_bytes()))];
    let refusal = |code: i64| format!("{{\"code\":{code},\"message\":{word},\"data\":{{\"token\":{word}}}}}");
    // A line break in a header would be another header.
    let html = format!("<html><title>{form}</title><a href=\"/?token={form}\">again</a></html>");
    match place {
        "field" => send(200, &[], &ok(&format!(",\"odd\":{{\"deep\":[{word}]}}"))),
        "name" => send(200, &[], &ok(&format!(",{word}:{word}"))),
        "id" => send(200, &[], &ok("").replace(&format!("\"of-{id}\""), &word)),
        "title" => send(
            200,
            &[],
            &ok(&format!(
                ",\"title\":{word},\"desc\":{word},\"share_info\":{{\"link\":{word}}},\"hash_tag\":[{{\"name\":{word}}}]"
            )),
        ),
        "page" => send(200, &[], &format!("{{\"code\":{code},\"data\":{{{word}:{{\"list\":{}}}}}}}", data(""))),
        "cursor" => send(200, &[], &ok("")),
        "header" => send(200, &[("set-cookie", form), ("x-trace", form), ("server", form)], &ok("")),
        "path" => send(404, &[], &html),
        "message" => send(400, &[], &refusal(400)),
        "stop" => send(402, &[], &refusal(if is_spider { 402 } else { 601 })),
        "refuse" => send(401, &[("www-authenticate", form)], &refusal(if is_spider { 401 } else { 100 })),
        "chunks" => {
            let body = ok(&format!(",\"title\":{word}"));
            let size = 1 + draws.below(9) as usize;
            let pieces = chunks(body.as_bytes(), size, "0\r\n\r\n");
            vec![Act::Send(http(200, &[("transfer-encoding", "chunked")], &pieces))]
        }
        "code" => send(200, &[], &format!("{{\"code\":{word},\"message\":{word}}}")),
        "inner" => send(200, &[], &format!("{{\"code\":{code},\"data\":{{\"code\":{word},\"data\":{word}}}}}")),
        "html" => send([200, 500, 502][draws.below(3) as usize], &[], &html),
        "redirect" => {
            let away = format!("http://{elsewhere}/?token={form}");
            send(302, &[("location", &away), ("refresh", &format!("0; url={away}"))], &html)
        }
        "retry-after" => send(429, &[("retry-after", form)], &refusal(777)),
        "cut" => {
            let body = ok(&format!(",\"title\":{word}"));
            let end = body.len() - 1 - draws.below(20) as usize;
            let body = &body.as_bytes()[..end];
            vec![Act::Send(http(200, &[("connection", "close")], body)), Act::Close]
        }
        "cut in the key" => {
            let end = form.len().saturating_sub(1 + draws.below(3) as usize);
            let body = format!("{{\"code\":{code},\"data\":{{\"token\":\"{}", &form[..end]);
            vec![Act::Send(http(200, &[("connection", "close")], body.as_bytes())), Act::Close]
        }
        "bytes" => vec![Act::Send(http(200, &[], &[&[0xff, 0xfe, 0, 0x80][..], form.as_bytes(), &[0xc0]].concat()))],
        "status line" => vec![Act::Send(format!("HTTP/1.1 200 {form}\r\n{form}\r\n\r\n").into_bytes()), Act::Close],
        other => panic!("no place {other}"),
    }
}

/// What is drawn for a case: the vendor, its echo and where else it leads.
async fn vendor(number: u64, places: &'static [&'static str]) -> (String, String, Hostile, Hostile) {
    let mut draws = Draws(number);
    let place = places[draws.below(places.len() as u64) as usize];
    let all = forms(KEY);
    let (encoding, form) = all[draws.below(all.len() as u64) as usize].clone();
    // Base64 of more than the key, as an echoed request would be.
    let form = if encoding == "base64" {
        STANDARD_NO_PAD.encode(format!("{}token={KEY}", "x".repeat(draws.below(3) as usize)))
    } else {
        form
    };
    let form = if draws.below(4) == 0 && place != "code" {
        serde_json::to_string(&form).unwrap().trim_matches('"').to_owned()
    } else {
        form
    };
    let route = ["justoneapi", "spiderhubs"][draws.below(2) as usize];
    let name = format!("case {number}: {encoding} in {place}, users' notes of {route}");
    let elsewhere = Hostile::start(|_| vec![Act::Close]).await;
    let away = elsewhere.address.clone();
    let script = move |asked: &Asked| echo(asked, place, &form, &away, &mut Draws(number));
    let vendor = Hostile::start(move |asked| if asked.before < 6 { script(asked) } else { vec![Act::Close] }).await;
    let job = format!(
        "seeds = [{{ keywords = [\"k1\"], max_pages = 1 }}, {{ users = [\"6500000000000000000000a7\"] }}, {{ notes = [\"6500000000000000000000b1\"] }}]\n\
         route = {{ user_notes = \"{route}\" }}\n"
    );
    (name, job, vendor, elsewhere)
}

/// A run without its real delays, then its tables.
async fn in_process(number: u64) {
    let places = if number % 6 == 5 { FINAL } else { AGAIN };
    let (name, job, vendor, elsewhere) = vendor(number, places).await;
    let world = World { key: KEY.to_owned(), ..World::new(&vendor.base_url()) };
    let patience =
        notemill::fetch::retry::Patience { longest_throttle: std::time::Duration::from_millis(50), ..hasty() };
    let ended = world.run_with(&world.job(&job), Begin::Continue, patience).await;
    search(&name, "the end", format!("{ended:?}").as_bytes());
    let folder = world.dataset().join("data");
    let mut state = State::open(&folder).unwrap();
    let sealed = archive::segments(&mut state).unwrap();
    let (disk, layout, recipe) = (Disk::machine(), Layout::default(), Recipe::default());
    dataset::build(&sealed, &disk, &folder, &layout, &recipe, Origin::Live, Effort::default()).unwrap();
    let turn = state.turn().unwrap();
    let run = turn.latest_run().unwrap().unwrap().id;
    search(&name, "the report", format!("{:?} {:?}", turn.given_up(&run), turn.walk_summaries(&run)).as_bytes());
    drop(turn);
    // Once with the state open and its log beside it, once without.
    search_files(&name, world.dataset());
    drop(state);
    search_files(&name, world.dataset());
    search(&name, "a later request", vendor.lines().join("\n").as_bytes());
    assert!(!vendor.lines().is_empty() && elsewhere.connections() == 0, "{name}: something went to another server");
}

/// A run of the binary, with all that it says.
async fn as_a_person(number: u64) {
    let (name, job, vendor, elsewhere) = vendor(number, FINAL).await;
    let address = vendor.base_url();
    let output = tokio::task::spawn_blocking(move || {
        let desk = Desk::new(&format!(
            "{job}[vendors.justoneapi]\nbase_url = \"{address}\"\n[vendors.spiderhubs]\nbase_url = \"{address}\"\n"
        ));
        desk.write("key.txt", &format!("{KEY}\r\n"));
        let format = ["text", "json"][(number / 6 % 2) as usize];
        let mut command = desk.command(&["run", "job.toml", "-vvv", "--log-format", format, "--summary", "summary.md"]);
        command.env("RUST_LOG", "trace").env("SPIDERHUBS_TOKEN", KEY);
        if number.is_multiple_of(2) {
            command.env("JUSTONEAPI_TOKEN", KEY);
        } else {
            command.env_remove("JUSTONEAPI_TOKEN").env("JUSTONEAPI_TOKEN_FILE", desk.path("key.txt"));
        }
        let mut child =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        if let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", child.id())) {
            search(&name, "the process list", &line);
        }
        let _ = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        search_output(&name, &output);
        std::fs::remove_file(desk.path("key.txt")).unwrap();
        for words in [&["status", "job.toml"][..], &["status", "job.toml", "--json"], &["build", "job.toml", "-vvv"]] {
            search_output(&name, &desk.run(words));
        }
        search_files(&name, desk.folder.path());
        assert!(matches!(output.status.code(), Some(0 | 3 | 4 | 5)), "{name}: {output:?}");
        output
    })
    .await
    .unwrap();
    assert!(!vendor.lines().is_empty() && elsewhere.connections() == 0, "{output:?}");
}

/// A key where it should not be, or in a file that is wrong: refused, and not repeated.
fn a_key_at_home(number: u64) {
    let mut draws = Draws(number);
    let plain = format!("nm7Canary8Key9{:08x}Zq", draws.below(1 << 32));
    let seeds = "seeds = [{ notes = [\"6500000000000000000000b1\"] }]\n";
    let block = "[vendors.justoneapi]\nbase_url = \"http://127.0.0.1:9\"\n";
    let places = [
        format!("{seeds}{block}token = \"{plain}\"\n"),
        format!("{seeds}{block}token_env = \"{plain}\"\n"),
        format!("{seeds}{block}api_key = \"{plain}\"\n"),
        format!("{seeds}{block}# token = \"{plain}\"\nconcurrency = \"many\"\n"),
        format!("{seeds}[vendors.justoneapi]\nbase_url = \"http://127.0.0.1:9/?token={plain}\"\n"),
        format!("{seeds}[vendors.justoneapi]\nbase_url = \"http://user:{plain}@127.0.0.1:9\"\n"),
        format!("{seeds}{block}Authorization = \"Bearer {plain}\"\n"),
        format!("token = {plain}\n{seeds}"),
        format!("{seeds}{block}region = \"{plain}\"\n"),
    ];
    let holds = |bytes: &[u8]| memmem::find(bytes, plain.as_bytes()).is_some();
    let job = &places[draws.below(places.len() as u64) as usize];
    let desk = Desk::new(job);
    for words in [&["check", "job.toml"][..], &["run", "job.toml", "-vvv"], &["check", "job.toml", "--json"]] {
        let output = desk.run(words);
        assert_eq!(output.status.code(), Some(2), "case {number}: {job}: {output:?}");
        assert!(!holds(&output.stdout) && !holds(&output.stderr), "case {number}: {job}: {output:?}");
    }
    // A file that holds no key, or is none.
    let desk = Desk::new(&format!("{seeds}{block}"));
    let bad = [format!("{plain}\n{plain}\n"), format!("{plain} é\n"), String::new(), " \n".into()];
    desk.write("key.txt", &bad[draws.below(4) as usize]);
    for path in ["key.txt", "nowhere.txt", "."] {
        let mut command = desk.command(&["run", "job.toml", "-vvv"]);
        let output = command.env_remove("JUSTONEAPI_TOKEN").env("JUSTONEAPI_TOKEN_FILE", path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "case {number}: {output:?}");
        assert!(!holds(&output.stdout) && !holds(&output.stderr), "case {number}: {output:?}");
    }
    assert!(!desk.path("data").exists(), "case {number}");
}

#[test]
fn a_cursor_that_holds_the_key_ends_a_walk_and_is_told() {
    let script = |asked: &Asked| {
        let notes = json!([{ "id": "n1", "title": "t", "cursor": format!("{{\"token\":\"{KEY}\",\"page\":2}}") }]);
        let data = json!({ "notes": notes, "has_more": true });
        assert_eq!(asked.before, 0);
        vec![Act::Send(http(200, &[], json!({ "code": 0, "data": data }).to_string().as_bytes()))]
    };
    let runtime = Runtime::new().unwrap();
    let vendor = runtime.block_on(Hostile::start(script));
    let world = World { key: KEY.to_owned(), ..World::new(&vendor.base_url()) };
    let job = world
        .job("seeds = [{ users = [\"6500000000000000000000a1\"] }]\nexpand = { details = false, authors = false }\n");
    assert_eq!(runtime.block_on(world.run_as(&job, Begin::Continue)), Ended::Complete);
    assert_eq!(
        vendor.lines(),
        ["get-user-note-list/v4 userId=6500000000000000000000a1"],
        "neither with the key nor without it"
    );
    let mut state = State::open(&job.dataset).unwrap();
    let turn = state.turn().unwrap();
    let run = turn.latest_run().unwrap().unwrap().id;
    let walk = turn.walk_summaries(&run).unwrap().remove(0);
    let ended = walk.ended.unwrap();
    assert_eq!((walk.notes, ended.as_str()), (1, "the vendor put the key into a cursor"));
    assert!(is_cut_short(&ended));
}

#[test]
fn a_key_over_plain_http_is_told() {
    let runtime = Runtime::new().unwrap();
    let vendor = runtime.block_on(Hostile::start(|_| {
        let body = json!({ "code": 0, "data": [{ "note_list": [listed("6500000000000000000000b1")] }] }).to_string();
        vec![Act::Send(http(200, &[], body.as_bytes()))]
    }));
    let port = vendor.address.rsplit(':').next().unwrap().to_owned();
    let job = |address: &str, more: &str| {
        Desk::new(&format!(
            "seeds = [{{ notes = [\"6500000000000000000000b1\"] }}]\nexpand = {{ authors = false }}\n[vendors.justoneapi]\nbase_url = \"{address}\"\n{more}"
        ))
    };
    for address in ["localhost", "127.1", "127.0.0.1", "2130706433", "0x7f.1", "LOCALHOST"] {
        let desk = job(&format!("http://{address}:{port}"), "");
        let output = desk.run(&["run", "job.toml"]);
        assert_eq!(output.status.code(), Some(0), "{address}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("plain HTTP"), "{address}: {output:?}");
    }
    // The machine's own address too, but nothing says so.
    let desk = job(&format!("http://0.0.0.0:{port}"), "allow_plain_http = true\n");
    let output = desk.run(&["run", "job.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("the key of `justoneapi` travelled over plain HTTP"));
    let asked = vendor.lines().len();
    for (address, reason) in [
        ("http://0.0.0.0:1", "is plain HTTP to another machine"),
        ("http://localhost.evil.example", "is plain HTTP to another machine"),
        ("http://127.0.0.1.evil.example", "is plain HTTP to another machine"),
        ("http://[::ffff:10.0.0.1]", "is plain HTTP to another machine"),
        ("http://127.0.0.1@evil.example", "must have no user name"),
        ("http://127.0.0.1:80@evil.example", "must have no user name"),
        ("http://evil.example#@127.0.0.1", "must have no user name"),
        ("http://evil.example?@127.0.0.1", "must have no user name"),
        ("http://evil.example\\\\@127.0.0.1", "is plain HTTP to another machine"),
    ] {
        let output = job(address, "").run(&["run", "job.toml"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{address}: {said}");
    }
    assert_eq!(vendor.lines().len(), asked);
}
