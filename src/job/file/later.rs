//! Keys that a job file may hold, but that this version does not carry out yet.

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
