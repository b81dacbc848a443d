//! A parsed body as a tape: all values in document order, in one vector, without a tree of allocations.
//!
//! ```text
//! {"a": [1, "x"]}   ──▶   Object(size 5)  Text "a"  Array(size 3)  Number 1  Text "x"
//! ```
//!
//! Text borrows from the body unless it holds escapes. A container's size counts its entries, its own included, so that a
//! reader skips what it does not want, and entries can be moved.

use std::borrow::Cow;
use std::collections::{HashMap, hash_map};
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::names::NameFilter;
use super::node::Node;

/// Deeper values are read as null: no known field lies that deep, and recursion stays bounded.
const MAX_DEPTH: usize = 96;
/// A body of more values is refused; a page has some ten thousand.
pub(super) const MAX_VALUES: usize = 200_000;

/// One entry of a tape. A field of an object is two entries or more: its name as text, then its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Entry {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// Text without escapes: a span of the body.
    Plain {
        start: u32,
        length: u32,
    },
    /// Text with escapes: a span of what was unescaped.
    Unescaped {
        start: u32,
        length: u32,
    },
    Array {
        size: u32,
        length: u32,
    },
    Object {
        size: u32,
        length: u32,
    },
}

impl Entry {
    /// Returns how many entries the value takes, its own included.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Array { size, .. } | Self::Object { size, .. } => size as usize,
            _ => 1,
        }
    }
}

/// A parsed JSON text.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape<'a> {
    source: Cow<'a, str>,
    unescaped: String,
    entries: Vec<Entry>,
}

impl Default for Tape<'_> {
    /// Returns the tape of `null`.
    fn default() -> Self {
        Self { source: Cow::Borrowed(""), unescaped: String::new(), entries: vec![Entry::Null] }
    }
}

impl<'a> Tape<'a> {
    /// Parses a JSON text. The last of duplicate names wins, in the place of the first; values below 96 levels become
    /// null. If `is_prefix`, what follows the first value is ignored.
    ///
    /// # Errors
    ///
    /// The parser's error, or a message if the text holds more than 200,000 values.
    pub(super) fn parse(source: Cow<'a, str>, is_prefix: bool) -> Result<Self, TapeError> {
        let mut builder = Builder::new(source.as_ref());
        let mut deserializer = serde_json::Deserializer::from_str(source.as_ref());
        let mut parsed = Fill { builder: &mut builder, depth: MAX_DEPTH }.deserialize(&mut deserializer);
        if !is_prefix {
            parsed = parsed.and_then(|()| deserializer.end());
        }
        let Builder { unescaped, entries, values, .. } = builder;
        match parsed {
            Ok(()) => Ok(Self { source, unescaped, entries }),
            Err(_) if values >= MAX_VALUES => Err(TapeError::TooManyValues),
            Err(error) => Err(TapeError::Json(error)),
        }
    }

    /// Returns the outermost value.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    pub(super) fn entry(&self, at: usize) -> Entry {
        self.entries.get(at).copied().unwrap_or(Entry::Null)
    }

    /// Finds a field of an object by its name; returns the entry of its value.
    pub(super) fn field(&self, object: usize, name: &str) -> Option<usize> {
        let Entry::Object { length, .. } = self.entry(object) else { return None };
        let mut at = object + 1;
        for _ in 0..length {
            // Lengths differ more often than not, and are compared without a look at the text.
            let (text, start, length) = match *self.entries.get(at)? {
                Entry::Plain { start, length } => (self.source.as_bytes(), start as usize, length as usize),
                Entry::Unescaped { start, length } => (self.unescaped.as_bytes(), start as usize, length as usize),
                _ => return None,
            };
            if length == name.len() && text.get(start..start + length) == Some(name.as_bytes()) {
                return Some(at + 1);
            }
            at += 1 + self.entries.get(at + 1)?.size();
        }
        None
    }

    /// Returns a text entry's text; empty for other entries.
    pub(super) fn text(&self, at: usize) -> &str {
        span(&self.source, &self.unescaped, self.entries.get(at).copied())
    }
}

/// Makes a tape of a tree, for tests.
#[cfg(test)]
pub(crate) fn tape_of(value: &serde_json::Value) -> Tape<'static> {
    Tape::parse(Cow::Owned(value.to_string()), false).unwrap()
}

