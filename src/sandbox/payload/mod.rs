//! Answers in the vendors' own shapes: the same fields, nesting and size, filled from the universe.
//!
//! What never varies stands in `templates/`; the code fills in the rest.

mod count;
mod detail;
mod listed;
mod media;
mod profile;
mod search;

use serde_json::{Value, json};

use super::universe::{Draws, Note, Universe, User};

/// Words the universe's facts as the vendors do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payloads<'a>(pub(crate) &'a Universe);

impl Payloads<'_> {
    /// Begins draws that belong to one note or user and one purpose.
    fn draws(self, purpose: &str, number: u32) -> Draws {
        Draws::new(self.0.seed(), purpose, u64::from(number))
    }

    fn xsec_token(self, number: u32) -> String {
        format!("YB{}=", self.draws("token", number).token(42))
    }

    fn avatar(self, user: &User, width: u32) -> String {
        let file = self.draws("avatar", user.number).hex(24);
        format!("https://sns-avatar.sandbox.invalid/avatar/{file}.jpg?imageView2/2/w/{width}/format/jpg")
    }

    /// Adds fields that no reader needs and that break readers with floats for integers.
    fn add_odd_fields(self, note: &mut Value) {
        if self.0.is_odd() {
            note["video_id"] = json!(137_728_697_860_969_105_i64);
            note["score"] = json!(u64::MAX);
        }
    }
}

/// Returns the millisecond of the last edit as listings and details write it; 0 where there was none.
fn last_update_time(note: &Note) -> i64 {
    if note.is_edited { note.updated * 1000 } else { 0 }
}

fn note_type(note: &Note) -> &'static str {
    if note.is_video { "video" } else { "normal" }
}

fn widgets_context(user: &User) -> String {
    json!({"flags": {}, "author_id": user.id, "author_name": user.nickname}).to_string()
}

/// Parses what never varies of an answer.
fn template(text: &str) -> Value {
    // The templates are part of the program, and a test parses each.
    serde_json::from_str(text).unwrap_or_default()
}

/// Adds the fields of one object to another.
fn fill(object: &mut Value, fields: Value) {
    if let (Value::Object(object), Value::Object(fields)) = (object, fields) {
        object.extend(fields);
    }
}

#[cfg(test)]
mod tests;
