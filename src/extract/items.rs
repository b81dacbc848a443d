//! The items of a page, with or without wrappers: notes, things that are no notes, and things that cannot be read.

use super::fields::{self, pick};
use super::object::is_blank;
use crate::json::{Node, View};
use crate::model::{Endpoint, IdError, NoteId, read_id};

/// One element of a page.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its place on the page, from 0, counted over all elements.
    pub position: u32,
    /// JSON pointer to the note object (or to the element, where there is none) in the body.
    pub path: String,
    /// What it is.
    pub kind: ItemKind<'a>,
}

/// Says what an element of a page is.
#[derive(Clone, Debug)]
pub enum ItemKind<'a> {
    /// A note.
    Note {
        /// Its id.
        id: NoteId,
        /// The note object itself.
        note: Node<'a>,
        /// The element that holds it; the same where it has no wrapper.
        wrapper: Node<'a>,
    },
    /// Something else that vendors mix in: an advertisement, a suggested search. It never costs a call.
    Skipped(String),
    /// Something that should be a note and cannot be read.
    Broken(String),
}

/// Lists the elements that a body holds at a pointer; an object there is a single element.
pub fn items_at<'a>(endpoint: Endpoint, root: Node<'a>, path: &str) -> Vec<Item<'a>> {
    if endpoint == Endpoint::UserProfile {
        return Vec::new();
    }
    let Some(place) = root.pointer(path) else { return Vec::new() };
    match place.view() {
        View::Array(elements) => elements
            .enumerate()
            .map(|(position, element)| item(position as u32, &format!("{path}/{position}"), element))
            .collect(),
        View::Object(_) => vec![item(0, path, place)],
        _ => Vec::new(),
    }
}

fn item<'a>(position: u32, path: &str, element: Node<'a>) -> Item<'a> {
    let (inside, kind) = classify(element);
    Item { position, path: inside.map_or_else(|| path.to_owned(), |name| format!("{path}/{name}")), kind }
}

fn classify(element: Node<'_>) -> (Option<&'static str>, ItemKind<'_>) {
    match element.view() {
        View::Null => return (None, ItemKind::Skipped("null".into())),
        View::Object(_) => {}
        _ => return (None, ItemKind::Broken("is no object".into())),
    }
    let model_type = pick(element, fields::MODEL_TYPE).map(|value| value.as_str().unwrap_or("?"));
    if let Some(other) = model_type.filter(|model_type| *model_type != "note") {
        return (None, ItemKind::Skipped(crate::model::shown(other, 32)));
    }
    let inside = fields::NOTE_INSIDE.iter().find(|name| element.get(name).is_some_and(Node::is_object)).copied();
    let note = inside.and_then(|name| element.get(name)).unwrap_or(element);
    if inside.is_none() && !looks_like_note(element) {
        return match model_type {
            Some(_) => (None, ItemKind::Broken("is called a note, but holds none".into())),
            None => (None, ItemKind::Skipped("no model_type".into())),
        };
    }
    let kind = match note_id(note).or_else(|| note_id(element)) {
        Some(Ok(id)) => ItemKind::Note { id, note, wrapper: element },
        Some(Err(error)) => ItemKind::Broken(format!("its id {error}")),
        None => ItemKind::Broken("has no id".into()),
    };
    (inside, kind)
}

/// Reads an object's note id: the first that can be read, else why the first cannot be.
fn note_id(object: Node<'_>) -> Option<Result<NoteId, IdError>> {
    let told = fields::NOTE_ID.iter().filter_map(|name| object.get(name).filter(|value| !is_blank(*value)));
    let mut ids = told.filter_map(|value| read_id(Some(value)).transpose());
    let first = ids.next()?.and_then(NoteId::try_from);
    if first.is_ok() {
        return Some(first);
    }
    let next = ids.find_map(|id| id.and_then(NoteId::try_from).ok());
    Some(next.map_or(first, Ok))
}

/// What only notes have.
const SURE_SIGNS: &[&str] = &[
    "display_title",
    "displayTitle",
    "images_list",
    "image_list",
    "imageList",
    "liked_count",
    "likes",
    "interact_info",
    "interactInfo",
    "video_info_v2",
    "note_id",
    "noteId",
];

/// What notes have, and other things may have too.
const SIGNS: &[&str] = &["user", "title", "desc", "cover", "create_time", "timestamp"];

fn has_any(object: Node<'_>, names: &[&str]) -> bool {
    object.is_object() && names.iter().any(|name| object.get(name).is_some())
}

/// Tells a bare note from the other objects of a list of notes: an id is not enough, for suggestions have one too.
fn looks_like_note(object: Node<'_>) -> bool {
    has_any(object, SURE_SIGNS) || has_any(object, SIGNS)
}

/// Tells whether an element of a list that nobody described is a note for sure, bare or wrapped.
pub fn is_whole_note(element: Node<'_>) -> bool {
    let has_id = pick(element, fields::NOTE_ID).is_some();
    let inside = fields::NOTE_INSIDE.iter().filter_map(|name| element.get(name)).filter(|note| note.is_object());
    let wrapped = inside.into_iter().any(|note| has_id || pick(note, fields::NOTE_ID).is_some());
    wrapped || (has_id && has_any(element, SURE_SIGNS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::tape_of;

    fn kind(element: &serde_json::Value) -> &'static str {
        match classify(tape_of(element).root()).1 {
            ItemKind::Note { .. } => "note",
            ItemKind::Skipped(_) => "skipped",
            ItemKind::Broken(_) => "broken",
        }
    }

    #[test]
    fn only_notes_are_notes() {
        let note = json!({"id": "n1", "title": "t", "user": {"userid": "u1"}});
        let cases = [
            (json!({"model_type": "note", "note": note}), "note"),
            (json!({"modelType": "note", "noteCard": note}), "note"),
            (json!({"model_type": "note", "id": "n1", "note_card": {"title": "t"}}), "note"),
            (json!({"note": note}), "note"),
            (note.clone(), "note"),
            (json!({"model_type": "note", "id": "n1", "title": "t"}), "note"),
            (json!({"model_type": "ads", "note": note}), "skipped"),
            (json!({"model_type": "ads", "ads": {"note": note}}), "skipped"),
            (json!({"model_type": "rec_query", "id": "uuid#1", "xsec_token": "x"}), "skipped"),
            (json!({"rec_query": {"queries": []}}), "skipped"),
            (json!({"id": "uuid#1", "xsec_token": "x"}), "skipped"),
            (json!(null), "skipped"),
            (json!({"model_type": "note", "note": null}), "broken"),
            (json!({"model_type": "note", "note": {"id": "../etc", "title": "t"}}), "broken"),
            (json!({"model_type": "note", "note": {"id": "", "title": "t"}}), "broken"),
            (json!("note"), "broken"),
        ];
        for (element, expected) in &cases {
            assert_eq!(kind(element), *expected, "{element}");
        }
    }

    #[test]
    fn paths_lead_to_the_note() {
        let body = json!({"data": {"items": [null, {"model_type": "note", "note": {"id": "n1", "title": "t"}}]}});
        let tape = tape_of(&body);
        let items = items_at(Endpoint::SearchNotes, tape.root(), "/data/items");
        assert_eq!(items[1].path, "/data/items/1/note");
        assert_eq!(items[1].position, 1);
        assert_eq!(body.pointer(&items[1].path).unwrap()["id"], "n1");
    }
}
