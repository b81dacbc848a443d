//! What the crawl sees of a note is what the tables show of it.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::note;
use crate::extract::fields;
use crate::flatten::fixtures::{answer, detail, search};
use crate::flatten::flatten;
use crate::model::{Call, NoteObservation, NoteTypeFilter};
use crate::vendor::{self, NoteRef};

/// Reads a body of Just One as the crawl does, and as the build does.
fn both(call: &Call, data: &Value) -> (Vec<NoteRef>, Vec<NoteObservation>) {
    let body = json!({"code": 0, "data": data}).to_string();
    let answer = answer("justoneapi", call.clone(), &body, 0);
    let description = vendor::builtin("justoneapi").unwrap();
    let version = description.call(call.endpoint(), None).unwrap();
    let reading = vendor::read(&description, version, call, 200, body.as_bytes(), answer.observed_at);
    (reading.page.notes, flatten(&answer).notes)
}

/// Says in which way the two differ.
fn differences(seen: &NoteRef, told: &NoteObservation) -> Vec<&'static str> {
    let note_type = told.content.as_ref().and_then(|content| content.note_type.as_deref());
    let is_known = |word: &&str| matches!(*word, "video" | "image");
    let updated = seen.counts.updated_at.filter(|time| *time != Timestamp::UNIX_EPOCH);
    let is_sticky = told.listing.as_ref().map(|listing| listing.is_sticky);
    let same = [
        ("id", seen.id == told.note_id && seen.position == told.seen.position.0),
        ("author", seen.author == told.author_id),
        ("published", seen.published_at == told.published_at.or_else(|| told.note_id.created_at())),
        ("updated", updated == told.updated_at.filter(|time| *time != Timestamp::UNIX_EPOCH)),
        ("type", seen.note_type.map(NoteTypeFilter::as_str) == note_type.filter(is_known)),
        ("sticky", is_sticky.is_none_or(|told| told == seen.sticky)),
        ("counts", seen.counts.counts == told.counts),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect()
}

fn assert_same(items: &[Value]) {
    let searched = both(&search(1), &json!({"items": items}));
    // A detail shows one note; any other beside it is left out.
    let id = searched.0.first().map_or("n1", |note| note.id.as_str()).to_owned();
    for (seen, told) in [searched, both(&detail(&id), &json!([{"note_list": items.get(..1)}]))] {
        assert_eq!(seen.len(), told.len(), "{items:?}");
        for (seen, told) in seen.iter().zip(&told) {
            assert_eq!(differences(seen, told), [""; 0], "{items:?}: {seen:?} and {told:?}");
        }
    }
}

#[test]
fn a_value_that_says_nothing_gives_way_for_the_crawl_too() {
    for odd in [
        json!({"user": {"userid": "", "user_id": "x"}}),
        json!({"user": {}, "author": {"id": "x"}}),
        json!({"user": "x", "author": {"id": "x"}}),
        json!({"liked_count": "", "likes": 12}),
        json!({"liked_count": "many", "likes": 12}),
        json!({"liked_count": "", "interact_info": {"liked_count": "1.2万"}}),
        json!({"interact_info": {}, "interactInfo": {"likes": 3}}),
        json!({"interact_info": {"sticky": true}}),
        json!({"sticky": "maybe", "is_sticky": 1}),
        json!({"type": "", "note_type": "video"}),
        json!({"type": 5, "note_type": "normal"}),
        json!({"timestamp": "soon", "create_time": 1_700_000_000}),
        json!({"update_time": "", "last_update_time": 1_700_000_000}),
        json!({"id": "", "note_id": "n7"}),
    ] {
        assert_same(&[note(odd)]);
    }
}

/// Odd values: of the wrong kind, blank, of any spelling.
fn odd() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!(" ")),
        Just(json!([])),
        Just(json!({})),
        any::<bool>().prop_map(|value| json!(value)),
        (0_i64..20).prop_map(|value| json!(value)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(1_700_000_000)),
        Just(json!(1_700_000_000_000_i64)),
        "(u[0-9]|1\\.[0-9]万|10\\+|video|normal|live|true|no|[0-9]{1,3}|01-02 广东|昨天|../x)"
            .prop_map(|text| json!(text)),
    ];
    let names: Vec<&str> =
        [fields::USER_ID, fields::LIKED, fields::COLLECTED, fields::SHARED, fields::STICKY, fields::NICKNAME].concat();
    let inside = prop::collection::vec((prop::sample::select(names), leaf.clone()), 0..4);
    let object = inside.prop_map(|fields| json!(fields.into_iter().collect::<std::collections::BTreeMap<_, _>>()));
    prop_oneof![4 => leaf, 2 => object.clone(), 1 => object.prop_map(|object| json!([object]))]
}

fn odd_note() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = [
        fields::NOTE_ID,
        fields::AUTHOR,
        fields::LIKED,
        fields::COLLECTED,
        fields::COMMENTS,
        fields::SHARED,
        fields::COUNTS_INSIDE,
        fields::PUBLISHED,
        fields::UPDATED,
        fields::STICKY,
        fields::NOTE_TYPE,
    ]
    .concat();
    let fields = prop::collection::vec((prop::sample::select(names), odd()), 0..8);
    (fields, any::<bool>(), 0..9).prop_map(|(fields, is_wrapped, id)| {
        let mut object = Map::new();
        object.insert("display_title".into(), json!("t"));
        object.insert("noteId".into(), json!(format!("n{id}")));
        object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if is_wrapped { json!({"model_type": "note", "note": object}) } else { Value::Object(object) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_the_crawl_sees_of_a_note_is_what_the_table_shows(items in prop::collection::vec(odd_note(), 1..4)) {
        assert_same(&items);
    }
}
