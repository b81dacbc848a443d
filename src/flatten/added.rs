//! The columns that a job adds: values read where its pointers say.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::tables::{AddedColumn, ColumnType};
use crate::extract::{Object, fields, is_blank};
use crate::json::{Node, View};
use crate::model::{Extra, Float, read_count, read_time};

/// Reads the added columns of one object, in the order of their names. What is of another type is noted, and null.
pub(super) fn read_added(
    columns: &BTreeMap<String, AddedColumn>,
    object: &Object<'_>,
    now: Timestamp,
) -> Vec<Option<Extra>> {
    columns.values().map(|column| object.pointed(&column.path, |value| read(value, column.kind, now))).collect()
}

fn read(value: Node<'_>, kind: ColumnType, now: Timestamp) -> Result<Option<Extra>, &'static str> {
    if value.is_null() || (kind != ColumnType::Json && is_blank(value)) {
        return Ok(None);
    }
    let read = match (kind, value.view()) {
        (ColumnType::Json, _) => Ok(Extra::Json(value.to_string())),
        (ColumnType::String, View::Text(text)) => Ok(Extra::Text(text.to_owned())),
        (ColumnType::String, View::Number(number)) => Ok(Extra::Text(number.to_string())),
        (ColumnType::String, _) => Err("is no text"),
        (ColumnType::Int64, _) => whole(value).map(Extra::Whole).ok_or("is no whole number"),
        (ColumnType::Float64, _) => number(value).map(|number| Extra::Number(Float(number))).ok_or("is no number"),
        (ColumnType::Bool, _) => fields::truth(value).map(Extra::Truth).ok_or("is neither yes nor no"),
        (ColumnType::Timestamp, _) => return Ok(read_time(Some(value), now)?.map(Extra::Time)),
    };
    read.map(Some)
}

/// Reads a whole number of either sign, or a count in any spelling: `1.2万` is 12000.
fn whole(value: Node<'_>) -> Option<i64> {
    match value.view() {
        View::Number(number) => number.as_i64().or_else(|| {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
            whole.map(|number| number as i64)
        }),
        View::Text(text) => text.trim().parse().ok().or_else(|| counted(value)),
        _ => None,
    }
}

/// Reads a number, or a count in any spelling; what Rust alone calls a number, such as `inf`, is none.
fn number(value: Node<'_>) -> Option<f64> {
    match value.view() {
        View::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        View::Text(text) => {
            let text = text.trim();
            let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            let number = if plain { text.parse().ok() } else { counted(value).map(|count| count as f64) };
            number.filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

fn counted(value: Node<'_>) -> Option<i64> {
    read_count(Some(value)).ok()?.map(|count| count.value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::tape_of;

    fn now() -> Timestamp {
        "2026-03-05T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn values_are_read_in_every_spelling_that_vendors_use() {
        use ColumnType::{Bool, Float64, Int64, Json, String, Timestamp};
        let text = |text: &str| Ok(Some(Extra::Text(text.into())));
        let json_text = |text: &str| Ok(Some(Extra::Json(text.into())));
        let (whole, real) = (|number| Ok(Some(Extra::Whole(number))), |number| Ok(Some(Extra::Number(Float(number)))));
        let second = Ok(Some(Extra::Time("2023-01-03T02:00:23Z".parse().unwrap())));
        let cases = [
            (String, json!("a b"), text("a b")),
            (String, json!(7.50), text("7.5")),
            (String, json!(" "), Ok(None)),
            (String, json!({}), Ok(None)),
            (String, json!(true), Err("is no text")),
            (String, json!(["a"]), Err("is no text")),
            (Int64, json!(-3), whole(-3)),
            (Int64, json!(3.0), whole(3)),
            (Int64, json!(" 12 "), whole(12)),
            (Int64, json!("-12"), whole(-12)),
            (Int64, json!("3,210"), whole(3210)),
            (Int64, json!("1.2万"), whole(12_000)),
            (Int64, json!(""), Ok(None)),
            (Int64, json!(1.5), Err("is no whole number")),
            (Int64, json!("1.5"), Err("is no whole number")),
            (Int64, json!("-1.5"), Err("is no whole number")),
            (Int64, json!(u64::MAX), Err("is no whole number")),
            (Int64, json!(false), Err("is no whole number")),
            (Float64, json!(1), real(1.0)),
            (Float64, json!("-1.5e3"), real(-1500.0)),
            (Float64, json!("1.2万"), real(12_000.0)),
            (Float64, json!("inf"), Err("is no number")),
            (Float64, json!("NaN"), Err("is no number")),
            (Float64, json!("1e999"), Err("is no number")),
            (Float64, json!([1.0]), Err("is no number")),
            (Bool, json!(1), Ok(Some(Extra::Truth(true)))),
            (Bool, json!("False"), Ok(Some(Extra::Truth(false)))),
            (Bool, json!("maybe"), Err("is neither yes nor no")),
            (Timestamp, json!(1_672_711_223), second),
            (Timestamp, json!(0), Ok(None)),
            (Timestamp, json!("soon"), Err("is no time")),
            (Json, json!({"b": [1, null], "a": "\""}), json_text(r#"{"b":[1,null],"a":"\""}"#)),
            (Json, json!(""), json_text("\"\"")),
            (Json, json!([]), json_text("[]")),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(read(tape_of(&value).root(), kind, now()), expected, "{value} as {kind:?}");
            assert_eq!(read(tape_of(&Value::Null).root(), kind, now()), Ok(None), "{kind:?}");
        }
    }
}
