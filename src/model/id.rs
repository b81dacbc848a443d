//! Ids of notes and users: text that is safe to store, compare and show.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::Scalar;

/// Says why a text is no id. It never repeats the text, which comes from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text is longer than 64 bytes.
    #[error("is longer than 64 characters")]
    TooLong,
    /// The text has something other than ASCII letters, digits, `-` and `_`.
    #[error("holds something other than letters, digits, `-` and `_`")]
    OddCharacter,
    /// The JSON value is neither text nor an integer.
    #[error("is neither text nor an integer")]
    NotText,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > 64 {
        return Err(IdError::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(IdError::OddCharacter);
    }
    Ok(())
}

/// Reads an id that a vendor wrote as text or as an integer; `Ok(None)` where it told none.
pub fn read_id<'a>(value: Option<impl Into<Scalar<'a>>>) -> Result<Option<String>, IdError> {
    let text = match value.map_or(Scalar::Null, Into::into) {
        Scalar::Null => return Ok(None),
        Scalar::Text(text) if text.trim().is_empty() => return Ok(None),
        Scalar::Text(text) => text.trim().to_owned(),
        Scalar::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err(IdError::NotText),
    };
    check(&text).map(|()| Some(text))
}

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("Names one ", $what, ": usually 24 hex digits, whose first 8 are the second it was created.")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text as an id, or says why it is none.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.to_owned()))
            }

            /// Returns the id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Tells when it was created, from the id itself; `None` unless it is 24 hex digits.
            pub fn created_at(&self) -> Option<Timestamp> {
                if self.0.len() != 24 || !self.0.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                let seconds = i64::from_str_radix(self.0.get(..8)?, 16).ok()?;
                Timestamp::from_second(seconds).ok()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(NoteId, "note");
id!(UserId, "user");

impl UserId {
    /// Makes an id that stands in the place of a real one: `u_` and 24 hex digits, which no vendor's id is.
    pub fn pseudonym(digest: [u8; 12]) -> Self {
        Self(format!("u_{}", super::hex(&digest)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_creation_second_of_the_samples_is_in_the_id() {
        let id = NoteId::parse("63b38c37000000001e03de92").unwrap();
        assert_eq!(id.created_at().unwrap().as_second(), 1_672_711_223);
        assert_eq!(NoteId::parse("not-hex").unwrap().created_at(), None);
    }

    #[test]
    fn ids_that_could_leave_a_folder_or_a_line_are_refused() {
        for text in ["", "../x", "a/b", "a%2Fb", "a=b", "a\0b", "a b", "笔记", "a\nb", "uuid#1700000000"] {
            assert!(NoteId::parse(text).is_err(), "{text:?}");
        }
        assert!(NoteId::parse(&"a".repeat(65)).is_err());
    }

    #[test]
    fn ids_are_read_from_text_and_from_integers_of_any_size() {
        let cases = [
            (json!("abc"), Ok(Some("abc".to_owned()))),
            (json!(7_562_924_715_011_712_001_i64), Ok(Some("7562924715011712001".to_owned()))),
            (json!(18_446_744_073_709_551_615_u64), Ok(Some("18446744073709551615".to_owned()))),
            (json!(""), Ok(None)),
            (json!(null), Ok(None)),
            (json!(1.5), Err(IdError::NotText)),
            (json!(["a"]), Err(IdError::NotText)),
            (json!("a/b"), Err(IdError::OddCharacter)),
        ];
        for (value, expected) in cases {
            assert_eq!(read_id(Some(&value)), expected, "{value}");
        }
    }
}
