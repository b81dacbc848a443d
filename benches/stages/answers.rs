//! Answers to measure with: the published samples, and details made of one of them.

use std::convert::Infallible;

use jiff::{SignedDuration, Timestamp};
use notemill::dataset::Part;
use notemill::model::{Answer, Billed, Body, Call, Money, NoteId, Outcome, Query, UserId};
use serde_json::{Value, json};

const DETAIL: &str = include_str!("../../tests/fixtures/answers/justoneapi/note_detail/sample.json");
const SEARCH: &str = include_str!("../../tests/fixtures/answers/justoneapi/search_notes/sample.json");
const PROFILE: &str = include_str!("../../tests/fixtures/answers/justoneapi/user_profile/sample.json");

/// 2024-11-01 as a second, and how many seconds the notes of a dataset lie apart from first to last.
const FIRST: u64 = 1_730_419_200;
const SPAN: u64 = 730 * 86_400;

/// The samples, each with a name.
pub(crate) fn samples() -> Vec<(&'static str, Answer)> {
    let note_id = NoteId::parse("698ab064000000001503876d").unwrap();
    let user_id = UserId::parse("5a901362e8ac2b36c99bce33").unwrap();
    let search = Call::SearchNotes { query: Query::default(), page: 1 };
    vec![
        ("detail", answer(Call::NoteDetail { note_id }, "/data/0/note_list", compact(DETAIL), 0)),
        ("search page", answer(search, "/data/items", compact(SEARCH), 0)),
        ("profile", answer(Call::UserProfile { user_id }, "/data", compact(PROFILE), 0)),
    ]
}

/// A sample as a provider sends it: without the blanks that make it readable.
fn compact(sample: &str) -> String {
    serde_json::from_str::<Value>(sample).unwrap().to_string()
}

/// So many details of notes of 24 months, in no order; each of the size and shape of the sample.
pub(crate) fn details(count: u64, observed: i64) -> Vec<Answer> {
    let template: Value = serde_json::from_str(DETAIL).unwrap();
    (0..count).map(|at| detail(&template, at * 7_368_787 % count, count, observed)).collect()
}

fn detail(template: &Value, number: u64, of: u64, observed: i64) -> Answer {
    let second = FIRST + number * SPAN / of;
    let id = note_id(number, second);
    let mut body = template.clone();
    let note = &mut body["data"][0]["note_list"][0];
    note["id"] = json!(id);
    note["time"] = json!(second);
    note["title"] = json!(format!("第{number}篇：{}", words(number, 4)));
    note["desc"] = json!(words(number, 20 + number % 80));
    note["liked_count"] = json!(number * 31 % 20_000 + observed.unsigned_abs());
    note["user"]["userid"] = json!(format!("5c2f338a{:016x}", number % (of / 4 + 1)));
    for (at, image) in note["images_list"].as_array_mut().unwrap().iter_mut().enumerate() {
        image["fileid"] = json!(format!("1040g{:027x}{at}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    }
    let call = Call::NoteDetail { note_id: NoteId::parse(&id).unwrap() };
    answer(call, "/data/0/note_list", body.to_string(), observed + number.cast_signed())
}

/// The id of a note that was published at a second.
pub(crate) fn note_id(number: u64, second: u64) -> String {
    format!("{second:08x}00000000{number:08x}")
}

fn words(seed: u64, count: u64) -> String {
    const WORDS: [&str; 12] =
        ["防晒", "露营", "咖啡", "通勤", "敏感肌", "平价", "攻略", "测评", "夏天", "周末", "推荐", "分享"];
    (0..count).map(|at| WORDS[((seed * 7919 + at * at * 31 + at) % 12) as usize]).collect()
}

fn answer(call: Call, items_path: &str, body: String, second: i64) -> Answer {
    let start: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
    Answer {
        run_id: "20261122T080000Z".into(),
        call,
        vendor: "justoneapi".into(),
        sequence: (start + SignedDuration::from_secs(second)).as_microsecond(),
        observed_at: start + SignedDuration::from_secs(second),
        outcome: Outcome::Ok,
        vendor_code: Some("0".into()),
        http_status: Some(200),
        attempts: 1,
        latency_ms: 50,
        billed: Billed::Yes,
        cost: Money::from_micros(150_000),
        seed: Some(1),
        items_path: Some(items_path.into()),
        admitted: None,
        body: Some(Body::Raw(body.into_bytes())),
    }
}

/// Answers in memory, as one part of an archive.
pub(crate) struct InMemory(pub(crate) Vec<Answer>);

impl Part for InMemory {
    type Error = Infallible;
    type Batch = Vec<Answer>;

    fn id(&self) -> &'static str {
        "in memory"
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<Vec<Answer>, Infallible>>, Infallible> {
        Ok(self.0.chunks(64).map(|batch| Ok(batch.to_vec())))
    }
}
