//! Odd answers: other things than notes, other notes than asked for, nothing, and less than nothing.

use serde_json::{Value, json};

use super::{note, told};
use crate::flatten::fixtures::{detail, given_up, listing, profile, search, user_notes, with_data};
use crate::flatten::flatten;
use crate::model::{Answer, Outcome};

#[test]
fn reasons_hold_no_controls_and_no_long_text() {
    let flat =
        flatten(&listing(&json!([note(json!({"likes": "\u{1b}[31m::error::very-long-word more", "sticky": {}}))])));
    assert_eq!(told(&flat), [("/data/items/0/likes", "`·[31m::error::ve…` is text, but no count")]);
}

#[test]
fn what_is_no_note_is_counted_and_what_is_broken_is_told() {
    let items = json!([
        null, {"model_type": "ads", "note": note(json!({}))}, {"model_type": "rec_query", "id": "q#1"},
        {"model_type": "note", "note": note(json!({}))}, {"model_type": "note", "note": {"title": "no id"}}, 5,
    ]);
    let flat = flatten(&listing(&items));
    assert_eq!((flat.notes.len(), flat.skipped, flat.call.skipped), (1, 3, 3));
    assert_eq!(flat.hits[0].position, 3);
    assert_eq!(told(&flat), [("/data/items/4/note", "has no id"), ("/data/items/5", "is no object")]);
}

#[test]
fn only_admitted_positions_give_rows() {
    let items = json!([
        note(json!({"id": "n1", "user": {"userid": "u1"}})),
        note(json!({"id": "n2", "user": {"userid": "u2"}, "likes": "odd"})),
        note(json!({"id": "n3", "user": {"userid": "u3"}})),
    ]);
    let ids = |admitted: Option<Vec<u32>>| {
        let flat = flatten(&Answer { admitted, ..listing(&items) });
        let notes: Vec<_> = flat.notes.iter().map(|note| note.note_id.to_string()).collect();
        let hits: Vec<_> = flat.hits.iter().map(|hit| hit.note_id.to_string()).collect();
        assert_eq!(notes, hits);
        assert_eq!(flat.authors.len(), notes.len());
        (notes.join(" "), flat.rejects.len())
    };
    assert_eq!(ids(None), ("n1 n2 n3".into(), 1));
    assert_eq!(ids(Some(vec![2, 0])), ("n1 n3".into(), 0));
    assert_eq!(ids(Some(vec![])), (String::new(), 0));
}

#[test]
fn the_same_note_twice_on_a_page_is_two_hits() {
    let flat = flatten(&listing(&json!([note(json!({})), note(json!({"likes": 2}))])));
    let positions: Vec<_> = flat.hits.iter().map(|hit| hit.position).collect();
    assert_eq!((flat.notes.len(), positions), (2, vec![0, 1]));
}

#[test]
fn only_a_stated_detail_says_that_the_note_is_gone() {
    let mut answer = given_up(detail("n1"), Outcome::Gone);
    let flat = flatten(&answer);
    assert_eq!((flat.notes[0].note_id.as_str(), flat.notes[0].is_gone), ("n1", Some(true)));
    assert_eq!((&flat.notes[0].content, flat.notes.len(), flat.rejects.len()), (&None, 1, 0));
    answer.outcome = Outcome::Empty;
    for call in [detail("n1"), search(1), profile("u1"), user_notes("u1")] {
        answer.call = call;
        let flat = flatten(&answer);
        assert_eq!((flat.notes.len(), flat.authors.len(), flat.rejects.len()), (0, 0, 0));
        assert_eq!(flat.call.outcome, Outcome::Empty);
    }
}

#[test]
fn a_call_given_up_gives_its_own_row_alone() {
    for outcome in Outcome::ALL.into_iter().filter(|outcome| !outcome.is_fact()) {
        let flat = flatten(&given_up(detail("n1"), outcome));
        assert_eq!((flat.notes.len(), flat.authors.len(), flat.hits.len(), flat.rejects.len()), (0, 0, 0, 0));
        assert_eq!((flat.call.outcome, flat.call.body_bytes, flat.call.attempts), (outcome, None, 2));
    }
}

