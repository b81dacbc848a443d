//! Bodies from the network to JSON, whatever their depth, encoding and doubled keys.

use std::borrow::Cow;

use serde_json::error::Category;

use super::repair::repaired;
use super::tape::{MAX_VALUES, Tape, TapeError};

/// What is nearly text or nearly JSON is repaired up to this size, for the copies may be much larger.
const MAX_REPAIRED: usize = 4 << 20;

/// Says why a body is no JSON, without repeating any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It ends in the middle.
    #[error("is cut short")]
    Cut,
    /// It is larger than what is repaired, and no UTF-8.
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

/// Parses a body. Invalid UTF-8 becomes U+FFFD, the last of duplicate names wins, and depth is cut, not refused.
///
/// What is nearly JSON is repaired and read: half emoji, raw line breaks in text, `NaN`, words after the end.
///
/// # Errors
///
/// What the body is instead of JSON.
pub fn parse(bytes: &[u8]) -> Result<Tape<'_>, BodyError> {
    let text = match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if bytes.len() > MAX_REPAIRED => return Err(BodyError::NotText),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    };
    if text.is_empty() {
        return Err(BodyError::Empty);
    }
    let is_repairable = bytes.len() <= MAX_REPAIRED && text.starts_with(['{', '[']);
    match Tape::parse(text.clone(), false).map_err(BodyError::from) {
        Err(error @ BodyError::NotJson { .. }) if is_repairable => {
            Tape::parse(Cow::Owned(repaired(&text)), true).map_err(|_| error)
        }
        parsed => parsed,
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

impl From<TapeError> for BodyError {
    fn from(error: TapeError) -> Self {
        match error {
            TapeError::TooManyValues => Self::TooManyValues,
            TapeError::Json(error) if error.classify() == Category::Eof => Self::Cut,
            TapeError::Json(error) => Self::NotJson { line: error.line(), column: error.column() },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, BodyError> {
        parse(bytes).map(|tape| tape.root().to_value())
    }

    #[test]
    fn odd_bodies_are_read() {
        assert_eq!(read("\u{feff}{\"a\":1}".as_bytes()), Ok(json!({"a": 1})));
        assert_eq!(read(b"{\"a\":1,\"a\":2}"), Ok(json!({"a": 2})));
        assert_eq!(read(b"{\"a\":\"\xff\"}"), Ok(json!({"a": "\u{fffd}"})));
        assert_eq!(read(b"{\"a\":9007199254740993}"), Ok(json!({"a": 9_007_199_254_740_993_i64})));
    }

    #[test]
    fn what_is_no_json_is_told_without_its_content() {
        assert_eq!(read(b" \n"), Err(BodyError::Empty));
        assert_eq!(read(b"{\"code\":0,\"data\":[1,"), Err(BodyError::Cut));
        assert_eq!(read(b"<html>"), Err(BodyError::NotJson { line: 1, column: 1 }));
        assert!(matches!(read(b"{nonsense}"), Err(BodyError::NotJson { .. })));
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
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
        assert_eq!(read(br#"{"a":"cut \ud8"#), Err(BodyError::Cut));
    }

    #[test]
    fn a_very_deep_field_costs_neither_the_page_nor_the_stack() {
        let deep = format!("{{\"odd\":{}{},\"id\":\"n1\"}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(deep.as_bytes()).unwrap()["id"], "n1");
    }

    #[test]
    fn a_flood_of_values_is_refused() {
        let flood = format!("[{}{{}}]", "{},".repeat(200_000));
        assert_eq!(read(flood.as_bytes()), Err(BodyError::TooManyValues));
        let page = format!("[{}{{}}]", "{},".repeat(100_000));
        assert!(read(page.as_bytes()).is_ok());
    }

    #[test]
    fn a_large_body_is_read_only_if_it_is_sound() {
        let padded = |odd: &str| format!("{{\"a\":\"{}\",\"b\":{odd}}}", "x".repeat(MAX_REPAIRED)).into_bytes();
        assert_eq!(read(&padded("1")).unwrap()["b"], 1);
        assert!(matches!(read(&padded("NaN")), Err(BodyError::NotJson { .. })));
        let mut binary = padded("1");
        binary[9] = 0xff;
        assert_eq!(read(&binary), Err(BodyError::NotText));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