/// The error for a text that does not become a tape.
#[derive(Debug)]
pub(super) enum TapeError {
    /// It is not JSON.
    Json(serde_json::Error),
    /// It holds more values than any page.
    TooManyValues,
}

struct Builder<'s> {
    source: &'s str,
    unescaped: String,
    entries: Vec<Entry>,
    values: usize,
}

impl<'s> Builder<'s> {
    fn new(source: &'s str) -> Self {
        // Bodies of notes have an entry for some ten bytes.
        let entries = Vec::with_capacity((source.len() / 10).min(MAX_VALUES));
        Self { source, unescaped: String::new(), entries, values: 0 }
    }

    /// Adds text that the parser borrows from the source.
    fn borrowed(&mut self, text: &str) {
        // Text within the source's bytes is the source's text.
        let start = text.as_ptr().addr().wrapping_sub(self.source.as_ptr().addr());
        if self.source.get(start..start.saturating_add(text.len())).is_some() {
            self.entries.push(Entry::Plain { start: start as u32, length: text.len() as u32 });
        } else {
            self.unescaped(text);
        }
    }

    fn unescaped(&mut self, text: &str) {
        let start = self.unescaped.len() as u32;
        self.unescaped.push_str(text);
        self.entries.push(Entry::Unescaped { start, length: text.len() as u32 });
    }

    fn open(&mut self) -> usize {
        self.entries.push(Entry::Null);
        self.entries.len() - 1
    }

    fn close(&mut self, at: usize, container: impl Fn(u32) -> Entry) {
        let size = (self.entries.len() - at) as u32;
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = container(size);
        }
    }

    fn name(&self, at: usize) -> &str {
        span(self.source, &self.unescaped, self.entries.get(at).copied())
    }

    /// Returns true if a name stands among the earlier fields of an object.
    fn is_duplicate(&self, object: usize, name: usize) -> bool {
        self.fields(object, name).any(|field| self.name(field.start) == self.name(name))
    }

    /// Returns the entries of each field between an object's own entry and `end`.
    fn fields(&self, object: usize, end: usize) -> impl Iterator<Item = Range<usize>> {
        let mut start = object + 1;
        std::iter::from_fn(move || {
            let value = self.entries.get(start + 1).filter(|_| start < end)?;
            let field = start..start + 1 + value.size();
            start = field.end;
            Some(field)
        })
    }

    /// Leaves the last field of each name, in the place of the first; returns how many there are.
    fn drop_duplicates(&mut self, object: usize) -> u32 {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut kept: Vec<Range<usize>> = Vec::new();
        let mut has_duplicates = false;
        for field in self.fields(object, self.entries.len()) {
            match places.entry(self.name(field.start)) {
                hash_map::Entry::Vacant(place) => {
                    place.insert(kept.len());
                    kept.push(field);
                }
                hash_map::Entry::Occupied(place) => {
                    has_duplicates = true;
                    if let Some(earlier) = kept.get_mut(*place.get()) {
                        *earlier = field;
                    }
                }
            }
        }
        if has_duplicates {
            let entries: Vec<Entry> =
                kept.iter().flat_map(|field| self.entries.get(field.clone()).unwrap_or_default()).copied().collect();
            self.entries.truncate(object + 1);
            self.entries.extend(entries);
        }
        kept.len() as u32
    }
}

fn span<'s>(source: &'s str, unescaped: &'s str, entry: Option<Entry>) -> &'s str {
    let (text, start, length) = match entry {
        Some(Entry::Plain { start, length }) => (source, start, length),
        Some(Entry::Unescaped { start, length }) => (unescaped, start, length),
        _ => return "",
    };
    text.get(start as usize..start as usize + length as usize).unwrap_or_default()
}

/// Objects of more names are looked through for duplicates with a hash table.
const MAX_SCANNED: u32 = 64;

