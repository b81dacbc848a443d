//! A value together with its place in the file, so that a later check can point at it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

/// Holds a value with the bytes of the file that it was read from.
#[derive(Clone, Debug)]
pub(super) struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// Returns the bytes of the file that hold the value; empty for a default.
    pub(super) fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T> From<T> for At<T> {
    fn from(value: T) -> Self {
        Self(Spanned::new(0..0, value))
    }
}

impl From<&str> for At<String> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.get_ref().serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Holds one word or a list of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "OneOrManyOf{T}")]
pub(super) enum OneOrMany<T> {
    /// One word.
    One(T),
    /// A list of words.
    Many(#[schemars(length(min = 1))] Vec<At<T>>),
}

impl<T> At<OneOrMany<T>> {
    /// Lists the words, each with its place.
    pub(super) fn each(&self) -> Vec<(Range<usize>, &T)> {
        match &**self {
            OneOrMany::One(word) => vec![(self.span(), word)],
            OneOrMany::Many(words) => words.iter().map(|word| (word.span(), &**word)).collect(),
        }
    }
}

// Not derived: an untagged enum would lose the places.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Words(PhantomData))
    }
}

struct Words<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Words<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a list of words")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(OneOrMany::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
    }
}
