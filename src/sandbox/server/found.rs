//! What a vendor finds in the universe for a good request, and how it says that there is nothing.

use serde_json::{Value, json};

use super::Front;
use super::envelope::Word;
use super::request::{Asked, DETAIL_V6, PROFILE_V3, Request, SEARCH_V4, Vendor};
use crate::sandbox::payload::Payloads;
use crate::sandbox::universe::{Draws, hash};

impl Front {
    /// Returns what the universe has for a good request.
    pub(super) fn find(&self, request: &Request, asked: &Asked, call: u64) -> Word {
        let vendor = request.vendor;
        let universe = self.universe.today();
        let payloads = Payloads(&universe);
        let is_gone = |id: &str| self.options.faults.is_gone(self.options.seed, hash(id));
        let found = match asked {
            Asked::Search { query, page } if request.path == SEARCH_V4 => {
                Some(payloads.newer_search_page(query, *page))
            }
            Asked::Search { query, page } => Some(payloads.search_page(query, *page)),
            Asked::Detail { note_id: id } => {
                let note = universe.note(id).filter(|note| !note.is_gone && !is_gone(id));
                note.map(|note| match request.path {
                    DETAIL_V6 => payloads.video_detail(&note),
                    _ => payloads.detail(&note),
                })
            }
            Asked::Profile { user_id: id } => universe.user(id).filter(|_| !is_gone(id)).map(|user| {
                let mut profile = payloads.profile(&user);
                if request.path == PROFILE_V3 {
                    profile["result"] = json!({"success": true, "code": 0, "message": "success"});
                }
                profile
            }),
            Asked::UserNotes { user_id: id, cursor } => match universe.user_number(id).filter(|_| !is_gone(id)) {
                None => None,
                Some(user) => match payloads.user_notes(user, cursor) {
                    Ok(data) => Some(with_page_cursor(data, vendor, user)),
                    Err(_) => return Word::BadParameter("cursor".into()),
                },
            },
        };
        let is_list = matches!(asked, Asked::UserNotes { .. } | Asked::Search { .. });
        if !is_list && found.is_some() && self.options.faults.is_empty(self.options.seed, call, universe.day()) {
            return Word::Data(empty(asked, call));
        }
        found.map_or_else(|| nothing(asked, call), Word::Data)
    }
}

/// `SpiderHubs` tells the next cursor of the page too, for some users.
fn with_page_cursor(mut data: Value, vendor: Vendor, user: u32) -> Value {
    let last = data["notes"].as_array().and_then(|notes| Some(notes.last()?["cursor"].clone()));
    if let (Vendor::SpiderHubs, 0, Some(cursor)) = (vendor, user % 2, last) {
        data["cursor"] = cursor;
    }
    data
}

/// Returns a detail or a profile that is a success and shows nothing, in one of many ways; the same for the same call.
fn empty(asked: &Asked, call: u64) -> Value {
    match (Draws::new(0, "empty", call).below(3), asked) {
        (0, _) => json!([]),
        (1, Asked::Detail { .. }) => Payloads::no_detail(),
        (1, _) => json!({}),
        _ => Value::Null,
    }
}

/// States that a note or a user is not there, or shows an empty list; the same way for the same call.
fn nothing(asked: &Asked, call: u64) -> Word {
    let is_list = matches!(asked, Asked::UserNotes { .. } | Asked::Search { .. });
    match Draws::new(0, "nothing", call).below(8) {
        0..3 if is_list => Word::Data(json!([])),
        3 | 4 if is_list => Word::Data(json!({"notes": [], "tags": [], "has_more": false})),
        0..3 | 5 => Word::NoContent,
        3 | 4 | 6 => Word::NotFound,
        _ => Word::Gone,
    }
}
