//! Keys that a job file may hold, but that this version does not carry out yet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::at::At;
use crate::job::words::EnvName;

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
