//! What is forgotten, taken out of one answer: out of its call, out of what the crawl read from it, out of its body.

use super::body::{Erased, erased};
use super::retained::{self, erased_retained};
use crate::model::{Answer, Body, Call, Forgotten, NoteId};
use crate::vendor::{Page, Reading};

/// Takes what is forgotten out of an answer and of what the crawl read from it; tells whether either changed.
///
/// Of an answer about a note or user that is forgotten, only the books stay: that it was asked, by whom, what it cost.
/// Done twice, it is as done once.
pub(super) fn erase_answer(answer: &mut Answer, page: &mut Page, forgotten: &Forgotten) -> bool {
    if forgotten.is_empty() {
        return false;
    }
    let mut changed = false;
    if let Some(call) = erased_call(&answer.call, forgotten) {
        answer.call = call;
        changed = true;
    }
    if answer.call.is_forgotten() {
        if !retained::is_call_alone(answer, forgotten) {
            changed |= answer.body.is_some();
            answer.body = None;
        }
        changed |= answer.items_path.is_some() || *page != Page::default();
        (answer.items_path, answer.admitted) = (None, None);
        *page = Page::default();
        return changed;
    }
    changed |= erase_page(page, forgotten);
    match &mut answer.body {
        None => {}
        Some(Body::Raw(bytes)) => {
            match erased(bytes, answer.call.endpoint(), answer.items_path.as_deref(), forgotten) {
                Erased::Nothing => {}
                Erased::To(erased) => (*bytes, changed) = (erased, true),
                Erased::Whole => (answer.body, changed) = (None, true),
            }
        }
        Some(Body::Retained(_) | Body::Told { .. }) => match erased_retained(answer, forgotten) {
            retained::Erased::Nothing => {}
            retained::Erased::To(retained) => (answer.body, changed) = (Some(Body::Retained(*retained)), true),
            retained::Erased::Whole => (answer.body, changed) = (None, true),
        },
    }
    changed
}

/// Does the same with what has just come, before it is kept.
pub(crate) fn erase_coming(call: &mut Call, reading: &mut Reading, body: &mut Option<Vec<u8>>, forgotten: &Forgotten) {
    if let Some(reason) = reading.reason.as_deref().and_then(|reason| forgotten.erased(reason)) {
        reading.reason = Some(reason);
    }
    if let Some(erased) = erased_call(call, forgotten).filter(Call::is_forgotten) {
        *call = erased;
        (*body, reading.page) = (None, Page::default());
        return;
    }
    if let Some(bytes) = body {
        match erased(bytes, call.endpoint(), reading.page.items_path.as_deref(), forgotten) {
            Erased::Nothing => {}
            Erased::To(bytes) => {
                *body = Some(bytes);
            }
            Erased::Whole => *body = None,
        }
    }
    erase_page(&mut reading.page, forgotten);
}

/// Tells whether a page shows a note as one by a user who is forgotten.
pub(crate) fn is_by_forgotten(page: &Page, note: &NoteId, forgotten: &Forgotten) -> bool {
    let shown = page.notes.iter().filter(|shown| shown.id == *note);
    shown.filter_map(|shown| shown.author.as_ref()).any(|author| forgotten.has_user(author))
}

/// Tells whether a call asks for a note or user that is forgotten.
pub(crate) fn is_asked_for(call: &Call, forgotten: &Forgotten) -> bool {
    match call {
        Call::SearchNotes { .. } => false,
        Call::NoteDetail { note_id } => forgotten.has_note(note_id),
        Call::UserNotes { user_id, .. } | Call::UserProfile { user_id } => forgotten.has_user(user_id),
    }
}

/// Does the same with the text of what the crawl read, as it is kept.
pub(super) fn erase_kept(answer: &mut Answer, page: &mut String, forgotten: &Forgotten) -> bool {
    let stands = forgotten.stands_in(page.as_bytes()) || forgotten.stands_in(answer.call.params().as_bytes());
    // Most answers hold nothing of it, and need not be read.
    let mut read = if stands { serde_json::from_str(page).unwrap_or_default() } else { Page::default() };
    let changed = erase_answer(answer, &mut read, forgotten);
    if stands {
        *page = serde_json::to_string(&read).unwrap_or_default();
    }
    changed || stands
}