#[test]
fn a_detail_shows_the_note_asked_for_and_no_other() {
    let beside = |id: &str| note(json!({"id": id, "user": {"userid": id}, "liked_count": "odd"}));
    let own = note(json!({"id": "asked", "user": {"userid": "u1"}, "liked_count": 1}));
    for data in [
        json!([{"note_list": [own, beside("r1"), beside("r2")]}]),
        json!([{"note_list": [beside("r1"), own, beside("r2")]}]),
    ] {
        let flat = flatten(&with_data(detail("asked"), &data));
        let shown: Vec<_> = flat.notes.iter().map(|note| note.note_id.as_str()).collect();
        let authors: Vec<_> = flat.authors.iter().map(|author| author.author_id.as_str()).collect();
        assert_eq!((shown, authors, flat.rejects.len()), (vec!["asked"], vec!["u1"], 0));
        assert_eq!((flat.skipped, flat.call.skipped), (2, 2));
    }
    let flat = flatten(&with_data(detail("asked"), &json!([{"note_list": [note(json!({"id": "shown"}))]}])));
    assert_eq!((flat.notes.len(), flat.authors.len(), flat.skipped), (0, 0, 1));
    assert_eq!(told(&flat), [("/data/0/note_list", "does not show the note asked for, `asked`")]);
    // A note that the limits leave out is shown all the same.
    let answer = with_data(detail("asked"), &json!([{"note_list": [note(json!({"id": "asked"}))]}]));
    let flat = flatten(&Answer { admitted: Some(vec![]), ..answer });
    assert_eq!((flat.notes.len(), flat.rejects.len()), (0, 0));
}

#[test]
fn a_zero_that_every_note_of_a_page_shows_is_no_count() {
    let zero =
        |id: &str, likes: i64, shares: Value| note(json!({"id": id, "liked_count": likes, "shared_count": shares}));
    let shares = |notes: Value, admitted: Option<Vec<u32>>| {
        let flat = flatten(&Answer { admitted, ..listing(&notes) });
        assert_eq!(flat.rejects, []);
        let counts = |note: &crate::model::NoteObservation| note.counts.map(|count| count.map(|count| count.value));
        flat.notes.iter().map(|note| (counts(note)[0], counts(note)[3])).collect::<Vec<_>>()
    };
    let page = json!([zero("n1", 5, json!(0)), zero("n2", 0, json!("0"))]);
    assert_eq!(shares(page.clone(), None), [(Some(5), None), (Some(0), None)]);
    // What the limits leave out is a witness, too.
    assert_eq!(shares(page, Some(vec![0])), [(Some(5), None)]);
    let page = json!([zero("n1", 5, json!(0)), zero("n2", 6, json!(1))]);
    assert_eq!(shares(page, None), [(Some(5), Some(0)), (Some(6), Some(1))]);
    assert_eq!(shares(json!([zero("n1", 5, json!(0))]), None), [(Some(5), Some(0))]);
    // A detail has one note.
    let detail = with_data(detail("n1"), &json!([{"note_list": [zero("n1", 5, json!(0)), zero("n2", 6, json!(0))]}]));
    assert_eq!(flatten(&detail).notes[0].counts[3].map(|count| count.value), Some(0));
}

#[test]
fn odd_bodies_are_told_and_cost_nothing_else() {
    let mut answer = listing(&json!([note(json!({}))]));
    answer.body = Some(crate::model::Body::Raw(b"<html>".to_vec()));
    assert_eq!(told(&flatten(&answer)), [("", "the body is no JSON (line 1, column 1)")]);
    answer.body = None;
    assert_eq!(told(&flatten(&answer)), [("", "the body is not there")]);
    let mut answer = listing(&json!([note(json!({}))]));
    answer.items_path = None;
    assert_eq!(told(&flatten(&answer)), [("", "holds nothing that was asked for")]);
}
