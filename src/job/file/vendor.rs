//! What a job file may say about a vendor, and about each of its calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::at::At;
use crate::job::words::EnvName;
use crate::model::Endpoint;

/// One `[vendors.NAME]` block. Keys are never written here: they are read from the environment.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Vendor")]
pub(in crate::job) struct VendorFile {
    /// The description of a vendor that is not built in: a TOML file, from the job file's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) file: Option<At<String>>,
    /// Which of the vendor's addresses is called: for justoneapi "global" or "cn". Default: "global".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) region: Option<At<String>>,
    /// Another address to call, in place of a region: http:// or https://.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) base_url: Option<At<String>>,
    /// The name of the environment variable that holds the key. Default: as the vendor's description says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) token_env: Option<At<EnvName>>,
    /// Calls in flight at once. Default: as the vendor's description says.
    #[schemars(range(min = 1, max = 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) concurrency: Option<u32>,
    /// Calls a minute; 0 is the vendor's own default, or none. Default: 0.
    pub(in crate::job) requests_per_minute: u32,
    /// How long one call may take in all, from "1s" to "10m". Default: as the vendor's description says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::job) timeout: Option<At<String>>,
    /// Allow an http:// address on another machine: the key then travels in the clear.
    pub(in crate::job) allow_plain_http: bool,
    /// Other described versions of calls, by call; a version named here has no fallback. Default: as the vendor's
    /// description says.
    #[serde(skip_serializing)]
    pub(in crate::job) version: PerEndpoint<String>,
    /// Prices by call, in the vendor's unit. Default: as the vendor's description says, else 0.
    #[serde(skip_serializing)]
    pub(in crate::job) price: PerEndpoint<f64>,
}

/// One value for each call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, bound(deserialize = "T: Deserialize<'de>"))]
#[schemars(rename = "PerEndpointOf{T}")]
pub(in crate::job) struct PerEndpoint<T> {
    /// For searches.
    pub(in crate::job) search_notes: Option<At<T>>,
    /// For the lists of users' notes.
    pub(in crate::job) user_notes: Option<At<T>>,
    /// For the details of notes.
    pub(in crate::job) note_detail: Option<At<T>>,
    /// For the profiles of users.
    pub(in crate::job) user_profile: Option<At<T>>,
}

impl<T> Default for PerEndpoint<T> {
    fn default() -> Self {
        Self { search_notes: None, user_notes: None, note_detail: None, user_profile: None }
    }
}

impl<T> PerEndpoint<T> {
    /// Returns the value of a call.
    pub(in crate::job) fn get(&self, endpoint: Endpoint) -> Option<&At<T>> {
        match endpoint {
            Endpoint::SearchNotes => self.search_notes.as_ref(),
            Endpoint::UserNotes => self.user_notes.as_ref(),
            Endpoint::NoteDetail => self.note_detail.as_ref(),
            Endpoint::UserProfile => self.user_profile.as_ref(),
        }
    }

    /// Lists the values that are set.
    pub(in crate::job) fn each(&self) -> impl Iterator<Item = (Endpoint, &At<T>)> {
        Endpoint::ALL.into_iter().filter_map(|endpoint| Some((endpoint, self.get(endpoint)?)))
    }
}
