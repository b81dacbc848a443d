//! The rows of each table, in the order of its key.

use jiff::Timestamp;

use super::Merged;
use super::note::NoteState;
use crate::flatten::tables::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    NoteRow, RejectRow, SearchHitRow,
};
use crate::model::{CallRecord, NoteId};

/// Some notes, in the order of their ids: those of one folder, for instance.
pub(in crate::dataset) type Notes<'a> = [(&'a NoteId, &'a NoteState)];

pub(in crate::dataset) fn note_rows(notes: &Notes<'_>) -> Vec<NoteRow> {
    notes.iter().map(|(id, state)| state.row(id)).collect()
}

pub(in crate::dataset) fn image_rows(notes: &Notes<'_>) -> Vec<NoteImageRow> {
    notes.iter().flat_map(|(id, state)| state.image_rows(id)).collect()
}

pub(in crate::dataset) fn hashtag_rows(notes: &Notes<'_>) -> Vec<NoteHashtagRow> {
    notes.iter().flat_map(|(id, state)| state.hashtag_rows(id)).collect()
}

pub(in crate::dataset) fn mention_rows(notes: &Notes<'_>) -> Vec<NoteMentionRow> {
    notes.iter().flat_map(|(id, state)| state.mention_rows(id)).collect()
}

impl Merged {
    pub(in crate::dataset) fn notes(&self) -> impl Iterator<Item = (&NoteId, &NoteState)> {
        self.notes.iter()
    }

    pub(in crate::dataset) fn calls(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.values()
    }

    pub(in crate::dataset) fn author_rows(&self) -> Vec<AuthorRow> {
        self.authors.iter().filter_map(|(id, state)| state.row(id)).collect()
    }

    pub(in crate::dataset) fn author_tag_rows(&self) -> Vec<AuthorTagRow> {
        self.authors.iter().flat_map(|(id, state)| state.tag_rows(id)).collect()
    }

    pub(in crate::dataset) fn hit_rows(&self) -> Vec<(Timestamp, SearchHitRow)> {
        let rows = self.hits.iter().map(|hit| {
            let row = SearchHitRow {
                seed: hit.seed.map(signed),
                keyword: hit.query.keyword.clone(),
                sort: hit.query.sort.as_str(),
                note_type: hit.query.note_type.as_str(),
                published: hit.query.published.as_str(),
                page: signed(hit.page),
                position: signed(hit.position),
                note_id: hit.note_id.to_string(),
                observed_at: hit.observed_at,
                run_id: hit.run_id.clone(),
            };
            (hit.observed_at, row)
        });
        let mut rows: Vec<_> = rows.collect();
        // The table is sorted by the words that it shows.
        rows.sort_by(|(_, a), (_, b)| {
            let key = |row: &SearchHitRow| (row.sort, row.note_type, row.published, row.page, row.position);
            (a.seed, &a.keyword, key(a), &a.note_id, a.observed_at, &a.run_id).cmp(&(
                b.seed,
                &b.keyword,
                key(b),
                &b.note_id,
                b.observed_at,
                &b.run_id,
            ))
        });
        rows
    }

    pub(in crate::dataset) fn note_metric_rows(&self) -> Vec<(Timestamp, NoteMetricRow)> {
        let rows = self.note_metrics.iter().filter_map(|((note_id, observed_at, source), counts)| {
            let [liked_count, collected_count, comment_count, share_count] = *counts.value()?;
            let row = NoteMetricRow {
                note_id: note_id.to_string(),
                observed_at: *observed_at,
                source: source.as_str(),
                liked_count,
                collected_count,
                comment_count,
                share_count,
            };
            Some((*observed_at, row))
        });
        rows.collect()
    }

    pub(in crate::dataset) fn author_metric_rows(&self) -> Vec<(Timestamp, AuthorMetricRow)> {
        let rows = self.author_metrics.iter().filter_map(|((author_id, observed_at, source), counts)| {
            let [fans_count, follows_count, liked_count, collected_count, interaction_count, notes_count] =
                *counts.value()?;
            let row = AuthorMetricRow {
                author_id: author_id.to_string(),
                observed_at: *observed_at,
                source: source.as_str(),
                fans_count,
                follows_count,
                liked_count,
                collected_count,
                interaction_count,
                notes_count,
            };
            Some((*observed_at, row))
        });
        rows.collect()
    }

    pub(in crate::dataset) fn call_rows(&self) -> Vec<(Timestamp, CallRow)> {
        let rows = self.calls.values().map(|call| {
            let row = CallRow {
                run_id: call.run_id.clone(),
                call_key: call.call_key.to_string(),
                vendor: call.vendor.clone(),
                endpoint: call.endpoint.as_str(),
                params: call.params.clone(),
                observed_at: call.observed_at,
                outcome: call.outcome.as_str(),
                vendor_code: call.vendor_code.clone(),
                http_status: call.http_status.map(i32::from),
                attempts: signed(call.attempts),
                latency_ms: call.latency_ms.into(),
                body_bytes: call.body_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
                billed: call.billed.as_str(),
                cost: call.cost.as_f64(),
            };
            (call.observed_at, row)
        });
        rows.collect()
    }

    pub(in crate::dataset) fn reject_rows(&self) -> Vec<(Timestamp, RejectRow)> {
        let rows = self.rejects.iter().map(|((run_id, call_key, path, reason), observed_at)| {
            let (run_id, call_key) = (run_id.clone(), call_key.to_string());
            (observed_at.0, RejectRow { run_id, call_key, path: path.clone(), reason: reason.clone() })
        });
        rows.collect()
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
