//! Records: what one answer adds for good, whatever comes later.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Billed, Endpoint, Money, NoteId, Outcome, Query};

/// One note at one place of one page of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The number of the job's seed, from 1.
    pub seed: Option<u32>,
    /// What was searched for.
    pub query: Query,
    /// The page, from 1.
    pub page: u32,
    /// The place on the page, from 0, counted over all elements.
    pub position: u32,
    /// The note.
    pub note_id: NoteId,
    /// When.
    pub observed_at: Timestamp,
    /// The run that asked.
    pub run_id: String,
}

/// Something in an answer that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reject {
    /// The run that asked.
    pub run_id: String,
    /// The call that was answered.
    pub call_key: Arc<str>,
    /// JSON pointer to it in the answer's body.
    pub path: String,
    /// Why; safe to show.
    pub reason: String,
    /// The place of the item that it is about, from 0, counted over all elements; none where it is about the answer.
    pub position: Option<u32>,
    /// The answer's place among all answers; what was told before there were any has none, and gets its answer's.
    #[serde(default)]
    pub sequence: i64,
    /// When.
    pub observed_at: Timestamp,
}

/// One call with its answer, as the table of calls tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The run that asked.
    pub run_id: String,
    /// The call.
    pub call_key: Arc<str>,
    /// The answer's place among all answers.
    pub sequence: i64,
    /// What the clock said when the answer came.
    pub observed_at: Timestamp,
    /// The vendor that was asked last.
    pub vendor: String,
    /// What kind of call.
    pub endpoint: Endpoint,
    /// The parameters as JSON, without the key.
    pub params: String,
    /// What followed from the answer.
    pub outcome: Outcome,
    /// The vendor's own code.
    pub vendor_code: Option<String>,
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// How often the call was sent.
    pub attempts: u32,
    /// Milliseconds from the last send to its last byte.
    pub latency_ms: u32,
    /// The length of the body.
    pub body_bytes: Option<u64>,
    /// Whether the vendor charged for it.
    pub billed: Billed,
    /// What all attempts cost.
    #[serde(with = "super::money::micros")]
    pub cost: Money,
    /// How many elements were no notes: advertisements, suggestions.
    pub skipped: u32,
}
