//! One value of a tape, read without copying.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Value};

use super::tape::{Entry, Tape};

/// One value of a tape: a place, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tape: &'t Tape<'t>,
    at: usize,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum View<'t> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, unescaped.
    Text(&'t str),
    /// A list.
    Array(Elements<'t>),
    /// An object; each name stands once.
    Object(Fields<'t>),
}

impl<'t> Node<'t> {
    pub(super) const fn new(tape: &'t Tape<'t>, at: usize) -> Self {
        Self { tape, at }
    }

    /// Returns what the value is.
    pub fn view(self) -> View<'t> {
        let number = |number: Option<Number>| number.map_or(View::Null, View::Number);
        match self.tape.entry(self.at) {
            Entry::Null => View::Null,
            Entry::Bool(value) => View::Bool(value),
            Entry::Signed(value) => View::Number(value.into()),
            Entry::Unsigned(value) => View::Number(value.into()),
            Entry::Float(value) => number(Number::from_f64(value)),
            Entry::Plain { .. } | Entry::Unescaped { .. } => View::Text(self.tape.text(self.at)),
            Entry::Array { length, .. } => View::Array(Elements { tape: self.tape, next: self.at + 1, left: length }),
            Entry::Object { length, .. } => View::Object(Fields { tape: self.tape, next: self.at + 1, left: length }),
        }
    }

    /// Returns true for null.
    pub fn is_null(self) -> bool {
        matches!(self.tape.entry(self.at), Entry::Null)
    }

    /// Returns true for an object.
    pub fn is_object(self) -> bool {
        matches!(self.tape.entry(self.at), Entry::Object { .. })
    }

    /// Returns true for a list.
    pub fn is_array(self) -> bool {
        matches!(self.tape.entry(self.at), Entry::Array { .. })
    }

    /// Returns the text of a text.
    pub fn as_str(self) -> Option<&'t str> {
        match self.tape.entry(self.at) {
            Entry::Plain { .. } | Entry::Unescaped { .. } => Some(self.tape.text(self.at)),
            _ => None,
        }
    }

    /// Returns the value of a number.
    pub fn as_f64(self) -> Option<f64> {
        match self.view() {
            View::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// Returns the elements of a list; none for anything else.
    pub fn elements(self) -> Elements<'t> {
        match self.view() {
            View::Array(elements) => elements,
            _ => Elements { tape: self.tape, next: 0, left: 0 },
        }
    }

    /// Returns the fields of an object; none for anything else.
    pub fn fields(self) -> Fields<'t> {
        match self.view() {
            View::Object(fields) => fields,
            _ => Fields { tape: self.tape, next: 0, left: 0 },
        }
    }

    /// Returns a field of an object.
    pub fn get(self, name: &str) -> Option<Self> {
        self.tape.field(self.at, name).map(|at| Self::new(self.tape, at))
    }

    /// Follows a JSON pointer (RFC 6901).
    pub fn pointer(self, pointer: &str) -> Option<Self> {
        let Some(steps) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(self) };
        steps.split('/').try_fold(self, |node, step| {
            let step = if step.contains('~') {
                Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(step)
            };
            match node.view() {
                View::Object(_) => node.get(&step),
                View::Array(mut elements) => elements.nth(index(&step)?),
                _ => None,
            }
        })
    }

    /// Returns the value's place on its tape.
    pub fn place(self) -> usize {
        self.at
    }

    /// Writes JSON pointers to places inside this value, which come in order; `path` leads to this value.
    pub fn pointers(self, path: &str, places: &[usize]) -> Vec<String> {
        let mut pointers = Vec::with_capacity(places.len());
        self.point(&mut path.to_owned(), places, &mut pointers);
        pointers
    }

    /// Adds the pointers to places in this value. No value is looked at twice, however many places there are.
    fn point(self, path: &mut String, places: &[usize], pointers: &mut Vec<String>) {
        let is_next = |end: usize, pointers: &[String]| places.get(pointers.len()).is_some_and(|place| *place < end);
        while is_next(self.at + 1, pointers) {
            pointers.push(path.clone());
        }
        let length = path.len();
        for (at, element) in self.elements().enumerate() {
            if is_next(element.end(), pointers) {
                path.push('/');
                path.push_str(&at.to_string());
                element.point(path, places, pointers);
                path.truncate(length);
            }
        }
        for (name, value) in self.fields() {
            if is_next(value.end(), pointers) {
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                value.point(path, places, pointers);
                path.truncate(length);
            }
        }
    }

    /// Returns the value as a tree of its own.
    pub fn to_value(self) -> Value {
        match self.view() {
            View::Null => Value::Null,
            View::Bool(value) => Value::Bool(value),
            View::Number(number) => Value::Number(number),
            View::Text(text) => Value::String(text.to_owned()),
            View::Array(elements) => elements.map(Self::to_value).collect(),
            View::Object(fields) => fields.map(|(name, value)| (name.to_owned(), value.to_value())).collect(),
        }
    }

    fn end(self) -> usize {
        self.at + self.tape.entry(self.at).size()
    }
}

