//! The rows of the tables that only grow.

use std::cmp::Reverse;

use super::best::Best;
use super::{AuthorMetricId, ByWord, NoteMetricId};
use crate::flatten::tables::{AuthorMetricRow, CallRow, NoteMetricRow, RejectRow, SearchHitRow};
use crate::model::{CallRecord, Count, SearchHit};

pub(in crate::dataset) fn hit(hit: SearchHit) -> SearchHitRow {
    SearchHitRow {
        seed: hit.seed.map(signed),
        keyword: hit.query.keyword,
        sort: hit.query.sort.as_str(),
        note_type: hit.query.note_type.as_str(),
        published: hit.query.published.as_str(),
        page: signed(hit.page),
        position: signed(hit.position),
        note_id: hit.note_id.to_string(),
        observed_at: hit.observed_at,
        run_id: hit.run_id,
    }
}

pub(in crate::dataset) fn note_metric(
    (note_id, observed_at, ByWord(source), sequence): &NoteMetricId,
    counts: &Best<Reverse<u32>, [Option<Count>; 4]>,
) -> Option<NoteMetricRow> {
    let counts = *counts.value()?;
    let [liked_count, collected_count, comment_count, share_count] = values(counts);
    Some(NoteMetricRow {
        note_id: note_id.to_string(),
        observed_at: *observed_at,
        source: source.as_str(),
        sequence: *sequence,
        liked_count,
        collected_count,
        comment_count,
        share_count,
        is_approximate: any_is_approximate(&counts),
    })
}

pub(in crate::dataset) fn author_metric(
    (author_id, observed_at, source, sequence): &AuthorMetricId,
    counts: &Best<Reverse<u32>, [Option<Count>; 6]>,
) -> Option<AuthorMetricRow> {
    let counts = *counts.value()?;
    let [fans_count, follows_count, liked_count, collected_count, interaction_count, notes_count] = values(counts);
    Some(AuthorMetricRow {
        author_id: author_id.to_string(),
        observed_at: *observed_at,
        source: source.as_str(),
        sequence: *sequence,
        fans_count,
        follows_count,
        liked_count,
        collected_count,
        interaction_count,
        notes_count,
        is_approximate: any_is_approximate(&counts),
    })
}

pub(in crate::dataset) fn call(call: CallRecord) -> CallRow {
    CallRow {
        run_id: call.run_id,
        call_key: call.call_key.to_string(),
        vendor: call.vendor,
        endpoint: call.endpoint.as_str(),
        params: call.params,
        observed_at: call.observed_at,
        sequence: call.sequence,
        outcome: call.outcome.as_str(),
        vendor_code: call.vendor_code,
        http_status: call.http_status.map(i32::from),
        attempts: signed(call.attempts),
        latency_ms: call.latency_ms.into(),
        body_bytes: call.body_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        billed: call.billed.as_str(),
        cost: call.cost.as_f64(),
    }
}

pub(in crate::dataset) fn reject((run_id, call_key, path, reason): super::RejectId) -> RejectRow {
    RejectRow { run_id, call_key: call_key.to_string(), path, reason }
}

fn values<const N: usize>(counts: [Option<Count>; N]) -> [Option<i64>; N] {
    counts.map(|count| Some(count?.value))
}

fn any_is_approximate(counts: &[Option<Count>]) -> bool {
    counts.iter().flatten().any(|count| count.is_approximate())
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
