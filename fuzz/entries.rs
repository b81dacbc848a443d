//! The laws of every parser, over any bytes. cargo-fuzz drives them (`fuzz_targets/`), and so does `cargo test`, which
//! includes this file by its path.
//!
//! A law that is broken panics. To end at all is a law, too.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use notemill::archive::Answers;
use notemill::extract::{ItemKind, items_at};
use notemill::flatten::{Flattened, flatten};
use notemill::job;
use notemill::json::{self, Node};
use notemill::model::{
    Answer, Billed, Body, Call, Endpoint, Hashtag, Money, NoteId, NoteSource, Outcome, Problem, Query, UserId,
    read_count, read_time,
};
use notemill::vendor::{self, Description, Page, Reading};
use serde_json::{Value, json};

/// A parser's name, and its laws.
pub type Entry = (&'static str, fn(&[u8]));

/// Every parser; each has a folder of this name under `fuzz/seeds/`.
pub const ENTRIES: [Entry; 9] = [
    ("envelope", envelope),
    ("page", page),
    ("note", note),
    ("author", author),
    ("count", count),
    ("time", time),
    ("segment", segment),
    ("job", job),
    ("vendor", vendor),
];

const NOTE: &str = "698ab064000000001503876d";
const USER: &str = "6276a4d10000000021026c1f";
const STATUSES: [u16; 16] = [200, 201, 204, 301, 400, 401, 402, 403, 404, 408, 418, 429, 500, 503, 600, 0];

/// The letter before a body: `a` asks for the first of these, `b` for the second.
fn asked(letter: u8) -> (&'static Description, Option<&'static str>, Call) {
    static VENDORS: LazyLock<[Description; 2]> =
        LazyLock::new(|| ["justoneapi", "spiderhubs"].map(|name| vendor::builtin(name).unwrap()));
    let query = Query { keyword: "防晒霜".into(), ..Query::default() };
    let user_id = UserId::parse(USER).unwrap();
    let page_of = |page| Call::UserNotes { user_id: user_id.clone(), via: None, cursor: None, page };
    let (vendor, version, call) = match letter.wrapping_sub(b'a') % 8 {
        0 => (0, None, Call::SearchNotes { query, page: 1 }),
        1 => (0, Some("v4"), Call::SearchNotes { query, page: 2 }),
        2 => (0, None, Call::NoteDetail { note_id: NoteId::parse(NOTE).unwrap() }),
        3 => (0, None, Call::UserProfile { user_id }),
        4 => (0, Some("v3"), Call::UserProfile { user_id }),
        5 => (0, None, page_of(1)),
        6 => (1, None, page_of(1)),
        _ => (1, None, page_of(2)),
    };
    (&VENDORS[vendor], version, call)
}

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn read(letter: u8, status: u16, body: &[u8]) -> (Call, Reading) {
    let (description, version, call) = asked(letter);
    let version = description.call(call.endpoint(), version).unwrap();
    let reading = vendor::read(description, version, &call, status, body, now());
    assert_eq!(vendor::read(description, version, &call, status, body, now()), reading, "read twice");
    (call, reading)
}

/// An HTTP answer: a letter for the call, one for the status (`0` is 200), then the body.
pub fn envelope(data: &[u8]) {
    let [letter, status, body @ ..] = data else { return };
    let status = STATUSES[usize::from(status.wrapping_sub(b'0')) % STATUSES.len()];
    let (_, reading) = read(*letter, status, body);
    assert_eq!(reading.outcome == Outcome::Ok, !reading.page.is_empty(), "{reading:?}");
    assert_eq!(reading.outcome.is_fact(), reading.reason.is_none(), "{reading:?}");
    reading.reason.iter().for_each(|reason| assert_line(reason, 400));
    assert!(reading.code.as_ref().is_none_or(|code| code.len() <= 64), "{reading:?}");
    assert!(!reading.outcome.is_fact() || reading.billed != Billed::Unknown, "{reading:?}");
}

/// The body of a page: a letter for the call, then the body. What the crawl sees of it, the build sees, too.
pub fn page(data: &[u8]) {
    let [letter, body @ ..] = data else { return };
    let (call, reading) = read(*letter, 200, body);
    if reading.outcome != Outcome::Ok {
        return;
    }
    let page = &reading.page;
    let stored = serde_json::to_string(page).unwrap();
    assert_eq!(&serde_json::from_str::<Page>(&stored).unwrap(), page, "kept and read back");
    assert_rising(page.notes.iter().map(|note| note.position));
    for note in &page.notes {
        assert_eq!(NoteId::parse(note.id.as_str()).as_ref(), Ok(&note.id));
        assert!(note.counts.values().iter().flatten().all(|count| *count >= 0), "{note:?}");
        let from_id = note.id.created_at() == note.published_at;
        note.published_at.iter().filter(|_| !from_id).for_each(|time| assert_time(*time));
        note.counts.updated_at.iter().for_each(|time| assert_time(*time));
    }
    assert!(page.cursor.as_ref().is_none_or(|cursor| !cursor.trim().is_empty() && cursor.len() <= 4096));
    let Some(path) = &page.items_path else {
        assert!(page.unreadable && page.notes.is_empty(), "{page:?}");
        return;
    };
    assert!(!page.unreadable && path.len() < 500, "{} bytes of path", path.len());
    let tape = json::parse(body).unwrap();
    let root = tape.root();
    let items = items_at(call.endpoint(), root, path);
    assert_eq!(items.len(), page.notes.len() + (page.skipped + page.broken) as usize);
    for item in &items {
        let at = root.pointer(&item.path);
        assert!(at.is_some(), "nothing stands at {}", item.path);
        if let ItemKind::Note { note, .. } = item.kind {
            assert_eq!(at.map(Node::to_value), Some(note.to_value()));
        }
    }
    // Of a detail, only the note that was asked for counts.
    let asked = match &call {
        Call::NoteDetail { note_id } => Some(note_id.clone()),
        _ => None,
    };
    let own: Vec<_> = page.notes.iter().filter(|note| asked.as_ref().is_none_or(|asked| note.id == *asked)).collect();
    let ids: Vec<NoteId> = own.iter().map(|note| note.id.clone()).collect();
    let is_profile = call.endpoint() == Endpoint::UserProfile;
    let odd: Vec<u32> = own.iter().map(|note| note.position).filter(|position| position % 2 == 1).collect();
    let mut answer = answer(call, body, path);
    let flat = flattened(&answer);
    assert_eq!(flat.skipped as usize, page.skipped as usize + page.notes.len() - own.len());
    assert_eq!(flat.notes.iter().map(|note| note.note_id.clone()).collect::<Vec<_>>(), ids);
    assert!(is_profile || flat.rejects.len() >= page.broken as usize, "{:?}", flat.rejects);
    answer.admitted = Some(odd.clone());
    let admitted: Vec<u32> = flattened(&answer).notes.iter().map(|note| note.seen.position.0).collect();
    assert_eq!(admitted, odd, "what is not admitted gives no rows");
}

/// One note, as the only one of a detail.
pub fn note(data: &[u8]) {
    let body = [b"{\"code\":0,\"data\":[{\"note_list\":[", data, b"]}]}"].concat();
    let call = Call::NoteDetail { note_id: NoteId::parse(NOTE).unwrap() };
    flattened(&answer(call, &body, "/data/0/note_list"));
}

/// One author, as a profile.
pub fn author(data: &[u8]) {
    let body = [b"{\"code\":0,\"data\":", data, b"}"].concat();
    let call = Call::UserProfile { user_id: UserId::parse(USER).unwrap() };
    let flat = flattened(&answer(call, &body, "/data"));
    assert!(flat.authors.len() <= 1 && flat.notes.is_empty());
}

/// A count, as text and as JSON.
pub fn count(data: &[u8]) {
    for value in values(data) {
        let read = read_count(Some(&value));
        assert_eq!(read_count(Some(&value)), read);
        let Ok(Some(count)) = read else { continue };
        assert!(count.value >= 0, "{value} is {count:?}");
        let printed = read_count(Some(&json!(count.value.to_string()))).unwrap().unwrap();
        assert_eq!((printed.value, printed.is_approximate()), (count.value, false), "{value}");
        assert_eq!(read_count(Some(&json!(count.value))).unwrap().unwrap().value, count.value);
    }
}

/// A time, as text and as JSON.
pub fn time(data: &[u8]) {
    for value in values(data) {
        let read = read_time(Some(&value), now());
        assert_eq!(read_time(Some(&value), now()), read);
        let Ok(Some(time)) = read else { continue };
        assert_time(time);
        assert_eq!(read_time(Some(&json!(time.to_string())), now()), Ok(Some(time)), "{value}");
    }
}

/// A sealed segment: answers, or what is wrong with it.
pub fn segment(data: &[u8]) {
    let Ok(answers) = Answers::of_bytes(Path::new("r-1.parquet"), data.to_vec()) else { return };
    for row in answers.take(10_000) {
        let Ok((answer, _)) = row else { return };
        assert_eq!(Call::from_params(&answer.call.params()).unwrap(), answer.call);
        flattened(&answer);
    }
}

/// A job file.
pub fn job(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // It may name other files; devices are not for tests.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    match (job::check("job.toml", Path::new("."), &text), job::check("job.toml", Path::new("."), &text)) {
        (Ok(job), Ok(again)) => {
            assert_eq!(job.fingerprint, again.fingerprint);
            assert!(!job.seeds.is_empty() && job.vendors.values().all(|vendor| vendor.concurrency > 0));
            assert!(job.vendors.values().all(|vendor| !vendor.timeout.is_zero()));
            assert_rising(job.seeds.iter().map(|seed| seed.number));
        }
        (Err(told), Err(again)) => {
            assert_eq!(told.problems, again.problems);
            assert_eq!(told.sources[0].1.len(), text.len());
            assert_problems("job.toml", &text, &told.problems);
        }
        _ => panic!("once a job, once none"),
    }
}

