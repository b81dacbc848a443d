//! The shape of a vendor's answers: which JSON paths they have, of which types, in how many of them.
//!
//! Array elements are one path (`items[].id`), and so are the entries of objects that are maps (`users{}.name`): where
//! keys are ids, numbers or no names at all, or where there are more of them than any object has fields. So the paths of
//! an honest vendor are a few hundred, and those of a hostile one are bounded; no key that is not a plain name is kept.

use serde::{Deserialize, Serialize};

use crate::json::{self, View};

/// Paths of one shape at most.
const MOST_PATHS: usize = 2_000;
/// Names of one object at most; what has more is a map.
const MOST_NAMES: usize = 128;
/// Bytes of one name at most, and of one path.
const LONGEST_NAME: usize = 40;
const LONGEST_PATH: usize = 200;
/// A name with so many digits holds an id, a time or a number.
const ID_DIGITS: usize = 6;

const ELEMENT: &str = "[]";
const ENTRY: &str = "{}";

/// The type of a JSON value; null is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Boolean, Self::Number, Self::String, Self::Array, Self::Object];

    const fn of(value: &View<'_>) -> Option<Self> {
        Some(match value {
            View::Null => return None,
            View::Bool(_) => Self::Boolean,
            View::Number(_) => Self::Number,
            View::Text(_) => Self::String,
            View::Array(_) => Self::Array,
            View::Object(_) => Self::Object,
        })
    }

    /// Returns the kind's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// What many answers of one kind look like. Counting the same answers in another order counts the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    answers: u64,
    /// Whether there were more paths than are counted.
    is_full: bool,
    /// The calls that are given as examples.
    calls: Vec<String>,
    /// Parents before their children; the first is the whole body.
    nodes: Vec<Node>,
}

/// One path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    parent: usize,
    /// A name, or that of an element or an entry.
    step: String,
    answers: u64,
    /// By kind: in how many answers, and in which first.
    kinds: [(u64, usize); 5],
    #[serde(skip)]
    children: Vec<usize>,
    #[serde(skip)]
    length: usize,
    /// The last answer that was counted here, and by kind.
    #[serde(skip)]
    last: (u64, [u64; 5]),
}

/// What is known of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPath<'a> {
    /// The path, such as `data.items[].note.id`; empty for the whole body.
    pub path: String,
    /// Where in the list the path above it stands.
    pub parent: Option<usize>,
    /// In how many answers it has a value that is not null.
    pub answers: u64,
    /// In how many answers it has a value of this kind, and a call of one of them.
    pub kinds: Vec<(Kind, u64, &'a str)>,
    /// Whether it has more names below than are told apart.
    pub is_crowded: bool,
}

impl Shape {
    /// Counts one answer's body.
    pub fn count(&mut self, body: json::Node<'_>, call: &str) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        self.answers += 1;
        self.visit(0, body, call);
    }

    /// Returns how many answers were counted.
    pub const fn answers(&self) -> u64 {
        self.answers
    }

