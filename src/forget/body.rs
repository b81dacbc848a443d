//! What is forgotten, taken out of a body. What is left is JSON still, and everything else in it stands where it stood.

use memchr::memmem;
use serde_json::Value;

use crate::extract::{ItemKind, fields, items_at};
use crate::json::{self, Node};
use crate::model::{Endpoint, Forgotten, UserId, read_id};

/// Says what became of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Erased {
    /// It holds nothing that is forgotten.
    Nothing,
    /// It is this now.
    To(Vec<u8>),
    /// It is no JSON and holds an id, so that all of it must go.
    Whole,
}

/// Takes what is forgotten out of a body whose items stand at `items_path`.
///
/// Notes, users and mentions that are forgotten become null, wherever they stand; in a text a word stands in the place
/// of an id.
pub(super) fn erased(bytes: &[u8], endpoint: Endpoint, items_path: Option<&str>, forgotten: &Forgotten) -> Erased {
    let stands = forgotten.stands_in(bytes);
    // Letters and digits may be written as escapes, too.
    if !stands && memmem::find(bytes, b"\\u00").is_none() {
        return Erased::Nothing;
    }
    let Ok(tape) = json::parse(bytes) else {
        return if stands { Erased::Whole } else { Erased::Nothing };
    };
    let mut root = tape.root().to_value();
    let mut eraser = Eraser { forgotten, changed: false };
    if endpoint == Endpoint::UserProfile
        && items_path.and_then(|path| root.pointer(path)).is_some_and(|profile| eraser.is_forgotten(profile))
    {
        // It shows somebody else than was asked for.
        return Erased::Whole;
    }
    if let Some(path) = items_path {
        eraser.items(&mut root, tape.root(), endpoint, path);
    }
    eraser.value(&mut root, "", items_path.unwrap_or_default());
    if !eraser.changed && !stands {
        return Erased::Nothing;
    }
    match serde_json::to_vec(&root) {
        Ok(bytes) if !forgotten.stands_in(&bytes) => Erased::To(bytes),
        // No spelling is known in which this can happen.
        _ => Erased::Whole,
    }
}

/// Takes what is forgotten out of a JSON text that stands alone; none where it holds nothing of it.
pub(super) fn erased_json(text: &str, forgotten: &Forgotten) -> Option<String> {
    let mut value = serde_json::from_str(text).ok().filter(|_| forgotten.stands_in(text.as_bytes()))?;
    let mut eraser = Eraser { forgotten, changed: false };
    // There are no items that must stay.
    eraser.value(&mut value, "-", "");
    eraser.changed.then(|| value.to_string())
}

struct Eraser<'a> {
    forgotten: &'a Forgotten,
    changed: bool,
}