/// A vendor's description: what it lets through can be asked and read.
pub fn vendor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let description = match Description::parse("mine.toml", &text) {
        Ok(description) => description,
        Err(problems) => return assert_problems("mine.toml", &text, &problems),
    };
    assert!(description.base_url(None).is_some_and(|url| url.to_ascii_lowercase().starts_with("http")));
    assert!(description.limits.concurrency > 0 && !description.limits.timeout().is_zero());
    for call in (b'a'..b'h').map(|letter| asked(letter).2) {
        let Some(version) = description.call(call.endpoint(), None) else { continue };
        let request = vendor::request(version, &call);
        assert!(request.path.starts_with('/') && !request.query.is_empty(), "{request:?}");
        for body in ["", "{\"code\":0,\"data\":{\"items\":[{\"note\":{\"id\":\"n1\"}}]}}", "{\"data\":[[]]}"] {
            let _ = vendor::read(&description, version, &call, 200, body.as_bytes(), now());
        }
    }
}

/// The bytes as text, and as JSON where they are any.
fn values(data: &[u8]) -> impl Iterator<Item = Value> {
    let text = String::from_utf8_lossy(data).into_owned();
    serde_json::from_str(&text).into_iter().chain([Value::String(text)])
}

fn answer(call: Call, body: &[u8], path: &str) -> Answer {
    Answer {
        run_id: "r".into(),
        call,
        vendor: "justoneapi".into(),
        sequence: now().as_microsecond(),
        observed_at: now(),
        outcome: Outcome::Ok,
        vendor_code: Some("0".into()),
        http_status: Some(200),
        attempts: 1,
        latency_ms: 1,
        billed: Billed::Yes,
        cost: Money::ZERO,
        seed: None,
        items_path: Some(path.into()),
        admitted: None,
        body: Some(Body::Raw(body.to_vec())),
    }
}

