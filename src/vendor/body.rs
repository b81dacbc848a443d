//! Bodies from the network to JSON, whatever their depth, encoding and doubled keys.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::mend::mended;

/// Deeper values are read as null: no field of ours lies that deep, and recursion stays bounded.
const MAX_DEPTH: usize = 96;
/// A body of more values is refused: a page has some ten thousand, and each takes up to 300 bytes of memory.
const MAX_VALUES: u32 = 200_000;
/// What is nearly text or nearly JSON is mended up to this size, for the copies may be much larger.
const MAX_MENDED: usize = 4 << 20;

/// Says why a body is no JSON, without repeating any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It ends in the middle.
    #[error("is cut short")]
    Cut,
    /// It is larger than what is mended, and no UTF-8.
    #[error("is no text")]
    NotText,
    /// It holds more values than any page has.
    #[error("holds more than {MAX_VALUES} values")]
    TooManyValues,
    /// It is something else, an HTML page for instance.
    #[error("is no JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first offence, from 1.
        line: usize,
        /// Column of the first offence, from 1.
        column: usize,
    },
}

/// Parses a body. Invalid UTF-8 becomes U+FFFD, the last of doubled keys holds, and depth is cut, not refused.
///
/// What is nearly JSON is mended and read: half emoji, raw line breaks in text, `NaN`, words after the end.
pub fn parse_body(bytes: &[u8]) -> Result<Value, BodyError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if bytes.len() > MAX_MENDED => return Err(BodyError::NotText),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Err(BodyError::Empty);
    }
    let strict = parse(text, true);
    match strict {
        Err(BodyError::NotJson { .. }) if bytes.len() <= MAX_MENDED && text.starts_with(['{', '[']) => {
            parse(&mended(text), false).or(strict)
        }
        strict => strict,
    }
}

fn parse(text: &str, to_the_end: bool) -> Result<Value, BodyError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let left = Cell::new(MAX_VALUES);
    let mut value = Bounded { depth: MAX_DEPTH, left: &left }.deserialize(&mut deserializer);
    if to_the_end {
        value = value.and_then(|value| deserializer.end().map(|()| value));
    }
    value.map_err(|error| match error.classify() {
        _ if left.get() == 0 => BodyError::TooManyValues,
        serde_json::error::Category::Eof => BodyError::Cut,
        _ => BodyError::NotJson { line: error.line(), column: error.column() },
    })
}

/// Builds a value of at most this many levels; what lies deeper is skipped without recursion.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    depth: usize,
    /// How many values may still come.
    left: &'a Cell<u32>,
}

impl Bounded<'_> {
    fn inside(self) -> Self {
        Self { depth: self.depth - 1, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            return Err(serde::de::Error::custom("too many values"));
        }
        if self.depth == 0 {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(Value::Null);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inside())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            values.insert(key, map.next_value_seed(self.inside())?);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn odd_bodies_are_read() {
        assert_eq!(parse_body("\u{feff}{\"a\":1}".as_bytes()), Ok(json!({"a": 1})));
        assert_eq!(parse_body(b"{\"a\":1,\"a\":2}"), Ok(json!({"a": 2})));
        assert_eq!(parse_body(b"{\"a\":\"\xff\"}"), Ok(json!({"a": "\u{fffd}"})));
        assert_eq!(parse_body(b"{\"a\":9007199254740993}"), Ok(json!({"a": 9_007_199_254_740_993_i64})));
    }

    #[test]
    fn what_is_no_json_is_told_without_its_content() {
        assert_eq!(parse_body(b" \n"), Err(BodyError::Empty));
        assert_eq!(parse_body(b"{\"code\":0,\"data\":[1,"), Err(BodyError::Cut));
        assert_eq!(parse_body(b"<html>"), Err(BodyError::NotJson { line: 1, column: 1 }));
        assert!(matches!(parse_body(b"{nonsense}"), Err(BodyError::NotJson { .. })));
    }

    #[test]
    fn what_is_nearly_json_is_read() {
        let cases = [
            (r#"{"a":"cut \ud83d"}"#, json!({"a": "cut \u{fffd}"})),
            (
                r#"{"a":"\ude00 and \ud83d\ude00 and \ud83d\ud83d"}"#,
                json!({"a": "\u{fffd} and 😀 and \u{fffd}\u{fffd}"}),
            ),
            ("{\"a\":\"tab\tline\nbell\u{1}\"}", json!({"a": "tab\tline\nbell\u{1}"})),
            (
                r#"{"a":NaN,"b":-Infinity,"c":1e999,"d":-1.5e-3}"#,
                json!({"a": null, "b": null, "c": null, "d": -0.0015}),
            ),
            (r#"{"a":"\x NaN","b":[NaN]}"#, json!({"a": "x NaN", "b": [null]})),
            (r#"{"a":"\u12"}"#, json!({"a": "\u{fffd}12"})),
            ("{\"a\":1}\n<!-- cached -->", json!({"a": 1})),
            ("{\"a\":1}{\"a\":2}", json!({"a": 1})),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_body(text.as_bytes()), Ok(expected), "{text}");
        }
        assert_eq!(parse_body(br#"{"a":"cut \ud8"#), Err(BodyError::Cut));
    }

    #[test]
    fn a_very_deep_field_costs_neither_the_page_nor_the_stack() {
        let deep = format!("{{\"odd\":{}{},\"id\":\"n1\"}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse_body(deep.as_bytes()).unwrap()["id"], "n1");
    }

    #[test]
    fn a_flood_of_values_is_refused() {
        let flood = format!("[{}{{}}]", "{},".repeat(200_000));
        assert_eq!(parse_body(flood.as_bytes()), Err(BodyError::TooManyValues));
        let page = format!("[{}{{}}]", "{},".repeat(100_000));
        assert!(parse_body(page.as_bytes()).is_ok());
    }

    #[test]
    fn a_large_body_is_read_only_if_it_is_sound() {
        let padded = |odd: &str| format!("{{\"a\":\"{}\",\"b\":{odd}}}", "x".repeat(MAX_MENDED)).into_bytes();
        assert_eq!(parse_body(&padded("1")).unwrap()["b"], 1);
        assert!(matches!(parse_body(&padded("NaN")), Err(BodyError::NotJson { .. })));
        let mut binary = padded("1");
        binary[9] = 0xff;
        assert_eq!(parse_body(&binary), Err(BodyError::NotText));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_body(&bytes);
        }
    }
}
