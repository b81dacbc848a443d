//! Keys that a job file may hold, but that this version does not carry out yet.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::at::At;
use crate::job::words::EnvName;

/// The `[archive]` block.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Archive")]
pub(in crate::job) struct ArchiveFile {
    /// How long raw answers are kept: "forever", an age such as "90d", or "none". This version carries out "forever".
    pub(in crate::job) retain: At<String>,
}

impl Default for ArchiveFile {
    fn default() -> Self {
        Self { retain: "forever".into() }
    }
}

/// The `[state]` block.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "State")]
pub(in crate::job) struct StateFile {
    /// The environment variable with the address of a PostgreSQL that several machines share. Not carried out by this
    /// version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) postgres_env: Option<At<EnvName>>,
}

/// The `[columns.TABLE]` blocks.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Columns")]
pub(in crate::job) struct ColumnsFile {
    /// Extra columns of notes, by name. Not carried out by this version yet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::job) notes: BTreeMap<String, At<ColumnFile>>,
}

/// One extra column.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Column")]
pub(in crate::job) struct ColumnFile {
    /// Where the value stands in the note object: a JSON pointer such as "/price".
    path: String,
    /// The column's type.
    #[serde(rename = "type")]
    kind: ColumnType,
}

/// The type of an extra column.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::job) enum ColumnType {
    /// Text.
    String,
    /// A whole number.
    Int64,
    /// A number.
    Float64,
    /// True or false.
    Bool,
    /// A time in UTC.
    Timestamp,
}

/// The `[privacy]` block.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Privacy")]
pub(in crate::job) struct PrivacyFile {
    /// The environment variable with the secret that turns user ids into keyed hashes; names and avatars are dropped.
    /// Default: "", off. Not carried out by this version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) pseudonymize_key_env: Option<At<EnvName>>,
    /// Columns to leave out, such as `"notes.ip_location"`. Default: none. Not carried out by this version yet.
    pub(in crate::job) drop: At<Vec<String>>,
}

impl Default for PrivacyFile {
    fn default() -> Self {
        Self { pseudonymize_key_env: None, drop: Vec::new().into() }
    }
}
