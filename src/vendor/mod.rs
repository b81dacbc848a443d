//! Vendors as data: a description says how to ask and where to look; one reader understands all of them.
//!
//! ```text
//! Call ──request()──▶ Request        body ──read()──▶ Reading { outcome, page }
//! ```
//!
//! Nothing here does I/O, and nothing here holds a key.

mod description;
mod envelope;
mod page;
mod request;
mod shape;

pub use description::{CallVersion, Description, KeyPlace, builtin, builtin_names};
pub use page::{ListedCounts, NoteRef, Page};
pub use request::{Request, request};
pub use shape::{Kind, SeenPath, Shape};

use jiff::Timestamp;

use crate::json::{self, BodyError, Tape};
use crate::model::{Billed, Call, Outcome};

/// What an HTTP answer says, read without any knowledge of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What follows from it.
    pub outcome: Outcome,
    /// The vendor's code, as text.
    pub code: Option<String>,
    /// Whether the vendor charges for it.
    pub billed: Billed,
    /// Why it is not a fact; none where it is.
    pub reason: Option<String>,
    /// Whether the vendor says that it does not serve this version of the call any more.
    pub retired: bool,
    /// What it shows; empty unless the outcome is a fact.
    pub page: Page,
}

/// Reads one HTTP answer: the body's code first, whatever the status says.
pub fn read(
    vendor: &Description,
    version: &CallVersion,
    call: &Call,
    status: u16,
    body: &[u8],
    now: Timestamp,
) -> Reading {
    let parsed = json::parse(body);
    let nothing = Tape::default();
    let root = parsed.as_ref().unwrap_or(&nothing).root();
    let verdict = envelope::judge(&vendor.envelope, status, body, root);
    let mut reading = Reading {
        outcome: verdict.outcome,
        code: verdict.code,
        billed: verdict.billed,
        reason: verdict.reason,
        retired: verdict.retired,
        page: Page::default(),
    };
    if matches!(reading.outcome, Outcome::Empty | Outcome::Gone) {
        reading.outcome = Outcome::of_nothing(call.endpoint(), reading.code.as_deref(), true);
    }
    if reading.outcome != Outcome::Ok {
        if let (Err(error), true) = (&parsed, reading.code.is_none()) {
            reading.reason = Some(format!("HTTP {status}: the body {error}"));
            // Asked again, it would come again.
            if *error == BodyError::TooManyValues {
                reading.outcome = Outcome::Reject;
            }
        }
        return reading;
    }
    reading.page = page::read_page(version, call, root, &verdict.data_path, now);
    if reading.page.is_empty() {
        reading.outcome = Outcome::of_nothing(call.endpoint(), reading.code.as_deref(), false);
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_from_a_front_is_unbilled() {
        let description = builtin("justoneapi").unwrap();
        let call = Call::NoteDetail { note_id: crate::model::NoteId::parse("n1").unwrap() };
        let version = description.call(call.endpoint(), None).unwrap();
        let billed = |body: &[u8]| read(&description, version, &call, 200, body, Timestamp::UNIX_EPOCH).billed;
        for body in ["<html>busy</html>", "  <!doctype html><p>502", "busy", "\"ok\"", "1"] {
            assert_eq!(billed(body.as_bytes()), Billed::No, "{body}");
        }
        let envelope = "{\"code\":0,\"data\":[]";
        for body in [
            "",
            envelope,
            &format!("\u{feff}{envelope},}}"),
            &format!("callback({envelope}}})"),
            &format!(")]}}',{envelope}"),
            &format!("<b>Warning</b>: x {envelope}"),
            "\"{\\\"code\\\":0}\"",
            "{\"ok\":true}",
            "[1]",
        ] {
            assert_eq!(billed(body.as_bytes()), Billed::Unknown, "{body}");
        }
        assert_eq!(billed(b"\x1f\x8b\x08\x00gzip"), Billed::Unknown);
    }

    #[test]
    fn an_answer_in_one_wrap_where_two_are_documented_is_billed_too() {
        let description = builtin("spiderhubs").unwrap();
        let user_id = crate::model::UserId::parse("u1").unwrap();
        let call = Call::UserNotes { user_id, via: None, cursor: None, page: 1 };
        let version = description.call(call.endpoint(), None).unwrap();
        let inner = r#"{"code":0,"data":{"notes":[{"id":"n1"}],"has_more":false}}"#;
        for body in [inner.to_owned(), inner.replace(":0,", ":\"0\","), format!(r#"{{"code":200,"data":{inner}}}"#)] {
            let reading = read(&description, version, &call, 200, body.as_bytes(), Timestamp::UNIX_EPOCH);
            assert_eq!((reading.outcome, reading.billed), (Outcome::Ok, Billed::Yes), "{body}");
        }
    }
}
