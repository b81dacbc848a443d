//! What answers told, in their place: it gives the rows that the answers gave.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::note;
use crate::flatten::fixtures::{self, answer, detail, given_up, listing, profile, search, user_notes, with_data};
use crate::flatten::tables::{AddedColumn, ColumnType, Outline};
use crate::flatten::{Pseudonyms, Recipe, TellError, flatten};
use crate::model::{Answer, Body, Extra, Outcome, Reject};

fn column(path: &str, kind: ColumnType) -> AddedColumn {
    AddedColumn { path: path.into(), kind }
}

fn columns(columns: &[(&str, &str, ColumnType)]) -> Outline {
    let columns: BTreeMap<_, _> =
        columns.iter().map(|(name, path, kind)| ((*name).to_owned(), column(path, *kind))).collect();
    Outline { notes: columns.clone(), authors: columns, ..Outline::default() }
}

fn pseudonyms(key: u8) -> Pseudonyms {
    Pseudonyms::new(Hmac::new(&[key; 64].into()))
}

fn recipes() -> [Recipe; 3] {
    let all = columns(&[
        ("whole", "", ColumnType::Json),
        ("likes", "/likes", ColumnType::Float64),
        ("name", "/nickname", ColumnType::String),
        ("title", "/title", ColumnType::Int64),
    ]);
    [Recipe::default(), Recipe::new(all.clone(), None), Recipe::new(all, Some(pseudonyms(1)))]
}

fn told(recipe: &Recipe, raw: &Answer) -> Answer {
    let body = recipe.tell(raw).unwrap();
    assert_eq!(body.is_some(), raw.body.is_some());
    assert!(body.as_ref().is_none_or(|body| body.raw().is_none()));
    Answer { body, ..raw.clone() }
}

/// Holds an answer's rows against those of what it told, whatever is admitted.
fn assert_same(raw: &Answer) {
    for recipe in recipes() {
        for admitted in [None, Some(vec![]), Some(vec![0]), Some(vec![3, 1])] {
            // Told with one set of positions, and read with another.
            let raw = Answer { admitted: Some(vec![1]), ..raw.clone() };
            let told = Answer { admitted: admitted.clone(), ..told(&recipe, &raw) };
            let raw = Answer { admitted, ..raw };
            assert_eq!(recipe.flatten(&told), recipe.flatten(&raw), "{raw:?}");
            let twice = Answer { body: recipe.tell(&told).unwrap(), ..told.clone() };
            assert_eq!(twice, told, "twice is as once");
        }
    }
}

#[test]
fn the_samples_give_the_same_rows_raw_and_told() {
    assert_same(&answer("justoneapi", search(1), fixtures::SEARCH, 0));
    assert_same(&answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1));
    assert_same(&answer("justoneapi", user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 2));
    assert_same(&answer("spiderhubs", user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 3));
    assert_same(&answer("justoneapi", profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 4));
}

#[test]
fn odd_answers_give_the_same_rows_raw_and_told() {
    let raw = |bytes: &[u8], answer: Answer| Answer { body: Some(Body::Raw(bytes.to_vec())), ..answer };
    let items = json!([
        note(json!({"likes": "1.2万", "user": {"userid": "u1", "nickname": "小红薯"}, "desc": "@小红薯 \u{1b}[0m"})),
        note(json!({"id": "n2", "likes": {}, "time": 1e300, "user": {"userid": [], "fans": "?"}})),
        null, 5, {"model_type": "ads"}, note(json!({})), note(json!({"id": "n3", "likes": 0.1, "title": 2.5e-7})),
    ]);
    assert_same(&listing(&items));
    assert_same(&with_data(
        detail("asked"),
        &json!([{"note_list": [note(json!({"id": "shown", "liked_count": []}))]}]),
    ));
    assert_same(&with_data(profile("asked"), &json!({"userid": "shown", "nickname": "x", "fans": "?", "tags": [5]})));
    assert_same(&raw(b"<html>", listing(&items)));
    assert_same(&raw(b"\xff\xfe", listing(&items)));
    assert_same(&Answer { items_path: None, ..listing(&items) });
    for call in [detail("n1"), search(1), profile("u1"), user_notes("u1")] {
        for outcome in Outcome::ALL {
            let without = given_up(call.clone(), outcome);
            assert_same(&raw(b"{\"code\": 400}", without.clone()));
            assert_same(&without);
        }
    }
}

proptest! {
    #[test]
    fn any_values_give_the_same_rows_raw_and_told(number in any::<f64>(), text in "\\PC{0,20}", id in "[a-z0-9]{1,9}") {
        let fields = json!({"id": id, "likes": number, "title": text, "desc": format!("#{text}[话题]# @{text}"), "nickname": text});
        assert_same(&listing(&json!([note(fields.clone()), fields])));
    }
}

