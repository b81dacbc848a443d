//! Answers for tests: the vendors' published samples, and bodies made up in a test.

use serde_json::Value;

use crate::model::{Answer, Billed, Body, Call, Money, NoteId, Outcome, Query, UserId};
use crate::vendor;

pub(crate) const SEARCH: &str = include_str!("../../tests/fixtures/answers/justoneapi/search_notes/sample.json");
pub(crate) const DETAIL: &str = include_str!("../../tests/fixtures/answers/justoneapi/note_detail/sample.json");
pub(crate) const USER_NOTES: &str = include_str!("../../tests/fixtures/answers/justoneapi/user_notes/sample.json");
pub(crate) const PROFILE: &str = include_str!("../../tests/fixtures/answers/justoneapi/user_profile/sample.json");
pub(crate) const SPIDERHUBS: &str = include_str!("../../tests/fixtures/answers/spiderhubs/user_notes/sample.json");

pub(crate) fn search(page: u32) -> Call {
    let query = Query {
        keyword: "洗衣机".into(),
        sort: crate::model::Sort::TimeDescending,
        note_type: crate::model::NoteTypeFilter::Image,
        published: crate::model::Published::HalfYear,
    };
    Call::SearchNotes { query, page }
}

pub(crate) fn detail(id: &str) -> Call {
    Call::NoteDetail { note_id: NoteId::parse(id).unwrap() }
}

pub(crate) fn profile(id: &str) -> Call {
    Call::UserProfile { user_id: UserId::parse(id).unwrap() }
}

pub(crate) fn user_notes(id: &str) -> Call {
    Call::UserNotes { user_id: UserId::parse(id).unwrap(), via: None, cursor: None, page: 1 }
}

/// Makes an answer as the crawl keeps it, `second` seconds after 08:00.
pub(crate) fn answer(vendor: &str, call: Call, body: &str, second: i64) -> Answer {
    let start: jiff::Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
    let observed_at = start + jiff::SignedDuration::from_secs(second);
    let description = vendor::builtin(vendor).unwrap();
    let version = description.call(call.endpoint(), None).unwrap();
    let reading = vendor::read(&description, version, &call, 200, body.as_bytes(), observed_at);
    Answer {
        run_id: "r1".into(),
        call,
        vendor: vendor.into(),
        sequence: observed_at.as_microsecond(),
        observed_at,
        outcome: reading.outcome,
        vendor_code: reading.code,
        http_status: Some(200),
        attempts: 2,
        latency_ms: 345,
        billed: reading.billed,
        cost: Money::from_micros(150_000),
        seed: Some(1),
        items_path: reading.page.items_path,
        admitted: None,
        body: Some(Body::Raw(body.as_bytes().to_vec())),
    }
}

/// Makes an answer of Just One with this data.
pub(crate) fn with_data(call: Call, data: &Value) -> Answer {
    answer("justoneapi", call, &serde_json::json!({"code": 0, "data": data}).to_string(), 0)
}

/// Makes an answer of a search whose items are these notes, bare.
pub(crate) fn listing(notes: &Value) -> Answer {
    with_data(search(1), &serde_json::json!({"items": notes}))
}

/// Makes the record of a call that was given up.
pub(crate) fn given_up(call: Call, outcome: Outcome) -> Answer {
    Answer {
        outcome,
        http_status: None,
        vendor_code: None,
        billed: Billed::Unknown,
        body: None,
        items_path: None,
        ..answer("justoneapi", call, "", 0)
    }
}

/// Makes a note of these fields and the least that a note has.
pub(crate) fn note(fields: Value) -> Value {
    let mut note = serde_json::json!({"id": "n1", "title": "t", "user": {"userid": "u1"}});
    if let (Value::Object(note), Value::Object(fields)) = (&mut note, fields) {
        note.extend(fields);
    }
    note
}
