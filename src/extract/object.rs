//! One JSON object of an answer, read with tolerance: what cannot be read is noted with its path, and the rest lives.

use std::cell::RefCell;

use jiff::Timestamp;

use super::address::without_tokens;
use super::fields;
use crate::json::{Elements, Node, View};
use crate::model::{Count, IdError, read_count, read_id, read_time, shown};

/// Collects values that could not be read: each one's place on the tape, and the reason.
#[derive(Debug, Default)]
pub struct Unreadable(RefCell<Vec<(usize, String)>>);

impl Unreadable {
    /// Notes one value, with its first word.
    fn note(&self, value: Node<'_>, reason: &str) {
        let text = match value.view() {
            View::Text(text) => text.split_whitespace().next().unwrap_or_default().to_owned(),
            View::Array(_) => "[…]".to_owned(),
            View::Object(_) => "{…}".to_owned(),
            _ => value.to_string(),
        };
        self.0.borrow_mut().push((value.place(), format!("`{}` {reason}", shown(&text, 16))));
    }

    /// Takes what was noted inside a value that `path` leads to: JSON pointers and reasons, by path, each once, for some
    /// values are read for two tables.
    pub fn take(&self, inside: Node<'_>, path: &str) -> Vec<(String, String)> {
        let mut noted = self.0.take();
        noted.sort();
        noted.dedup();
        let places: Vec<usize> = noted.iter().map(|(place, _)| *place).collect();
        let pointers = inside.pointers(path, &places);
        let mut told: Vec<_> = pointers.into_iter().zip(noted.into_iter().map(|(_, reason)| reason)).collect();
        told.sort();
        told
    }
}

/// One JSON object, and where to note what cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    value: Node<'a>,
    unreadable: &'a Unreadable,
}

impl<'a> Object<'a> {
    /// Takes a value.
    pub fn new(value: Node<'a>, unreadable: &'a Unreadable) -> Self {
        Self { value, unreadable }
    }

    /// Returns the value itself.
    pub fn node(&self) -> Node<'a> {
        self.value
    }

    /// Tells whether one of the fields says something, readable or not.
    pub fn tells(&self, names: &[&str]) -> bool {
        self.value(names).is_some()
    }

    /// Returns the first field that says something.
    pub fn value(&self, names: &[&str]) -> Option<Node<'a>> {
        names.iter().find_map(|name| self.value.get(name).filter(|value| !is_blank(*value)))
    }

    /// Returns the first text of a list of texts.
    pub fn first_text(&self, names: &[&str]) -> Option<String> {
        self.list(names)?.elements.find(|value| !is_blank(*value))?.as_str().map(str::to_owned)
    }

    /// Tries the fields that are there, in order, until one tells something; those that cannot be read are noted.
    fn first<T, E: ToString>(&self, names: &[&str], read: impl Fn(Node<'a>) -> Result<Option<T>, E>) -> Option<T> {
        names.iter().find_map(|name| {
            let value = self.value.get(name).filter(|value| !is_blank(*value))?;
            read(value).unwrap_or_else(|error| {
                self.unreadable.note(value, &error.to_string());
                None
            })
        })
    }

    /// Reads what a JSON pointer finds inside; none where there is nothing.
    pub fn pointed<T>(&self, pointer: &str, read: impl Fn(Node<'a>) -> Result<Option<T>, &'static str>) -> Option<T> {
        let value = self.value.pointer(pointer)?;
        read(value).unwrap_or_else(|error| {
            self.unreadable.note(value, error);
            None
        })
    }

    /// Reads text that is not blank; a number is taken as it is written.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        self.first(names, |value| match value.view() {
            View::Text(text) => Ok(Some(text.to_owned())),
            View::Number(number) => Ok(Some(number.to_string())),
            _ => Err("is no text"),
        })
    }

    /// Reads a web address and takes its tokens off.
    pub fn address(&self, names: &[&str]) -> Option<String> {
        self.first(names, |value| value.as_str().and_then(without_tokens).map(Some).ok_or("is no web address"))
    }

    /// Reads a count in any spelling.
    pub fn count(&self, names: &[&str]) -> Option<Count> {
        self.first(names, |value| read_count(Some(value)))
    }

    /// Reads a time in any spelling; words like `1小时前` count back from `now`.
    pub fn time(&self, names: &[&str], now: Timestamp) -> Option<Timestamp> {
        self.first(names, |value| read_time(Some(value), now))
    }

    /// Reads a yes or no in any spelling.
    pub fn truth(&self, names: &[&str]) -> Option<bool> {
        self.first(names, |value| fields::truth(value).map(Some).ok_or("is neither yes nor no"))
    }

    /// Reads a number of pixels; 0 is none told.
    pub fn pixels(&self, names: &[&str]) -> Option<i32> {
        self.first(names, |value| {
            let count = read_count(Some(value))?.map(|count| count.value).filter(|pixels| *pixels > 0);
            count.map(i32::try_from).transpose().map_err(|_| "is no size")
        })
    }

    /// Reads a length of time as milliseconds from a number of `unit` milliseconds; 0 is none told.
    pub fn duration(&self, names: &[&str], unit: f64) -> Option<i64> {
        self.first(names, |value| {
            let number = match value.view() {
                View::Text(text) => text.trim().parse().ok(),
                _ => value.as_f64(),
            };
            let milliseconds = number.map(|number: f64| (number * unit).round()).filter(|ms| (0.0..1e15).contains(ms));
            milliseconds.map(|ms| (ms >= 1.0).then_some(ms as i64)).ok_or("is no length of time")
        })
    }

    /// Reads an id from text or an integer.
    pub fn id<T: TryFrom<String, Error = IdError>>(&self, names: &[&str]) -> Option<T> {
        self.first(names, |value| read_id(Some(value))?.map(T::try_from).transpose())
    }

    /// Returns an object inside this one; what is empty is none.
    pub fn child(&self, names: &[&str]) -> Option<Self> {
        names.iter().find_map(|name| {
            let value = self.value.get(name).filter(|value| !is_blank(*value))?;
            if !value.is_object() {
                self.unreadable.note(value, "is no object");
                return None;
            }
            Some(Self::new(value, self.unreadable))
        })
    }

    /// Returns the first list of these names that holds something, else one that is empty, else none.
    pub fn list(&self, names: &[&str]) -> Option<List<'a>> {
        let full = names.iter().find(|name| self.value.get(name).is_some_and(|value| !is_blank(value)));
        let name = full.or_else(|| names.iter().find(|name| self.value.get(name).is_some_and(Node::is_array)))?;
        let value = self.value.get(name)?;
        let View::Array(elements) = value.view() else {
            self.unreadable.note(value, "is no list");
            return None;
        };
        Some(List { elements, unreadable: self.unreadable })
    }
}