impl Eraser<'_> {
    /// Makes the elements that show a forgotten note null, wrappers and all: a null is no note, and keeps its place.
    fn items(&mut self, root: &mut Value, before: Node<'_>, endpoint: Endpoint, path: &str) {
        let is_list = before.pointer(path).is_some_and(Node::is_array);
        let shown = items_at(endpoint, before, path).into_iter().filter_map(|item| match &item.kind {
            ItemKind::Note { note, wrapper, id } => {
                let by = |node: Node<'_>| self.is_by_forgotten(&node.to_value());
                let goes = self.forgotten.has_note(id) || by(*note) || by(*wrapper);
                goes.then_some(item.position)
            }
            _ => None,
        });
        for position in shown.collect::<Vec<_>>() {
            let place = if is_list { format!("{path}/{position}") } else { path.to_owned() };
            if let Some(element) = root.pointer_mut(&place) {
                *element = Value::Null;
                self.changed = true;
            }
        }
    }

    /// Erases a value at a path. What the items stand in is never taken away whole.
    fn value(&mut self, value: &mut Value, path: &str, items: &str) {
        let holds_items = items.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match value {
            Value::Object(_) if !holds_items && self.is_forgotten(value) => self.put(value, Value::Null),
            Value::Object(fields) => {
                let names = self.nicknames(fields);
                // Only what holds the items has a path that matters.
                let inside = |name: &str| if holds_items { format!("{path}/{name}") } else { "-".into() };
                for (name, field) in &mut *fields {
                    self.value(field, &inside(name), items);
                    for nickname in &names {
                        self.unmention(field, nickname);
                    }
                }
                if fields.keys().any(|name| self.forgotten.stands_in(name.as_bytes())) {
                    let renamed = std::mem::take(fields).into_iter();
                    *fields =
                        renamed.map(|(name, field)| (self.forgotten.erased(&name).unwrap_or(name), field)).collect();
                    self.changed = true;
                }
            }
            Value::Array(elements) => {
                for (at, element) in elements.iter_mut().enumerate() {
                    let inside = if holds_items { format!("{path}/{at}") } else { "-".into() };
                    self.value(element, &inside, items);
                }
            }
            Value::String(text) => {
                if let Some(erased) = self.forgotten.erased(text) {
                    self.put(value, erased.into());
                }
            }
            Value::Number(number) if self.forgotten.is_id(&number.to_string()) => self.put(value, Value::Null),
            _ => {}
        }
    }

    fn put(&mut self, place: &mut Value, value: Value) {
        *place = value;
        self.changed = true;
    }

    /// Tells whether an object is a note or user that is forgotten, or by such a user.
    fn is_forgotten(&self, object: &Value) -> bool {
        let names = fields::NOTE_ID.iter().chain(fields::USER_ID);
        let is_itself = names.filter_map(|name| read_id(object.get(*name)).ok()?).any(|id| self.forgotten.is_id(&id));
        is_itself || self.is_by_forgotten(object)
    }

    fn is_by_forgotten(&self, note: &Value) -> bool {
        fields::AUTHOR.iter().filter_map(|name| note.get(*name)).any(|user| self.is_forgotten_user(user))
    }

    fn is_forgotten_user(&self, user: &Value) -> bool {
        let ids = fields::USER_ID.iter().filter_map(|name| read_id(user.get(*name)).ok()?);
        ids.filter_map(|id| UserId::try_from(id).ok()).any(|id| self.forgotten.has_user(&id))
    }

    /// Lists the names under which an object mentions users who are forgotten.
    fn nicknames(&self, object: &serde_json::Map<String, Value>) -> Vec<String> {
        let lists = fields::MENTIONS.iter().filter_map(|name| object.get(*name)?.as_array()).flatten();
        let gone = lists.filter(|user| self.is_forgotten_user(user));
        gone.flat_map(|user| fields::MENTION_NAME.iter().filter_map(|name| user.get(*name)?.as_str()))
            .filter(|name| !name.trim().is_empty())
            .map(|name| format!("@{name}"))
            .collect()
    }

    /// Takes `@nickname` out of every text inside.
    fn unmention(&mut self, value: &mut Value, mention: &str) {
        match value {
            Value::String(text) if text.contains(mention) => {
                *text = text.replace(mention, "@");
                self.changed = true;
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.unmention(element, mention)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.unmention(field, mention)),
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::NoteId;

    pub(in crate::forget) fn forgotten() -> Forgotten {
        let mut forgotten = Forgotten::new("key");
        forgotten.add_note(&NoteId::parse("gone-note").unwrap());
        forgotten.add_note(&NoteId::parse("77001").unwrap());
        forgotten.add_user(&UserId::parse("gone-user").unwrap());
        forgotten
    }

    fn after(body: &Value) -> Value {
        match erased(body.to_string().as_bytes(), Endpoint::SearchNotes, Some("/data/items"), &forgotten()) {
            Erased::To(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Erased::Nothing => body.clone(),
            Erased::Whole => panic!("{body}"),
        }
    }

    #[test]
    fn what_is_forgotten_goes_and_the_rest_stands_where_it_stood() {
        let stand_in = forgotten().erased("gone-note").unwrap();
        let items = |items: Value| json!({"code": 0, "data": {"items": items}});
        for (before, expected) in [
            (
                json!([{"model_type": "note", "note": {"id": "gone-note"}}, {"id": "n2", "title": "t"}]),
                json!([null, {"id": "n2", "title": "t"}]),
            ),
            (json!([{"model_type": "note", "note": {"id": "n1", "user": {"userid": "gone-user"}}}]), json!([null])),
            (
                json!([{"id": 77001, "title": "t"}, {"n": 77001, "m": 770_011}]),
                json!([null, {"n": null, "m": 770_011}]),
            ),
            (
                json!([{"id": "n1", "title": "see gone-note", "share": "https://x.com/gone-note?a"}]),
                json!([{"id": "n1", "title": format!("see {stand_in}"), "share": format!("https://x.com/{stand_in}?a")}]),
            ),
            (
                json!([{"id": "n1", "desc": "hi @阿花 and @阿草", "ats": [{"userid": "gone-user", "nickname": "阿花"}, {"userid": "u2", "nickname": "阿草"}]}]),
                json!([{"id": "n1", "desc": "hi @ and @阿草", "ats": [null, {"userid": "u2", "nickname": "阿草"}]}]),
            ),
            (
                json!([{"id": "n1", "title": "t", "comments": [{"user": {"id": "gone-user"}, "text": "x"}], "by": {"gone-note": 1}}]),
                json!([{"id": "n1", "title": "t", "comments": [null], "by": {stand_in.clone(): 1}}]),
            ),
            (json!([{"id": "n1", "title": "gone-notes"}]), json!([{"id": "n1", "title": "gone-notes"}])),
        ] {
            assert_eq!(after(&items(before.clone())), items(expected), "{before}");
        }
    }

    #[test]
    fn escapes_hide_nothing_and_what_is_no_json_goes_whole() {
        let one = |body: &str| erased(body.as_bytes(), Endpoint::SearchNotes, None, &forgotten());
        let Erased::To(bytes) = one(r#"{"a":"\u0067one-note"}"#) else { panic!() };
        assert!(!forgotten().stands_in(&bytes) && String::from_utf8(bytes).unwrap().contains("forgotten-"));
        assert_eq!(one("<html>gone-note</html>"), Erased::Whole);
        assert_eq!(one("<html>another-note</html>"), Erased::Nothing);
        assert_eq!(one(r#"{"a":"\u0068one-note", "b": 1.10}"#), Erased::Nothing);
    }

    #[test]
    fn what_the_items_stand_in_is_not_taken_away() {
        let body = json!({"data": {"user": {"userid": "gone-user"}, "items": [{"id": "n1", "title": "t"}]}});
        assert_eq!(after(&body), json!({"data": {"user": null, "items": [{"id": "n1", "title": "t"}]}}));
    }
}
