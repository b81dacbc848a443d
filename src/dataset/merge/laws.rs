//! The merge's laws: no order, repetition or split of the answers changes a row. And the groups, case by case.

use std::cmp::Reverse;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::in_memory::Merged;
use crate::flatten::fixtures::{answer, detail, given_up, listing, profile, search, user_notes};
use crate::flatten::tables::{AuthorRow, NoteRow};
use crate::flatten::{Flattened, flatten};
use crate::model::{
    Answer, AuthorObservation, AuthorSource, Count, EmptyDetail, Listing, NoteContent, NoteId, NoteObservation,
    NoteSource, Outcome, Profile, Provenance, Reject, UserId,
};

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Few values, so that keys collide: even observations that no crawl makes must merge by the law.
fn seen() -> impl Strategy<Value = Provenance> {
    (0_i64..4, time(), "[ab]", 0_u32..2).prop_map(|(sequence, observed_at, call_key, position)| Provenance {
        sequence,
        observed_at,
        call_key: call_key.as_str().into(),
        position: Reverse(position),
    })
}

pub(super) fn note() -> impl Strategy<Value = NoteObservation> {
    let source = prop::sample::select(vec![NoteSource::Search, NoteSource::UserNotes, NoteSource::Detail]);
    let content =
        prop::option::of(prop::option::of("[xy]").prop_map(|title| NoteContent { title, ..NoteContent::default() }));
    let count = prop::option::of((0_i64..3, 0_i64..4).prop_map(|(value, unit)| Count { value, unit }));
    let listing = prop::option::of(prop::option::of(any::<bool>()));
    let facts = (prop::option::of("u[12]"), prop::option::of(time()), prop::option::of(any::<bool>()));
    ("n[12]", source, seen(), content, (prop::array::uniform4(count), listing, facts)).prop_map(
        |(id, source, seen, content, (counts, listing, (author_id, published_at, is_gone)))| NoteObservation {
            note_id: NoteId::parse(&id).unwrap(),
            source,
            seen,
            content,
            author_id: author_id.map(|id| UserId::parse(&id).unwrap()),
            published_at,
            updated_at: published_at,
            counts,
            listing: listing.map(|is_sticky| Listing { is_sticky, xsec_token: None }),
            is_gone,
        },
    )
}

fn author() -> impl Strategy<Value = AuthorObservation> {
    let source = prop::sample::select(vec![AuthorSource::Note, AuthorSource::Profile]);
    ("u[12]", source, seen(), prop::option::of("[xy]"), prop::option::of(0_i64..3)).prop_map(
        |(id, source, seen, nickname, fans)| AuthorObservation {
            author_id: UserId::parse(&id).unwrap(),
            source,
            seen,
            profile: Profile {
                nickname,
                counts: [fans.map(Count::exact), None, None, None, None, None],
                ..Profile::default()
            },
        },
    )
}

fn flattened() -> impl Strategy<Value = Flattened> {
    let lists = (prop::collection::vec(note(), 0..4), prop::collection::vec(author(), 0..3));
    let empty = prop::option::of(("n[12]", "r[1-5]", seen()).prop_map(|(note_id, run_id, seen)| EmptyDetail {
        note_id: NoteId::parse(&note_id).unwrap(),
        run_id,
        seen,
    }));
    (lists, time(), "r[12]", 0_u32..3, (prop::collection::vec("[pq]", 0..2), empty)).prop_map(
        |((notes, authors), observed_at, run_id, skipped, (rejects, empty))| {
            let mut flat = flatten(&given_up(detail("n1"), Outcome::Retry));
            (flat.call.run_id, flat.call.observed_at, flat.call.skipped) = (run_id, observed_at, skipped);
            flat.rejects = rejects
                .into_iter()
                .map(|path| Reject {
                    run_id: flat.call.run_id.clone(),
                    call_key: flat.call.call_key.clone(),
                    path,
                    reason: "x".into(),
                    position: None,
                    sequence: observed_at.as_second(),
                    observed_at,
                })
                .collect();
            Flattened { notes, empty, authors, ..flat }
        },
    )
}

pub(super) fn merged<'a>(flats: impl IntoIterator<Item = &'a Flattened>) -> Merged {
    Merged::of(flats)
}

