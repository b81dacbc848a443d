//! Observations that are retained in the place of answers give the rows that the answers gave.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _};
use proptest::prelude::*;
use serde_json::json;

use super::{Observed, RetainError, flatten, read, retain};
use crate::flatten::fixtures::{self, answer, detail, given_up, listing, note, profile, search, user_notes, with_data};
use crate::flatten::tables::{AddedColumn, ColumnType, Outline};
use crate::flatten::{Pseudonyms, Recipe};
use crate::model::{Answer, Body, Extra, Outcome, Reject, Retained};

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

fn retained(recipe: &Recipe, raw: &Answer) -> Answer {
    Answer { body: Some(Body::Retained(retain(recipe, raw).unwrap())), ..raw.clone() }
}

fn batches(answer: &Answer) -> &Retained {
    let Some(Body::Retained(retained)) = &answer.body else { panic!("{answer:?}") };
    retained
}

/// Holds an answer's rows against those of what is retained of it, whatever is admitted.
fn assert_same(raw: &Answer) {
    for recipe in recipes() {
        for admitted in [None, Some(vec![]), Some(vec![0]), Some(vec![3, 1])] {
            // Retained with one set of positions, and read with another.
            let raw = Answer { admitted: Some(vec![1]), ..raw.clone() };
            let kept = Answer { admitted: admitted.clone(), ..retained(&recipe, &raw) };
            let raw = Answer { admitted, ..raw };
            assert_eq!(flatten(&recipe, &kept), recipe.flatten(&raw), "{raw:?}");
            let twice = retained(&recipe, &kept);
            assert_eq!(twice, kept, "twice is as once");
        }
    }
}

#[test]
fn the_samples_give_the_same_rows_raw_and_retained() {
    assert_same(&answer("justoneapi", search(1), fixtures::SEARCH, 0));
    assert_same(&answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1));
    assert_same(&answer("justoneapi", user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 2));
    assert_same(&answer("spiderhubs", user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 3));
    assert_same(&answer("justoneapi", profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 4));
}

#[test]
fn odd_answers_give_the_same_rows_raw_and_retained() {
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
    fn any_values_give_the_same_rows_raw_and_retained(number in any::<f64>(), text in "\\PC{0,20}", id in "[a-z0-9]{1,9}") {
        let fields = json!({"id": id, "likes": number, "title": text, "desc": format!("#{text}[话题]# @{text}"), "nickname": text});
        assert_same(&listing(&json!([note(fields.clone()), fields])));
    }
}

#[test]
fn they_can_wait_in_the_state_and_come_back() {
    let raw = answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1);
    for recipe in recipes() {
        let kept = retained(&recipe, &raw);
        let ipc = batches(&kept).to_ipc().unwrap();
        assert_eq!(Retained::from_ipc(batches(&kept).pseudonyms.clone(), &ipc).unwrap(), *batches(&kept));
        for cut in [0, 1, ipc.len() / 2, ipc.len() - 9] {
            assert!(Retained::from_ipc(None, &ipc[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn observations_of_other_columns_are_a_reject_and_no_silence() {
    let raw = listing(&json!([note(json!({}))]));
    let kept = retained(&Recipe::default(), &raw);
    for (kind, column) in [(0, "note_id"), (1, "author_id"), (3, "skipped_elements"), (4, "reason")] {
        let mut odd = batches(&kept).batches();
        let schema = odd[kind].schema();
        let others: Vec<usize> = (0..schema.fields().len()).filter(|at| schema.field(*at).name() != column).collect();
        odd[kind] = odd[kind].project(&others).unwrap();
        let body = Some(Body::Retained(Retained::new(None, odd)));
        let flat = read(&Recipe::default(), &Answer { body, ..raw.clone() });
        let reasons: Vec<_> = flat.rejects.iter().map(|Reject { reason, .. }| reason.as_str()).collect();
        assert_eq!((flat.notes.len(), reasons), (0, vec![RetainError::Unread.to_string().as_str()]), "{column}");
        assert_eq!(flat.call.params, raw.call.params());
    }
}

fn added(recipe: &Recipe, answer: &Answer) -> Vec<Option<Extra>> {
    flatten(recipe, answer).notes[0].content.as_ref().unwrap().added.clone()
}

#[test]
fn a_column_is_found_again_by_what_it_reads_and_a_new_one_is_empty() {
    let recipe = |wanted: &[(&str, &str, ColumnType)]| Recipe::new(columns(wanted), None);
    let raw = listing(&json!([note(json!({"price": "12", "level": 3}))]));
    let kept =
        retained(&recipe(&[("level", "/level", ColumnType::Int64), ("price", "/price", ColumnType::Int64)]), &raw);
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
        assert_eq!(added(&recipe(&wanted), &kept), expected, "{wanted:?}");
    }
}

#[test]
fn under_pseudonyms_nobody_is_named_in_what_is_retained() {
    let user = json!({"userid": "5c2f338a000000000701e1c6", "nickname": "小红薯啊", "red_id": "94210000000"});
    let raw = listing(&json!([note(json!({"user": user, "title": "小红薯啊 says", "likes": {}}))]));
    let plain = retained(&Recipe::default(), &raw);
    let [.., hides] = recipes();
    let hidden = retained(&hides, &raw);
    // What is retained under the users' own ids has pseudonyms when it is retained again.
    let again = retained(&hides, &plain);
    for (answer, is_named) in [(&plain, true), (&hidden, false), (&again, false)] {
        let text = format!("{:?}", batches(answer).batches());
        for name in ["5c2f338a000000000701e1c6", "小红薯啊", "94210000000"] {
            assert_eq!(text.contains(name), is_named, "{name} in {text}");
        }
    }
    let key = |answer: &Answer| batches(answer).pseudonyms.clone();
    assert_eq!((key(&plain), key(&hidden), key(&again)), (None, Some(pseudonyms(1).fingerprint()), key(&hidden)));
}

#[test]
fn hostile_values_do_not_keep_an_answer_from_being_retained() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for fields in [
        json!({"time": "2025-10-08 09:09:09.123456789", "update_time": 1_759_885_749.123_456_7_f64}),
        json!({"time": 1_759_885_749_123_456_789_i64, "likes": i64::MAX, "collected_count": "999999999999999999亿"}),
        json!({"likes": -5, "comments_count": 1e300, "shared_count": "10+", "images_list": [{"width": -1, "height": 1e12, "url": 7}]}),
        json!({"title": "\u{0}\u{1b}\u{202e}", "desc": "\u{feff}".repeat(2000), "ip_location": "x".repeat(5000)}),
        json!({"ats": [{"userid": "u9", "nickname": ""}, null, 5, {"nickname": "\u{0}"}], "hash_tag": [{"name": ""}, {}, null]}),
        json!({"whole": deep(60), "nickname": {"a": "\u{d7ff}"}, "likes": 0.1, "title": 9_007_199_254_740_993_i64}),
        json!({"video_info_v2": {"media": {"stream": {"h264": [{"duration": i64::MAX, "master_url": "u", "width": 1e10}]}}}}),
    ] {
        let page = listing(&json!([note(fields.clone())]));
        for raw in [page, with_data(detail("n1"), &json!([{"note_list": [note(fields.clone())]}]))] {
            for recipe in recipes() {
                let rows = |answer: &Answer| {
                    let mut observed = Observed::default();
                    observed.add(answer, read(&recipe, answer));
                    observed.batches(recipe.outline()).unwrap()
                };
                assert_eq!(rows(&retained(&recipe, &raw)), rows(&raw), "{fields}");
            }
        }
    }
}
