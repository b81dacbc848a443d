//! Paths, types and bounds.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::{self, tape_of};

fn counted(bodies: &[Value]) -> Shape {
    let mut shape = Shape::default();
    bodies.iter().enumerate().for_each(|(at, body)| shape.count(tape_of(body).root(), &format!("call {at}")));
    shape
}

/// Every path on a line: `a.b[] number 2, string 1`.
fn lines(shape: &Shape) -> Vec<String> {
    let line = |seen: &SeenPath<'_>| {
        let kinds: Vec<String> = seen.kinds.iter().map(|(kind, n, _)| format!("{} {n}", kind.as_str())).collect();
        format!("{} {}", seen.path, kinds.join(", "))
    };
    let mut lines: Vec<String> = shape.paths().iter().skip(1).map(line).collect();
    lines.sort();
    lines
}

#[test]
fn paths_and_types_are_those_of_the_bodies() {
    let cases: &[(&[Value], &[&str])] = &[
        (
            &[json!({"a": 1, "b": {"c": "x", "d": true}})],
            &["a number 1", "b object 1", "b.c string 1", "b.d boolean 1"],
        ),
        (&[json!({"a": [1, "x", 2]})], &["a array 1", "a[] number 1, string 1"]),
        (
            &[json!({"a": [{"b": 1}, {"b": 2}, {"c": 3}]})],
            &["a array 1", "a[] object 1", "a[].b number 1", "a[].c number 1"],
        ),
        (&[json!([[1]])], &["[] array 1", "[][] number 1"]),
        // Null is no value.
        (&[json!({"a": null}), json!({"a": 1.5})], &["a number 1"]),
        (&[json!({"a": 1}), json!({"a": "1"}), json!({"a": 2})], &["a number 2, string 1"]),
        (&[json!({"a": {}}), json!({"a": []})], &["a array 1, object 1"]),
        // What is data is no name.
        (
            &[json!({"users": {"5c2f338a000000000701e1c6": {"n": 1}, "123": {"n": 2}, "防晒": {"m": 3}, "": 4}})],
            &["users object 1", "users{} number 1, object 1", "users{}.m number 1", "users{}.n number 1"],
        ),
        (&[json!({"total": 2, "2026-11-22": {"n": 1}})], &["total number 1", "{} object 1", "{}.n number 1"]),
        (
            &[json!({"h264": 1, "video_1080p": 2, "user_1234567": 3})],
            &["h264 number 1", "video_1080p number 1", "{} number 1"],
        ),
        (&[json!({"a.b": 1, "a[]": 2, "\u{1b}[31m": 3})], &["{} number 1"]),
    ];
    for (bodies, expected) in cases {
        assert_eq!(lines(&counted(bodies)), *expected, "{bodies:?}");
    }
}

#[test]
fn each_path_has_the_first_call_that_showed_it() {
    let shape = counted(&[json!({"a": 1}), json!({"a": "x", "b": 1}), json!({"a": "y", "b": 2})]);
    let of = |path: &str| shape.paths().into_iter().find(|seen| seen.path == path).unwrap().kinds;
    assert_eq!(of("a"), [(Kind::Number, 1, "call 0"), (Kind::String, 2, "call 1")]);
    assert_eq!(of("b"), [(Kind::Number, 2, "call 1")]);
}

#[test]
fn hostile_bodies_stay_small() {
    let many: serde_json::Map<String, Value> = (0..99_000).map(|at| (word(at), json!({"x": at}))).collect();
    let mut shape = counted(&[Value::Object(many)]);
    assert_eq!(lines(&shape), ["{} object 1", "{}.x number 1"]);
    // Few at a time, but always others.
    for at in 0..5_000 {
        shape.count(tape_of(&json!({ word(at): 1 })).root(), "c");
    }
    assert!(shape.paths().len() <= MOST_NAMES + 2, "{}", shape.paths().len());
    assert!(shape.paths()[0].is_crowded && !shape.is_full());
    // Everywhere others.
    for at in 0..50_000 {
        shape.count(tape_of(&json!({ word(at / 400): { word(at / 20): { word(at): 1 } } })).root(), "c");
    }
    assert!(shape.is_full() && shape.paths().len() == MOST_PATHS);
    let deep =
        json::parse(format!("{}1{}", "{\"a\":[".repeat(40), "]}".repeat(40)).as_bytes()).unwrap().root().to_value();
    let long = counted(&[deep, json!({ "x".repeat(5_000): 1 })]);
    assert!(long.paths().iter().all(|seen| seen.path.len() <= LONGEST_PATH));
    assert!(shape.to_json().len() < 1 << 20);
}

/// A name of letters alone, another for each number.
fn word(mut number: usize) -> String {
    let mut word = String::from("w");
    while number > 0 {
        word.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    word
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[a-c1]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-c]{1,2}|[0-9]{2}", inner), 0..5)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn the_order_of_answers_counts_for_nothing(bodies in proptest::collection::vec(any_json(), 0..8)) {
        let forth = counted(&bodies);
        let back: Vec<Value> = bodies.into_iter().rev().collect();
        prop_assert_eq!(lines(&forth), lines(&counted(&back)));
    }

    #[test]
    fn a_shape_that_was_written_goes_on_as_if_it_had_not(
        before in proptest::collection::vec(any_json(), 0..5),
        after in proptest::collection::vec(any_json(), 0..5),
    ) {
        let whole = counted(&[before.clone(), after.clone()].concat());
        let mut resumed = Shape::parse(&counted(&before).to_json()).unwrap();
        for (at, body) in after.iter().enumerate() {
            resumed.count(tape_of(body).root(), &format!("call {}", before.len() + at));
        }
        prop_assert_eq!(whole.to_json(), resumed.to_json());
    }
}