proptest! {
    #[test]
    fn no_order_repetition_or_split_changes_a_row(
        (flats, shuffled) in prop::collection::vec(flattened(), 0..8)
            .prop_flat_map(|flats| (Just(flats.clone()), Just([flats.clone(), flats].concat()).prop_shuffle())),
        split in 0_usize..17,
    ) {
        let once = merged(&flats);
        prop_assert_eq!(&merged(&shuffled), &once);
        let (left, right) = shuffled.split_at(split.min(shuffled.len()));
        prop_assert_eq!(merged(left).joined(&merged(right)), once);
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        [a, b, c] in prop::array::uniform3(prop::collection::vec(flattened(), 0..4)),
    ) {
        let (a, b, c) = (merged(&a), merged(&b), merged(&c));
        let join = Merged::joined;
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a.clone());
        prop_assert_eq!(join(&a, &merged(&[])), a);
    }

    #[test]
    fn an_answer_kept_twice_counts_as_all_that_either_admits(first in prop::collection::vec(0_u32..6, 0..6), second in prop::collection::vec(0_u32..6, 0..6)) {
        let notes: Vec<Value> = (0..6).map(|at| json!({"id": format!("n{}", at % 4), "likes": at, "title": "t", "sticky": "?"})).collect();
        let answer = listing(&json!(notes));
        let admit = |admitted: Vec<u32>| flatten(&Answer { admitted: Some(admitted), ..answer.clone() });
        let union = [first.clone(), second.clone()].concat();
        let twice = merged(&[admit(first), admit(second)]);
        prop_assert_eq!(twice.call_rows().len(), 1);
        prop_assert_eq!(twice, merged(&[admit(union)]));
    }
}