/// Adds one value of at most this many levels to the tape; what lies deeper is skipped without recursion.
struct Fill<'b, 's> {
    builder: &'b mut Builder<'s>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Fill<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.builder.values += 1;
        if self.builder.values >= MAX_VALUES {
            return Err(serde::de::Error::custom("too many values"));
        }
        if self.depth == 0 {
            IgnoredAny::deserialize(deserializer)?;
            self.builder.entries.push(Entry::Null);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.builder.entries.push(Entry::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.builder.entries.push(Entry::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.builder.entries.push(Entry::Signed(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.builder.entries.push(Entry::Unsigned(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.builder.entries.push(Entry::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.builder.borrowed(text);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.builder.unescaped(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { builder, depth } = self;
        let at = builder.open();
        let mut length = 0;
        while seq.next_element_seed(Fill { builder, depth: depth - 1 })?.is_some() {
            length += 1;
        }
        builder.close(at, |size| Entry::Array { size, length });
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { builder, depth } = self;
        let at = builder.open();
        let (mut length, mut names, mut may_repeat) = (0, NameFilter::default(), false);
        loop {
            let name = builder.entries.len();
            if map.next_key_seed(Name(builder))?.is_none() {
                break;
            }
            length += 1;
            may_repeat |= length > MAX_SCANNED
                || (!may_repeat && names.add(builder.name(name)) && builder.is_duplicate(at, name));
            map.next_value_seed(Fill { builder, depth: depth - 1 })?;
        }
        if may_repeat {
            length = builder.drop_duplicates(at);
        }
        builder.close(at, |size| Entry::Object { size, length });
        Ok(())
    }
}

/// Adds a field's name to the tape.
struct Name<'b, 's>(&'b mut Builder<'s>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.0.borrowed(text);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.unescaped(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn value(text: &str) -> Value {
        Tape::parse(Cow::Borrowed(text), false).unwrap().root().to_value()
    }

    #[test]
    fn a_tape_holds_what_the_text_says() {
        for text in [
            "null",
            "[]",
            "{}",
            r#"[1,-2,3.5,18446744073709551615,true,false,null,"a","\u00e9\n"]"#,
            r#"{"a":{"b":[{"c":1},{}],"":""},"d\"e":[[],[[]]]}"#,
        ] {
            assert_eq!(value(text), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn the_last_of_duplicate_names_wins_in_the_place_of_the_first() {
        let text = r#"{"a":[1,2],"b":1,"a":{"c":1,"c":[3],"d":0},"\u0061":{"c":2,"e":{},"c":[9]}}"#;
        assert_eq!(value(text).to_string(), r#"{"a":{"c":[9],"e":{}},"b":1}"#);
        let many: Vec<String> = (0..500).map(|at| format!("\"n{}\":{at}", at % 300)).collect();
        let read = value(&format!("{{{}}}", many.join(",")));
        assert_eq!((read.as_object().unwrap().len(), &read["n7"], &read["n299"]), (300, &json!(307), &json!(299)));
    }

    #[test]
    fn depth_and_values_are_bounded() {
        let deep = format!("{{\"odd\":{}{},\"id\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(value(&deep)["id"], 1);
        let flood = format!("[{}{{}}]", "{},".repeat(200_000));
        assert!(matches!(Tape::parse(Cow::Owned(flood), false), Err(TapeError::TooManyValues)));
        assert!(Tape::parse(Cow::Owned(format!("[{}{{}}]", "{},".repeat(100_000))), false).is_ok());
    }

    fn any_json() -> impl Strategy<Value = String> {
        let name = prop_oneof!["[ab]{0,2}", "[\\u{20}-\\u{d7ff}]{0,3}"];
        let text = |text: &str| Value::String(text.to_owned()).to_string();
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
            "\\PC{0,8}".prop_map(move |value| text(&value)),
        ];
        leaf.prop_recursive(5, 60, 8, move |inside| {
            prop_oneof![
                proptest::collection::vec(inside.clone(), 0..6).prop_map(|all| format!("[{}]", all.join(","))),
                proptest::collection::vec((name.clone(), inside), 0..8).prop_map(move |all| {
                    let fields = all.iter().map(|(name, value)| format!("{}:{value}", text(name)));
                    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tape_equals_the_tree_of_the_same_text(text in any_json()) {
            let tree: Value = serde_json::from_str(&text).unwrap();
            let tape = Tape::parse(Cow::Borrowed(&text), false).unwrap();
            prop_assert_eq!(tape.root().to_value(), tree.clone());
            prop_assert_eq!(serde_json::to_string(&tape.root()).unwrap(), tree.to_string());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let tree = serde_json::from_str::<Value>(&text).ok();
            let tape = Tape::parse(Cow::Borrowed(&text), false).ok();
            prop_assert_eq!(tape.map(|tape| tape.root().to_value()), tree);
        }
    }
}