/// What was told must be read for good: raw answers are gone by then. When the way in which it is told changes, keep this
/// file and its test, and store another one beside it.
#[test]
fn what_this_version_told_is_read_for_good() {
    let [_, recipe, _] = recipes();
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
    let told = recipe.tell(&raw).unwrap().unwrap();
    assert!(String::from_utf8_lossy(told.bytes()) == all[2].trim_end(), "told otherwise: store it");
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
        let now = told(&Recipe::default(), &raw);
        let Some(Body::Told { json, .. }) = &now.body else { panic!("{now:?}") };
        // The first reading kept all of it.
        let mut early: serde_json::Value = serde_json::from_str(json).unwrap();
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
        let early = Answer { body: Some(Body::Told { key: None, json: early.to_string() }), ..raw.clone() };
        assert_eq!(flatten(&early), flatten(&raw));
    }
}

/// Earlier versions kept `is_gone` for a detail that showed nothing; the answer's code says whether it was stated.
#[test]
fn what_an_earlier_version_told_of_an_empty_detail_is_read_by_its_code() {
    let gone = Answer { vendor_code: Some("404".into()), ..given_up(detail("n1"), Outcome::Gone) };
    let told_of = |answer: &Answer| {
        let body = Some(Body::Raw(b"{\"code\": 404}".to_vec()));
        told(&Recipe::default(), &Answer { body, ..answer.clone() }).body
    };
    let said =
        |answer: &Answer| Recipe::default().flatten(answer).notes.iter().map(|note| note.is_gone).collect::<Vec<_>>();
    assert_eq!(said(&Answer { body: told_of(&gone), ..gone.clone() }), [Some(true)]);
    let empty = Answer { vendor_code: Some("0".into()), outcome: Outcome::Empty, ..gone.clone() };
    assert_eq!(said(&Answer { body: told_of(&gone), ..empty }), []);
}

fn added(recipe: &Recipe, answer: &Answer) -> Vec<Option<Extra>> {
    recipe.flatten(answer).notes[0].content.as_ref().unwrap().added.clone()
}

#[test]
fn a_column_is_found_again_by_what_it_reads_and_a_new_one_is_empty() {
    let recipe = |wanted: &[(&str, &str, ColumnType)]| Recipe::new(columns(wanted), None);
    let raw = listing(&json!([note(json!({"price": "12", "level": 3}))]));
    let told = told(&recipe(&[("level", "/level", ColumnType::Int64), ("price", "/price", ColumnType::Int64)]), &raw);
    let (price, level) = (Some(Extra::Whole(12)), Some(Extra::Whole(3)));
    for (wanted, expected) in [
        (vec![("price", "/price", ColumnType::Int64)], vec![price.clone()]),
        (
            vec![("a_name", "/price", ColumnType::Int64), ("level", "/level", ColumnType::Int64)],
            vec![price.clone(), level.clone()],
        ),
        (
            vec![
                ("level", "/level", ColumnType::String),
                ("more", "/title", ColumnType::String),
                ("price", "/price", ColumnType::Int64),
            ],
            vec![None, None, price],
        ),
        (vec![], vec![]),
    ] {
        assert_eq!(added(&recipe(&wanted), &told), expected, "{wanted:?}");
    }
}

#[test]
fn under_pseudonyms_nobody_is_named_in_what_is_told() {
    let user = json!({"userid": "5c2f338a000000000701e1c6", "nickname": "小红薯啊", "red_id": "94210000000"});
    let raw = listing(&json!([note(json!({"user": user, "title": "小红薯啊 says", "likes": {}}))]));
    let plain = told(&Recipe::default(), &raw);
    let [.., hides] = recipes();
    let hidden = told(&hides, &raw);
    // What was told under the users' own ids has pseudonyms when it is told again.
    let again = Answer { body: hides.tell(&plain).unwrap(), ..plain.clone() };
    for (answer, is_named) in [(&plain, true), (&hidden, false), (&again, false)] {
        let text = String::from_utf8(answer.body.as_ref().unwrap().bytes().to_vec()).unwrap();
        for name in ["5c2f338a000000000701e1c6", "小红薯啊", "94210000000"] {
            assert_eq!(text.contains(name), is_named, "{name} in {text}");
        }
    }
    let key = |answer: &Answer| match &answer.body {
        Some(Body::Told { key, .. }) => key.clone(),
        _ => None,
    };
    assert_eq!((key(&plain), key(&hidden), key(&again)), (None, Some(pseudonyms(1).fingerprint()), key(&hidden)));
}

#[test]
fn what_a_later_version_told_is_a_reject_and_no_silence() {
    let raw = listing(&json!([note(json!({}))]));
    let mut json: Value = serde_json::from_slice(told(&Recipe::default(), &raw).body.unwrap().bytes()).unwrap();
    json["reading"] = json!(99);
    for text in [json.to_string(), "{".to_owned(), String::new()] {
        let body = Some(Body::Told { key: None, json: text });
        let flat = Recipe::default().flatten(&Answer { body, ..raw.clone() });
        let reasons: Vec<_> = flat.rejects.iter().map(|Reject { reason, .. }| reason.as_str()).collect();
        assert_eq!((flat.notes.len(), reasons), (0, vec![TellError::Unread.to_string().as_str()]));
        assert_eq!(flat.call.params, raw.call.params());
    }
}
