//! Observations that are rows of tables as they are: search hits, calls, values that could not be read.

use std::sync::Arc;

use jiff::Timestamp;

use super::signed;
use crate::flatten::tables::table;
use crate::model::{CallRecord, Reject, SearchHit};

table! {
    /// One row for each note at each place of each page of a search.
    ObservedHitRow, "observed_hits", by Nothing, sorted by ["seed", "keyword", "sort", "note_type", "published", "page", "position", "note_id", "observed_at", "run_id"];
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// The place on the page, from 0, counted over all elements.
    position: i32 = "place in the provider's list",
    /// Whether the hit counts: false for a place beyond the limits of the job.
    is_admitted: bool = "the run",
    /// What the clock said when the answer came.
    observed_at: Timestamp = "the answer",
    /// The call that was answered.
    call_key: Arc<str> = "the call",
    /// The run that asked.
    run_id: String = "the run",
    /// The note.
    note_id: String = "`id`",
    /// The number of the job's seed, from 1.
    seed: Option<i32> = "the job",
    /// The keyword.
    keyword: String = "the call",
    /// The sort order.
    sort: &'static str = "the call",
    /// The type of note asked for.
    note_type: &'static str = "the call",
    /// How recent the notes had to be.
    published: &'static str = "the call",
    /// The page, from 1.
    page: i32 = "the call",
}

impl ObservedHitRow {
    pub(super) fn of(hit: SearchHit, call: &CallRecord, is_admitted: bool) -> Self {
        Self {
            sequence: call.sequence,
            position: signed(hit.position),
            is_admitted,
            observed_at: hit.observed_at,
            call_key: Arc::clone(&call.call_key),
            run_id: hit.run_id,
            note_id: hit.note_id.into(),
            seed: hit.seed.map(signed),
            keyword: hit.query.keyword,
            sort: hit.query.sort.as_str(),
            note_type: hit.query.note_type.as_str(),
            published: hit.query.published.as_str(),
            page: signed(hit.page),
        }
    }
}

table! {
    /// One row for each call that has a final answer, or was given up.
    ObservedCallRow, "observed_calls", by Nothing, sorted by ["run_id", "call_key", "observed_at", "sequence"];
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// What the clock said when the answer came.
    observed_at: Timestamp = "the answer",
    /// The endpoint and its parameters, which name the call.
    call_key: Arc<str> = "the call",
    /// The run that asked.
    run_id: String = "the run",
    /// The provider that was asked last.
    provider: String = "the run",
    /// `search_notes`, `user_notes`, `note_detail` or `user_profile`.
    endpoint: &'static str = "the call",
    /// The parameters as JSON, without the key.
    params: String = "the call",
    /// `ok`, `gone` (stated by a code) and `empty` (nothing shown) are answers; all others are calls given up.
    outcome: &'static str = "the answer",
    /// The provider's own code, as text.
    provider_code: Option<String> = "`code`",
    /// The HTTP status; null where no answer came.
    http_status: Option<i32> = "HTTP",
    /// How often the call was sent.
    attempts: i32 = "the run",
    /// Milliseconds from the last send to its last byte.
    latency_ms: i64 = "the run",
    /// The length of the answer's body in bytes.
    body_bytes: Option<i64> = "HTTP",
    /// Whether the provider charged for it: `yes`, `no` or `unknown`.
    billed: &'static str = "the provider's billing rule",
    /// What all attempts cost, in the provider's price unit.
    cost: f64 = "the job's prices",
    /// How many elements were not asked for: advertisements, suggestions, recommended notes.
    skipped_elements: i32 = "the answer",
}

impl ObservedCallRow {
    pub(super) fn of(call: CallRecord) -> Self {
        Self {
            sequence: call.sequence,
            observed_at: call.observed_at,
            call_key: call.call_key,
            run_id: call.run_id,
            provider: call.vendor,
            endpoint: call.endpoint.as_str(),
            params: call.params,
            outcome: call.outcome.as_str(),
            provider_code: call.vendor_code,
            http_status: call.http_status.map(i32::from),
            attempts: signed(call.attempts),
            latency_ms: call.latency_ms.into(),
            body_bytes: call.body_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            billed: call.billed.as_str(),
            cost: call.cost.as_f64(),
            skipped_elements: signed(call.skipped),
        }
    }
}

table! {
    /// One row for each value of an answer that could not be read.
    ObservedRejectRow, "observed_rejects", by Nothing, sorted by ["run_id", "call_key", "path", "reason", "sequence"];
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// The place of the note that it is about, from 0; null where it is about the answer as a whole.
    position: Option<i32> = "place in the provider's list",
    /// Whether it counts: false for a note beyond the limits of the job.
    is_admitted: bool = "the run",
    /// What the clock said when the answer came.
    observed_at: Timestamp = "the answer",
    /// The call that was answered.
    call_key: Arc<str> = "the call",
    /// The run that asked.
    run_id: String = "the run",
    /// JSON pointer to it in the answer's body; empty for the body as a whole.
    path: String = "the answer",
    /// Why it could not be read.
    reason: String = "notemill",
}

impl ObservedRejectRow {
    pub(super) fn of(reject: Reject, is_admitted: bool) -> Self {
        Self {
            sequence: reject.sequence,
            position: reject.position.map(signed),
            is_admitted,
            observed_at: reject.observed_at,
            call_key: reject.call_key,
            run_id: reject.run_id,
            path: reject.path,
            reason: reject.reason,
        }
    }
}
