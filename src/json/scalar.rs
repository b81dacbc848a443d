//! A JSON value as far as ids, counts, times and flags need it.

use serde_json::{Number, Value};

use super::node::{Node, View};

/// A value without what is inside it.
#[derive(Clone, Debug)]
pub enum Scalar<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(&'a str),
    /// A list or an object.
    Container,
}

impl<'a> From<Node<'a>> for Scalar<'a> {
    fn from(node: Node<'a>) -> Self {
        match node.view() {
            View::Null => Self::Null,
            View::Bool(value) => Self::Bool(value),
            View::Number(number) => Self::Number(number),
            View::Text(text) => Self::Text(text),
            View::Array(_) | View::Object(_) => Self::Container,
        }
    }
}

impl<'a> From<&'a Value> for Scalar<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text),
            Value::Array(_) | Value::Object(_) => Self::Container,
        }
    }
}
