//! How long raw answers are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::at::At;

/// The `[archive]` block.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Archive")]
pub(in crate::job) struct ArchiveFile {
    /// How long raw answers are kept: "forever", an age such as "90d", or "none". Their observations are kept for good in their
    /// place, so that the tables stay; columns added later are empty for them.
    pub(in crate::job) retain: At<String>,
}

impl Default for ArchiveFile {
    fn default() -> Self {
        Self { retain: "forever".into() }
    }
}
