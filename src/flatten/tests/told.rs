//! What earlier versions kept of answers as JSON: it is read for good.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::note;
use crate::flatten::fixtures::{self, answer, detail, given_up, listing, with_data};
use crate::flatten::tables::{AddedColumn, ColumnType, Outline};
use crate::flatten::{Recipe, TellError, flatten};
use crate::model::{Answer, Body, Outcome, Reject};

/// What the last version that wrote JSON kept of an answer, without columns of a job.
fn told(answer: &Answer) -> Value {
    let flat = flatten(&Answer { admitted: None, ..answer.clone() });
    let body_bytes = answer.body.as_ref().unwrap().bytes().len();
    json!({
        "reading": 3, "body_bytes": body_bytes, "skipped": flat.skipped,
        "notes": flat.notes, "authors": flat.authors, "rejects": flat.rejects,
    })
}

fn with_told(told: &Value, answer: &Answer) -> Answer {
    Answer { body: Some(Body::Told { key: None, json: told.to_string() }), ..answer.clone() }
}

/// Raw answers are gone by then.
#[test]
fn what_earlier_versions_told_is_read_for_good() {
    let columns = [
        ("whole", "", ColumnType::Json),
        ("likes", "/likes", ColumnType::Float64),
        ("name", "/nickname", ColumnType::String),
        ("title", "/title", ColumnType::Int64),
    ];
    let column =
        |(name, path, kind): (&str, &str, ColumnType)| (name.to_owned(), AddedColumn { path: path.into(), kind });
    let columns: BTreeMap<_, _> = columns.into_iter().map(column).collect();
    let recipe = Recipe::new(Outline { notes: columns.clone(), authors: columns, ..Outline::default() }, None);
    let raw = answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1);
    let all = [
        include_str!("../../../tests/fixtures/told/detail-1.json"),
        include_str!("../../../tests/fixtures/told/detail-2.json"),
        include_str!("../../../tests/fixtures/told/detail-3.json"),
    ];
    for stored in all {
        let told = Answer { body: Some(Body::Told { key: None, json: stored.trim_end().to_owned() }), ..raw.clone() };
        assert_eq!(recipe.flatten(&told), recipe.flatten(&raw));
    }
}

/// What the first reading told of zeros that are no counts, and of notes beside the one that was asked for, is read as
/// a raw answer is read now.
#[test]
fn what_an_earlier_reading_told_too_much_of_is_left_out() {
    let zero = |id: &str, likes: i64| note(json!({"id": id, "liked_count": likes, "shared_count": 0}));
    let page = listing(&json!([zero("n1", 5), zero("n2", 6)]));
    let others = json!([{"note_list": [zero("other", 1), zero("asked", 2)]}]);
    let detail = with_data(detail("asked"), &others);
    for raw in [page, detail] {
        // The first reading kept all of it.
        let mut early = told(&raw);
        early["reading"] = json!(1);
        let zero = json!({"value": 0, "approximate": false});
        early["notes"].as_array_mut().unwrap().iter_mut().for_each(|note| note["counts"][3] = zero.clone());
        if early["skipped"] == json!(1) {
            let mut other = early["notes"][0].clone();
            (other["note_id"], other["seen"]["position"]) = (json!("other"), json!(0));
            early["notes"].as_array_mut().unwrap().insert(0, other);
            let mut author = early["authors"][0].clone();
            author["seen"]["position"] = json!(0);
            early["authors"].as_array_mut().unwrap().insert(0, author);
            early["skipped"] = json!(0);
        }
        assert_eq!(flatten(&with_told(&early, &raw)), flatten(&raw));
    }
}

/// Earlier versions kept `is_gone` for a detail that showed nothing; the answer's code says whether it was stated.
#[test]
fn what_an_earlier_version_told_of_an_empty_detail_is_read_by_its_code() {
    let gone = Answer { vendor_code: Some("404".into()), ..given_up(detail("n1"), Outcome::Gone) };
    let gone = Answer { body: Some(Body::Raw(b"{\"code\": 404}".to_vec())), ..gone };
    let kept = told(&gone);
    let said =
        |answer: &Answer| Recipe::default().flatten(answer).notes.iter().map(|note| note.is_gone).collect::<Vec<_>>();
    assert_eq!(said(&with_told(&kept, &gone)), [Some(true)]);
    let empty = Answer { vendor_code: Some("0".into()), outcome: Outcome::Empty, ..gone.clone() };
    assert_eq!(said(&with_told(&kept, &empty)), []);
}

#[test]
fn what_a_later_version_told_is_a_reject_and_no_silence() {
    let raw = listing(&json!([note(json!({}))]));
    let mut json = told(&raw);
    json["reading"] = json!(99);
    for text in [json.to_string(), "{".to_owned(), String::new()] {
        let body = Some(Body::Told { key: None, json: text });
        let flat = Recipe::default().flatten(&Answer { body, ..raw.clone() });
        let reasons: Vec<_> = flat.rejects.iter().map(|Reject { reason, .. }| reason.as_str()).collect();
        assert_eq!((flat.notes.len(), reasons), (0, vec![TellError.to_string().as_str()]));
        assert_eq!(flat.call.params, raw.call.params());
    }
}
