//! Words of a job file whose schema says more than "text".

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The format that the schema gives to text that TOML may also write as a date or time.
pub(super) const TIME_FORMAT: &str = "date-or-time";

/// Names an environment variable. What is no such name never becomes one: it might be the key itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct EnvName(String);

impl Deref for EnvName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for EnvName {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "EnvName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_]*)?$" })
    }
}

/// Holds a date or time as it was written: as text, or as TOML's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "toml::Value")]
pub(super) struct Since(pub(super) String);

impl From<toml::Value> for Since {
    fn from(value: toml::Value) -> Self {
        match value {
            toml::Value::String(text) => Self(text),
            other => Self(other.to_string()),
        }
    }
}

impl JsonSchema for Since {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Since".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": TIME_FORMAT })
    }
}