/// One JSON array of an answer.
#[derive(Debug)]
pub struct List<'a> {
    elements: Elements<'a>,
    unreadable: &'a Unreadable,
}

impl<'a> List<'a> {
    /// Returns how many elements there are, readable or not.
    pub fn len(&self) -> i32 {
        i32::try_from(self.elements.len()).unwrap_or(i32::MAX)
    }

    /// Lists the objects with their places from 0; what is neither an object nor empty is noted.
    pub fn objects(&self) -> Vec<(i32, Object<'a>)> {
        let told = (0_i32..).zip(self.elements.clone()).filter(|(_, value)| !is_blank(*value));
        told.filter_map(|(at, value)| {
            if !value.is_object() {
                self.unreadable.note(value, "is no object");
                return None;
            }
            Some((at, Object::new(value, self.unreadable)))
        })
        .collect()
    }
}

/// Tells whether a value says nothing: vendors write null, blank text, `[]` and `{}` for it.
pub fn is_blank(value: Node<'_>) -> bool {
    match value.view() {
        View::Null => true,
        View::Text(text) => text.trim().is_empty(),
        View::Array(elements) => elements.len() == 0,
        View::Object(fields) => fields.len() == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::tape_of;

    #[test]
    fn a_field_that_says_nothing_gives_way_to_the_next() {
        let unreadable = Unreadable::default();
        let value = json!({"a": null, "b": "", "c": " ", "d": [], "e": {}, "f": "x", "g": 7, "h": 0});
        let tape = tape_of(&value);
        let object = Object::new(tape.root(), &unreadable);
        assert_eq!(object.text(&["a", "b", "c", "d", "e", "f"]).as_deref(), Some("x"));
        assert_eq!(object.text(&["g"]).as_deref(), Some("7"));
        assert_eq!(object.count(&["z", "b", "g"]).map(|count| count.value), Some(7));
        assert_eq!((object.pixels(&["h"]), object.pixels(&["h", "g"])), (None, Some(7)));
        assert_eq!(object.list(&["a", "e"]).map(|list| list.len()), None);
        assert_eq!(object.list(&["a", "d"]).map(|list| list.len()), Some(0));
        assert_eq!(object.duration(&["h", "g"], 1000.0), Some(7000));
        assert_eq!(unreadable.take(tape.root(), "/o"), []);
    }

    #[test]
    fn what_cannot_be_read_is_noted_with_its_path_and_one_word_at_most() {
        let unreadable = Unreadable::default();
        let value = json!({"likes": "very many\u{1b}[31m", "liked_count": 3, "title": [1], "sticky": "maybe",
            "user": "x", "images": 5, "id": "a/b", "list": [1, {"k": 1}], "width": 5_000_000_000_i64});
        let tape = tape_of(&value);
        let object = Object::new(tape.root(), &unreadable);
        assert_eq!(object.count(&["likes", "liked_count"]).map(|count| count.value), Some(3));
        assert_eq!(object.text(&["title"]), None);
        assert_eq!(object.truth(&["sticky"]), None);
        assert!(object.child(&["user"]).is_none());
        assert!(object.list(&["images"]).is_none());
        assert_eq!(object.id::<crate::model::NoteId>(&["id"]), None);
        assert_eq!(object.list(&["list"]).unwrap().objects().len(), 1);
        assert_eq!(object.pixels(&["width"]), None);
        let told = unreadable.take(tape.root(), "/o");
        let told: Vec<_> = told.iter().map(|(path, reason)| (path.as_str(), reason.as_str())).collect();
        let expected = [
            ("/o/id", "`a/b` holds something other than letters, digits, `-` and `_`"),
            ("/o/images", "`5` is no list"),
            ("/o/likes", "`very` is text, but no count"),
            ("/o/list/0", "`1` is no object"),
            ("/o/sticky", "`maybe` is neither yes nor no"),
            ("/o/title", "`[…]` is no text"),
            ("/o/user", "`x` is no object"),
            ("/o/width", "`5000000000` is no size"),
        ];
        assert_eq!(told, expected);
    }
}