/// Flattens an answer, and holds what comes of it to the laws.
fn flattened(answer: &Answer) -> Flattened {
    let flat = flatten(answer);
    assert_eq!(flatten(answer), flat, "read twice");
    assert!(flat.authors.len() <= flat.notes.len().max(1) && flat.hits.len() <= flat.notes.len());
    assert_rising(flat.rejects.iter().map(|reject| (&reject.path, &reject.reason)));
    flat.rejects.iter().for_each(|reject| assert_line(&reject.reason, 200));
    for note in &flat.notes {
        assert_eq!(note.listing.is_none(), note.source == NoteSource::Detail);
        assert!(note.counts.iter().flatten().all(|count| count.value >= 0), "{:?}", note.counts);
        let times = note.published_at.iter().chain(&note.updated_at);
        times.filter(|_| answer.observed_at == now()).for_each(|time| assert_time(*time));
        let Some(content) = &note.content else { continue };
        assert!(content.image_count.is_none_or(|count| count >= content.images.len() as i32));
        assert_rising(content.images.iter().map(|image| image.position));
        assert_rising(content.mentions.iter().map(|mention| mention.position));
        assert_address(content.share_url.as_deref());
        assert_each_once(&content.hashtags);
        let sides = content.images.iter().flat_map(|image| [image.width, image.height]);
        assert!(sides.chain([content.video.width, content.video.height]).flatten().all(|side| side > 0));
        assert!(content.video.duration_ms.is_none_or(|length| length > 0));
        let texts = [&content.title, &content.description, &content.note_type, &content.author_nickname];
        assert!(texts.into_iter().flatten().all(|text| !text.trim().is_empty()), "{texts:?}");
    }
    for author in &flat.authors {
        assert!(author.profile.counts.iter().flatten().all(|count| count.value >= 0));
        assert_rising(author.profile.tags.iter().map(|tag| tag.position));
        assert_address(author.profile.share_url.as_deref());
    }
    flat
}