/// Reads an index of a JSON pointer: digits without a leading zero.
fn index(step: &str) -> Option<usize> {
    let is_plain = step.bytes().all(|byte| byte.is_ascii_digit()) && (step.len() == 1 || !step.starts_with('0'));
    step.parse().ok().filter(|_| is_plain)
}

impl fmt::Display for Node<'_> {
    /// Writes the value as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.view() {
            View::Null => serializer.serialize_unit(),
            View::Bool(value) => serializer.serialize_bool(value),
            View::Number(number) => number.serialize(serializer),
            View::Text(text) => serializer.serialize_str(text),
            View::Array(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                elements.into_iter().try_for_each(|value| list.serialize_element(&value))?;
                list.end()
            }
            View::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.into_iter().try_for_each(|(name, value)| map.serialize_entry(name, &value))?;
                map.end()
            }
        }
    }
}

/// The elements of a list, in order.
#[derive(Clone, Debug)]
pub struct Elements<'t> {
    tape: &'t Tape<'t>,
    next: usize,
    left: u32,
}

impl<'t> Iterator for Elements<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        self.left = self.left.checked_sub(1)?;
        let node = Node::new(self.tape, self.next);
        self.next = node.end();
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// The fields of an object, in order.
#[derive(Clone, Debug)]
pub struct Fields<'t> {
    tape: &'t Tape<'t>,
    next: usize,
    left: u32,
}

impl<'t> Iterator for Fields<'t> {
    type Item = (&'t str, Node<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let value = Node::new(self.tape, self.next + 1);
        let name = self.tape.text(self.next);
        self.next = value.end();
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Fields<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"{"a":[{"b":1},{"b":2},[]],"":{"":3},"x/y":{"~":4},"0":5,"n":null}"#;

    #[test]
    fn pointers_find_what_they_find_in_a_tree() {
        let tape = Tape::parse(Cow::Borrowed(TEXT), false).unwrap();
        let tree: Value = serde_json::from_str(TEXT).unwrap();
        for pointer in [
            "",
            "/",
            "/a",
            "/a/0/b",
            "/a/1/b",
            "/a/01",
            "/a/+1",
            "/a/-",
            "/a/3",
            "/a/2/0",
            "//",
            "/x~1y/~0",
            "/x/y",
            "/0",
            "a",
            "/n",
            "/n/x",
            "/a/0/b/c",
            "/a/99999999999999999999",
        ] {
            assert_eq!(tape.root().pointer(pointer).map(Node::to_value).as_ref(), tree.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn a_pointer_to_each_place_leads_there() {
        let tape = Tape::parse(Cow::Borrowed(TEXT), false).unwrap();
        let values = ["", "/a", "/a/0", "/a/0/b", "/a/1", "/a/2", "/", "//", "/x~1y", "/x~1y/~0", "/0", "/n"];
        let mut places: Vec<usize> = values.iter().map(|at| tape.root().pointer(at).unwrap().place()).collect();
        assert!(places.is_sorted());
        assert_eq!(tape.root().pointers("", &places), values);
        places.retain(|place| place % 2 == 0);
        for (pointer, place) in tape.root().pointers("", &places).iter().zip(&places) {
            assert_eq!(tape.root().pointer(pointer).unwrap().place(), *place);
        }
        let inside = tape.root().pointer("/a").unwrap();
        let place = inside.pointer("/1/b").unwrap().place();
        assert_eq!(inside.pointers("/base", &[place, place]), ["/base/1/b", "/base/1/b"]);
    }

    proptest! {
        #[test]
        fn any_pointer_finds_what_it_finds_in_a_tree(pointer in "(/[ab0-2~1]{0,3}){0,4}") {
            let tape = Tape::parse(Cow::Borrowed(TEXT), false).unwrap();
            let tree: Value = serde_json::from_str(TEXT).unwrap();
            prop_assert_eq!(tape.root().pointer(&pointer).map(Node::to_value), tree.pointer(&pointer).cloned());
        }
    }
}
