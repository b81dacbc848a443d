//! Whether the notes of a walk come newest first: only then says an old one that all later ones are older.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::step::Seen;
use crate::model::NoteId;
use crate::state::Walk;
use crate::vendor::NoteRef;

/// How much newer than one before it a note may be: times such as `3小时前` shift while pages are read.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
/// Pinned notes at the head of a user's list at most, if the vendor does not say which are pinned.
const MOST_PINNED: usize = 5;

/// Compares the notes of a page with each other and with the pages before. Pinned notes have no place in the order, nor
/// have notes that the walk has shown before: newer notes push them on to the next page.
///
/// Returns false if it cannot be known before the next page: the first notes are taken to be pinned, and may not be.
pub(super) fn note_order(walk: &mut Walk, is_users: bool, notes: &[NoteRef], seen: &BTreeMap<NoteId, Seen>) -> bool {
    let mut on_page = HashSet::new();
    let mut times = Vec::new();
    for note in notes.iter().filter(|note| note.sticky != Some(true)) {
        let is_new = seen.get(&note.id).is_none_or(|before| before.leg != Some(walk.leg));
        times.extend(note.published_at.filter(|_| on_page.insert(&note.id) && is_new));
    }
    let may_be_pinned = is_users && !walk.tells_sticky && walk.pages == 0;
    let most_pinned = if may_be_pinned { MOST_PINNED.min(times.len() / 2) } else { 0 };
    let mut ordered =
        (0..=most_pinned).filter_map(|pinned| Some((pinned, oldest_of_ordered(walk.oldest, &times[pinned..])?)));
    let Some((pinned, oldest)) = ordered.next() else {
        walk.is_time_ordered = false;
        return true;
    };
    walk.oldest = oldest;
    pinned == 0
}

/// Returns the oldest of times that go on in descending order; nothing if they do not.
#[expect(clippy::option_option, reason = "the inner option is the oldest, if there is any")]
fn oldest_of_ordered(before: Option<Timestamp>, times: &[Timestamp]) -> Option<Option<Timestamp>> {
    let mut oldest = before;
    for time in times {
        if oldest.is_some_and(|oldest| time.duration_since(oldest) > SLACK) {
            return None;
        }
        oldest = Some(oldest.map_or(*time, |oldest| oldest.min(*time)));
    }
    Some(oldest)
}