/// Builds the one note that these answers are about.
pub(super) fn row(answers: &[Answer]) -> NoteRow {
    let merged = merged(&answers.iter().map(flatten).collect::<Vec<_>>());
    let mut rows = merged.note_rows();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn with(mut note: Value, id: &str) -> Value {
    note["id"] = json!(id);
    note
}

pub(super) fn searched(second: i64, note: Value) -> Answer {
    let body = json!({"code": 0, "data": {"items": [with(note, "n1")]}});
    answer("justoneapi", search(1), &body.to_string(), second)
}

pub(super) fn listed(second: i64, note: Value) -> Answer {
    let body = json!({"code": 0, "data": {"notes": [with(note, "n1")]}});
    answer("justoneapi", user_notes("u1"), &body.to_string(), second)
}

pub(super) fn detailed(second: i64, note: Value) -> Answer {
    let body = json!({"code": 0, "data": [{"note_list": [with(note, "n1")]}]});
    answer("justoneapi", detail("n1"), &body.to_string(), second)
}

pub(super) fn gone(second: i64) -> Answer {
    answer("justoneapi", detail("n1"), r#"{"code": 201, "data": null}"#, second)
}

#[expect(clippy::unnecessary_wraps, reason = "stands where a column's value stands")]
pub(super) fn at(second: i64) -> Option<Timestamp> {
    Some("2026-11-22T08:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second))
}

#[test]
fn the_fuller_answer_wins_the_content_whole_and_then_the_newer() {
    let row_of = |answers: &[Answer]| {
        let row = row(answers);
        (row.title, row.ip_location, row.content_source, row.content_observed_at)
    };
    let full = detailed(1, json!({"title": "detail"}));
    let list = listed(2, json!({"title": "list", "ip_location": "上海"}));
    let found = searched(3, json!({"title": "search"}));
    let expected = (Some("detail".into()), None, Some("detail"), at(1));
    assert_eq!(row_of(&[found.clone(), list.clone(), full.clone()]), expected);
    assert_eq!(row_of(&[found, list]), (Some("list".into()), Some("上海".into()), Some("user_notes"), at(2)));
    let newer = detailed(4, json!({"title": "newer"}));
    assert_eq!(row_of(&[newer, full]), (Some("newer".into()), None, Some("detail"), at(4)));
}

#[test]
fn identity_is_told_before_it_is_newer() {
    let told = searched(1, json!({"title": "t", "user": {"userid": "u1"}, "timestamp": 5, "update_time": 6}));
    let row = row(&[told, detailed(2, json!({"title": "t", "time": 7}))]);
    assert_eq!(row.author_id.as_deref(), Some("u1"));
    assert_eq!(row.published_at, Some(Timestamp::from_second(7).unwrap()));
    assert_eq!(row.updated_at, Some(Timestamp::from_second(6).unwrap()));
}

#[test]
fn each_count_is_the_newest_that_was_told() {
    let full = detailed(1, json!({"title": "t", "liked_count": 1, "collected_count": "1.2万", "comments_count": 3}));
    let found = searched(2, json!({"title": "t", "likes": 0, "comments_count": "?"}));
    let row = row(&[found, full]);
    assert_eq!((row.liked_count, row.collected_count), (Some(0), Some(12_000)));
    assert_eq!((row.comment_count, row.share_count), (Some(3), None));
    assert_eq!((row.counts_are_approximate, row.counts_observed_at), (Some(true), at(2)));
}

#[test]
fn the_newest_listing_tells_what_only_listings_tell() {
    let sticky = |row: NoteRow| (row.is_sticky, row.xsec_token);
    let list = listed(1, json!({"title": "t", "sticky": true}));
    let found = searched(2, json!({"title": "t", "xsec_token": "T="}));
    let full = detailed(3, json!({"title": "t", "sticky": true, "xsec_token": "never"}));
    assert_eq!(sticky(row(&[list, found, full.clone()])), (None, Some("T=".into())));
    assert_eq!(sticky(row(&[full])), (None, None));
}

#[test]
fn a_note_is_gone_from_when_it_is_stated_until_any_answer_shows_it() {
    let answers = [searched as fn(i64, Value) -> Answer, listed, detailed];
    for answer in answers {
        let at = |second| answer(second, json!({"title": "t"}));
        assert_eq!(row(&[at(1)]).is_gone, Some(false));
        assert_eq!(row(&[at(1), gone(2)]).is_gone, Some(true));
        assert_eq!(row(&[at(1), gone(2), at(3)]).is_gone, Some(false));
        assert_eq!(row(&[at(1), gone(4), gone(2), at(3)]).is_gone, Some(true));
    }
    assert_eq!(row(&[gone(1)]).is_gone, Some(true));
}

#[test]
fn a_success_that_shows_nothing_changes_nothing_and_gives_no_row() {
    let empty = |second| answer("justoneapi", detail("n1"), r#"{"code": 0, "data": []}"#, second);
    assert_eq!(merged(&[flatten(&empty(1))]).note_rows(), []);
    let found = searched(1, json!({"title": "t"}));
    assert_eq!(row(&[found.clone(), empty(2)]), row(std::slice::from_ref(&found)));
    assert_eq!(row(&[found.clone(), gone(2), empty(3)]), row(&[found, gone(2)]));
}

#[test]
fn a_gone_note_keeps_what_was_known_of_it() {
    let row_of = |answers: &[Answer]| {
        let row = row(answers);
        (row.title, row.hashtags, row.description_is_truncated, row.content_source, row.first_seen_at, row.last_seen_at)
    };
    let full = detailed(1, json!({"title": "t"}));
    let [first, last] = [at(1).unwrap(), at(5).unwrap()];
    let expected = (Some("t".into()), Some(vec![]), Some(false), Some("detail"), first, last);
    assert_eq!(row_of(&[gone(5), full]), expected);
    assert_eq!(row_of(&[gone(5)]), (None, None, None, None, last, last));
}

#[test]
fn of_one_page_the_first_place_wins() {
    let body = json!({"code": 0, "data": {"items": [
        {"id": "n1", "title": "first", "likes": 1}, {"id": "n1", "title": "second", "likes": 2}]}});
    let merged = merged(&[flatten(&answer("justoneapi", search(1), &body.to_string(), 0))]);
    let rows = merged.note_rows();
    assert_eq!((rows[0].title.as_deref(), rows[0].liked_count), (Some("first"), Some(1)));
    let metrics = merged.note_metric_rows();
    assert_eq!((metrics.len(), metrics[0].liked_count), (1, Some(1)));
    assert_eq!(merged.hit_rows().len(), 2);
}

#[test]
fn a_profile_beats_what_notes_show_whole() {
    let stub = searched(9, json!({"title": "t", "user": {"userid": "u1", "nickname": "newer", "red_id": "7"}}));
    let full = answer("justoneapi", profile("u1"), r#"{"code": 0, "data": {"nickname": "profile", "fans": 3}}"#, 1);
    let rows = |answers: &[&Answer]| -> Vec<AuthorRow> {
        merged(&answers.iter().map(|answer| flatten(answer)).collect::<Vec<_>>()).author_rows()
    };
    let [row] = <[AuthorRow; 1]>::try_from(rows(&[&stub, &full])).unwrap();
    assert_eq!((row.nickname.as_deref(), row.red_id, row.fans_count), (Some("profile"), None, Some(3)));
    assert_eq!((row.profile_source, Some(row.profile_observed_at)), ("profile", at(1)));
    assert_eq!((Some(row.first_seen_at), Some(row.last_seen_at)), (at(1), at(9)));
    let [row] = <[AuthorRow; 1]>::try_from(rows(&[&stub])).unwrap();
    assert_eq!((row.profile_source, row.red_id.as_deref()), ("note", Some("7")));
}

#[test]
fn an_observation_without_any_count_is_no_metric() {
    let merged = merged(&[flatten(&searched(1, json!({"title": "t", "likes": ""}))), flatten(&gone(2))]);
    assert_eq!(merged.note_metric_rows(), []);
    assert_eq!(merged.author_metric_rows(), []);
}