fn assert_rising<T: PartialOrd + Debug>(values: impl IntoIterator<Item = T>) {
    let values: Vec<T> = values.into_iter().collect();
    assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
}

fn assert_each_once(tags: &[Hashtag]) {
    let ids: Vec<&String> = tags.iter().filter_map(|tag| tag.id.as_ref()).collect();
    let nameless = tags.iter().filter(|tag| tag.id.is_none()).map(|tag| &tag.name);
    let names: Vec<_> = nameless.collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{tags:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{tags:?}");
    assert!(tags.iter().all(|tag| tag.id.is_some() || tag.name.is_some()), "{tags:?}");
}

fn assert_time(time: Timestamp) {
    let years: [Timestamp; 2] = ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"].map(|text| text.parse().unwrap());
    assert!(years[0] <= time && time < years[1], "{time}");
}

/// A share address has no place for a token.
fn assert_address(address: Option<&str>) {
    assert!(address.is_none_or(|address| address.starts_with("http") && !address.contains(['?', '#'])), "{address:?}");
}

/// Text that is shown is one short line.
fn assert_line(text: &str, most: usize) {
    assert!(text.chars().count() <= most && !text.contains(char::is_control), "{text:?}");
}

fn assert_problems(file: &str, text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty());
    for problem in problems {
        let hint = problem.hint.as_deref().unwrap_or_default();
        assert!(!problem.message.is_empty() && !problem.message.contains('\n') && !hint.contains('\n'), "{problem:?}");
        if let (Some(span), true) = (&problem.span, problem.file == file) {
            assert!(text.get(span.clone()).is_some(), "{problem:?} in {text:?}");
        }
    }
}
