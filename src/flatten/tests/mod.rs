//! The readers against the vendors' samples, and against odd shapes made up after what vendors really send.

mod answers;
mod notes;
mod one_reader;
mod profiles;
mod samples;
mod told;

use serde_json::{Value, json};

use super::Flattened;

/// Makes a note of these fields and the least that a note has.
fn note(fields: Value) -> Value {
    let mut note = json!({"id": "n1", "title": "t", "user": {"userid": "u1"}});
    if let (Value::Object(note), Value::Object(fields)) = (&mut note, fields) {
        note.extend(fields);
    }
    note
}

/// Lists what could not be read.
fn told(flat: &Flattened) -> Vec<(&str, &str)> {
    flat.rejects.iter().map(|reject| (reject.path.as_str(), reject.reason.as_str())).collect()
}