    /// Tells whether there were more paths than are counted, so that nothing can be said of those that are not there.
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Lists the paths, each after the one above it.
    pub fn paths(&self) -> Vec<SeenPath<'_>> {
        let mut paths: Vec<SeenPath<'_>> = Vec::with_capacity(self.nodes.len());
        for (at, node) in self.nodes.iter().enumerate() {
            let above = paths.get(node.parent).map_or("", |above| &above.path);
            let dot = if above.is_empty() || [ELEMENT, ENTRY].contains(&node.step.as_str()) { "" } else { "." };
            let example = |call: usize| self.calls.get(call).map_or("", String::as_str);
            let kinds = Kind::ALL.into_iter().zip(node.kinds);
            paths.push(SeenPath {
                path: format!("{above}{dot}{}", node.step),
                parent: (at > 0).then_some(node.parent),
                answers: node.answers,
                kinds: kinds.filter(|(_, (n, _))| *n > 0).map(|(kind, (n, call))| (kind, n, example(call))).collect(),
                is_crowded: node.children.len() >= MOST_NAMES,
            });
        }
        paths
    }

    /// Reads a shape as it was written.
    pub fn parse(json: &str) -> Option<Self> {
        let mut shape: Self = serde_json::from_str(json).ok()?;
        for at in 1..shape.nodes.len() {
            let node = shape.nodes.get(at)?;
            let (parent, step) = (node.parent, node.step.len());
            let above = shape.nodes.get_mut(parent).filter(|_| parent < at)?;
            above.children.push(at);
            let length = above.length + step + 1;
            shape.nodes.get_mut(at)?.length = length;
        }
        Some(shape)
    }

    /// Writes the shape as JSON.
    pub fn to_json(&self) -> String {
        // Numbers, text and lists always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn visit(&mut self, at: usize, value: json::Node<'_>, call: &str) {
        let view = value.view();
        let Some(kind) = Kind::of(&view) else { return };
        self.mark(at, kind, call);
        match view {
            View::Array(elements) => {
                for value in elements.filter(|value| !value.is_null()) {
                    let Some(element) = self.child(at, ELEMENT, &mut 0) else { return };
                    self.visit(element, value, call);
                }
            }
            View::Object(fields) => {
                let is_map = fields.len() > MOST_NAMES;
                // Vendors write names in one order: the next is looked for behind the last.
                let mut behind = 0;
                for (name, value) in fields.filter(|(_, value)| !value.is_null()) {
                    let known = if is_map { None } else { self.known(at, name, &mut behind) };
                    let child = known.or_else(|| {
                        let count = self.nodes.get(at).map_or(0, |node| node.children.len());
                        let step = if !is_map && count < MOST_NAMES && is_name(name) { name } else { ENTRY };
                        self.child(at, step, &mut 0)
                    });
                    if let Some(child) = child {
                        self.visit(child, value, call);
                    }
                }
            }
            _ => {}
        }
    }

    /// Counts a value, once an answer.
    fn mark(&mut self, at: usize, kind: Kind, call: &str) {
        let (answers, kind) = (self.answers, kind as usize);
        let Some(node) = self.nodes.get_mut(at) else { return };
        if node.last.0 != answers {
            node.last.0 = answers;
            node.answers += 1;
        }
        let (Some(seen), Some(last)) = (node.kinds.get_mut(kind), node.last.1.get_mut(kind)) else { return };
        if *last != answers {
            *last = answers;
            seen.0 += 1;
            if seen.0 == 1 {
                if self.calls.last().is_none_or(|last| last != call) {
                    self.calls.push(call.to_owned());
                }
                seen.1 = self.calls.len() - 1;
            }
        }
    }

    fn known(&self, at: usize, step: &str, behind: &mut usize) -> Option<usize> {
        let children = &self.nodes.get(at)?.children;
        let (before, after) = children.split_at_checked(*behind)?;
        let is_step = |child: &usize| self.nodes.get(*child).is_some_and(|node| node.step == step);
        let place = match after.iter().position(is_step) {
            Some(place) => *behind + place,
            None => before.iter().position(is_step)?,
        };
        *behind = place + 1;
        children.get(place).copied()
    }

    /// Finds a path below another, or adds it; none where there is no room for more.
    fn child(&mut self, at: usize, step: &str, behind: &mut usize) -> Option<usize> {
        if let Some(known) = self.known(at, step, behind) {
            return Some(known);
        }
        let length = self.nodes.get(at)?.length + step.len() + 1;
        if length > LONGEST_PATH {
            return None;
        }
        if self.nodes.len() >= MOST_PATHS {
            self.is_full = true;
            return None;
        }
        let child = self.nodes.len();
        self.nodes.push(Node { parent: at, step: step.to_owned(), length, ..Node::default() });
        self.nodes.get_mut(at)?.children.push(child);
        Some(child)
    }
}

/// Tells a field's name from what is data: ids, numbers, words of people.
fn is_name(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$@:".contains(&byte);
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    let letters = key.bytes().any(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    letters && key.len() <= LONGEST_NAME && key.bytes().all(plain) && digits < ID_DIGITS
}

#[cfg(test)]
mod tests;
