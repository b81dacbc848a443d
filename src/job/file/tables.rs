//! What a job adds to the tables, and what it leaves out of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flatten::tables::ColumnType;
use crate::job::at::At;
use crate::job::words::EnvName;

/// The `[columns.TABLE]` blocks.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Columns")]
pub(in crate::job) struct ColumnsFile {
    /// Extra columns of notes, by name; they belong to the content. The next build fills them for all notes, for free.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::job) notes: BTreeMap<String, At<ColumnFile>>,
    /// Extra columns of authors, by name; they belong to the profile. The next build fills them for all, for free.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::job) authors: BTreeMap<String, At<ColumnFile>>,
}

/// One extra column.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Column")]
pub(in crate::job) struct ColumnFile {
    /// Where the value stands in the note object, or in the profile or user object: a JSON pointer such as "/price".
    pub(in crate::job) path: At<String>,
    /// The column's type. A value of another type is left out, and becomes a row of `rejects`.
    #[serde(rename = "type")]
    pub(in crate::job) kind: ColumnType,
}

/// The `[privacy]` block.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Privacy")]
pub(in crate::job) struct PrivacyFile {
    /// The environment variable with the secret that turns user ids into keyed hashes, at least 16 characters; names,
    /// bios and pictures' addresses are left empty then. The variable may also end in _FILE and name a file. Default: "", off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) pseudonymize_key_env: Option<At<EnvName>>,
    /// Columns to leave out of the files, such as `"notes.ip_location"`. Default: none.
    pub(in crate::job) drop: Vec<At<String>>,
}