/// Takes the notes that are forgotten, and those of users who are, off a page.
fn erase_page(page: &mut Page, forgotten: &Forgotten) -> bool {
    let before = page.notes.len();
    // Some vendors' cursors are the last note of the page; the last one that stays leads to the same place.
    let is_note = page.cursor.as_ref().is_some_and(|cursor| page.notes.iter().any(|note| note.id.as_str() == cursor));
    page.notes.retain(|note| {
        !forgotten.has_note(&note.id) && !note.author.as_ref().is_some_and(|author| forgotten.has_user(author))
    });
    // As they would be counted if the body were read now.
    page.skipped += (before - page.notes.len()) as u32;
    let last = page.notes.last().filter(|_| is_note).map(|note| note.id.to_string());
    let cursor =
        page.cursor.as_deref().and_then(|cursor| forgotten.erased(cursor)).map(|erased| last.unwrap_or(erased));
    let changed = page.notes.len() < before || cursor.is_some();
    page.cursor = cursor.or_else(|| page.cursor.take());
    changed
}

/// Returns a call with words in the place of ids; none where it holds none.
pub(super) fn erased_call(call: &Call, forgotten: &Forgotten) -> Option<Call> {
    let call = Call::from_params(&forgotten.erased(&call.params())?).ok()?;
    Some(match call {
        // A cursor is worth nothing without its user, and may hold the id in a spelling that nobody knows.
        Call::UserNotes { user_id, page, .. } if Call::UserProfile { user_id: user_id.clone() }.is_forgotten() => {
            Call::UserNotes { user_id, via: None, cursor: None, page }
        }
        call => call,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flatten::{fixtures, flatten};
    use crate::forget::body::tests::forgotten;

    fn page_of(answer: &Answer) -> Page {
        let description = crate::vendor::builtin("justoneapi").unwrap();
        let version = description.call(answer.call.endpoint(), None).unwrap();
        let body = answer.body.as_ref().unwrap().bytes();
        crate::vendor::read(&description, version, &answer.call, 200, body, answer.observed_at).page
    }

    #[test]
    fn of_what_was_asked_about_the_forgotten_only_the_books_stay() {
        let note = json!({"id": "gone-note", "title": "t", "user": {"userid": "u1"}});
        for (call, data) in [
            (fixtures::detail("gone-note"), json!([{"note_list": [note]}])),
            (fixtures::user_notes("gone-user"), json!({"notes": [note], "cursor": "c"})),
            (fixtures::profile("gone-user"), json!({"userid": "gone-user", "nickname": "x"})),
        ] {
            let mut answer = fixtures::with_data(call, &data);
            let (before, mut page) = (answer.clone(), page_of(&answer));
            assert!(erase_answer(&mut answer, &mut page, &forgotten()));
            assert!(!erase_answer(&mut answer, &mut page, &forgotten()), "twice is as once");
            assert_eq!((answer.body.as_ref(), &page), (None, &Page::default()));
            assert_eq!((answer.cost, answer.outcome, answer.billed), (before.cost, before.outcome, before.billed));
            assert!(answer.call.is_forgotten() && answer.call.endpoint() == before.call.endpoint());
            let told = flatten(&answer);
            assert_eq!((told.notes.len(), told.authors.len(), told.rejects.len()), (0, 0, 0));
            assert!(!forgotten().stands_in(format!("{told:?}").as_bytes()));
        }
    }

    #[test]
    fn the_others_keep_their_places() {
        let note = |id: &str, user: &str| json!({"id": id, "title": "t", "user": {"userid": user}});
        let notes = json!([note("n1", "u1"), note("gone-note", "u1"), note("n2", "gone-user"), note("n3", "u2")]);
        let mut answer = fixtures::listing(&notes);
        let mut page = page_of(&answer);
        assert!(erase_answer(&mut answer, &mut page, &forgotten()));
        assert_eq!(
            page.notes.iter().map(|note| (note.position, note.id.as_str())).collect::<Vec<_>>(),
            [(0, "n1"), (3, "n3")]
        );
        let told = flatten(&answer);
        let places: Vec<_> = told.hits.iter().map(|hit| (hit.position, hit.note_id.as_str())).collect();
        assert_eq!((places, told.rejects.len()), (vec![(0, "n1"), (3, "n3")], 0));
        assert_eq!(page_of(&answer), page, "read again, it shows the same");
    }
}
