//! Answers: kept with their bodies until they are sealed, and without them for good.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::runs::timestamp;
use super::sequence::{LAST_MOMENT, LAST_SEQUENCE};
use super::{Holds, Sealed, State, StateError, Turn};
use crate::model::{Answer, Billed, Body, Call, Endpoint, Moment, Money, Outcome, Retained, from_hex, hex};
use crate::vendor::Page;

/// An answer that is not yet sealed, with what the crawl read from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Its number.
    pub id: i64,
    /// The answer, with its body.
    pub answer: Answer,
    /// What the crawl read from it, as JSON.
    pub page: String,
    /// The path that was called; `None` if the answer's shape is not counted.
    pub version: Option<String>,
}

/// What an answer was before it was found in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// The state did not know it.
    Unknown,
    /// It was sealed.
    Sealed,
    /// It waited to be sealed.
    Waited {
        /// The path that was called; `None` if the answer's shape is not counted.
        version: Option<String>,
    },
}

/// Where an answer's body is.
#[derive(Clone, Copy, Debug)]
pub enum BodyPlace<'a> {
    /// It comes with the answer, and waits to be sealed.
    Unsealed {
        /// The path that was called; `None` if the answer's shape is not counted.
        version: Option<&'a str>,
    },
    /// It is in a segment.
    Sealed {
        /// The segment's name.
        segment: &'a str,
    },
}

impl BodyPlace<'_> {
    /// With the answer, whose shape is not counted.
    pub const UNCOUNTED: Self = Self::Unsealed { version: None };
}

/// An answer of an earlier call with the same key.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its number.
    pub id: i64,
    /// The run that sent it.
    pub run: String,
    /// The vendor that answered.
    pub vendor: String,
    /// When it came.
    pub moment: Moment,
    /// What followed from it.
    pub outcome: Outcome,
    /// Whether it was billed.
    pub billed: Billed,
    /// Positions admitted then; none means all.
    pub admitted: Option<Vec<u32>>,
    /// What the crawl read from it.
    pub page: Page,
    /// The segment that holds its body; none while it is not sealed.
    pub segment: Option<String>,
}

const COLUMNS: &str = "id, run, params, vendor, observed_at, outcome, vendor_code, http_status, attempts, latency_ms, \
                       billed, cost, seed, items_path, admitted, page, \
                       (SELECT body FROM bodies WHERE answer = answers.id), sequence, \
                       (SELECT version FROM bodies WHERE answer = answers.id)";

struct Raw {
    pending: Pending,
    params: String,
    observed_at: i64,
    outcome: String,
    billed: String,
    admitted: Option<String>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        params: row.get(2)?,
        observed_at: row.get(4)?,
        outcome: row.get(5)?,
        billed: row.get(10)?,
        admitted: row.get(14)?,
        pending: Pending {
            id: row.get(0)?,
            page: row.get(15)?,
            version: row.get(18)?,
            answer: Answer {
                run_id: row.get(1)?,
                call: Call::SearchNotes { query: crate::model::Query::default(), page: 0 },
                vendor: row.get(3)?,
                sequence: row.get(17)?,
                observed_at: Timestamp::UNIX_EPOCH,
                outcome: Outcome::Ok,
                vendor_code: row.get(6)?,
                http_status: row.get(7)?,
                attempts: row.get(8)?,
                latency_ms: row.get(9)?,
                billed: Billed::Unknown,
                cost: Money::from_micros(row.get(11)?),
                seed: row.get(12)?,
                items_path: row.get(13)?,
                admitted: None,
                body: body(row, 16)?,
            },
        },
    })
}

/// Begins the first line of a text that stands for retained observations; the key of their pseudonyms may follow.
const OBSERVATIONS: &str = "observations";

/// Reads a body: a blob is raw. A text is observations, or what an earlier version told; its first line has the key of the
/// pseudonyms.
fn body(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Body>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        ValueRef::Text(_) => {
            let text: String = row.get(at)?;
            let (key, json) = text.split_once('\n').unwrap_or_default();
            if let Some(key) = key.strip_prefix(OBSERVATIONS) {
                let key = key.strip_prefix(' ').map(str::to_owned);
                let read = from_hex(json).and_then(|ipc| Retained::from_ipc(key, &ipc).ok());
                let bad = || rusqlite::Error::InvalidColumnType(at, "observations".into(), rusqlite::types::Type::Text);
                return read.map(|retained| Some(Body::Retained(retained))).ok_or_else(bad);
            }
            Some(Body::Told { key: (!key.is_empty()).then(|| key.to_owned()), json: json.to_owned() })
        }
        _ => Some(Body::Raw(row.get(at)?)),
    })
}

/// Words a body as it is kept; a raw one, which may be large, is not copied.
pub(super) fn kept(body: &Body) -> ToSqlOutput<'_> {
    match body {
        Body::Raw(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        // A copy that waits to be sealed.
        Body::Retained(retained) => {
            let key = retained.pseudonyms.as_ref().map(|key| format!(" {key}")).unwrap_or_default();
            // Batches in memory can always be written.
            let ipc = retained.to_ipc().unwrap_or_default();
            format!("{OBSERVATIONS}{key}\n{}", hex(&ipc)).into()
        }
        Body::Told { key, json } => format!("{}\n{json}", key.as_deref().unwrap_or_default()).into(),
    }
}

impl Raw {
    fn read(self) -> Result<Pending, StateError> {
        let id = self.pending.id;
        let bad = |what: &str| StateError::Record(format!("answer {id}: {what}"));
        let mut pending = self.pending;
        let answer = &mut pending.answer;
        answer.call = Call::from_params(&self.params).map_err(|error| bad(&error.to_string()))?;
        answer.observed_at = timestamp(self.observed_at)?;
        let outcome = Outcome::parse(&self.outcome).ok_or_else(|| bad("outcome"))?;
        answer.outcome = outcome.as_stored(answer.call.endpoint(), answer.vendor_code.as_deref());
        answer.billed = Billed::parse(&self.billed).ok_or_else(|| bad("billed"))?;
        answer.admitted = positions(self.admitted.as_deref()).map_err(|error| bad(&error.to_string()))?;
        Ok(pending)
    }
}

/// Reads the outcome of a record, its endpoint and its code standing beside it.
fn stored(row: &Row<'_>, outcome: usize, endpoint: usize, code: usize) -> rusqlite::Result<Option<Outcome>> {
    let (outcome, endpoint, code): (String, String, Option<String>) =
        (row.get(outcome)?, row.get(endpoint)?, row.get(code)?);
    let read = Outcome::parse(&outcome).zip(Endpoint::parse(&endpoint));
    Ok(read.map(|(outcome, endpoint)| outcome.as_stored(endpoint, code.as_deref())))
}

fn positions(text: Option<&str>) -> Result<Option<Vec<u32>>, serde_json::Error> {
    text.map(serde_json::from_str).transpose()
}

impl State {
    /// Notes that this process begins its part of a run: what is answered by now was answered another time.
    pub fn begin_part(&mut self) -> Result<(), StateError> {
        let last = self.turn()?.last_sequence()?;
        self.before = last;
        Ok(())
    }
}

impl Turn<'_> {
    /// Keeps an answer. Its body is in a segment already when a state is rebuilt.
    pub fn keep(
        &self,
        answer: &Answer,
        page: &str,
        reason: Option<&str>,
        place: BodyPlace<'_>,
    ) -> Result<i64, StateError> {
        let segment = if let BodyPlace::Sealed { segment } = place { Some(segment) } else { None };
        let admitted = answer.admitted.as_ref().map(serde_json::to_string).transpose();
        let admitted = admitted.map_err(|error| StateError::Record(error.to_string()))?;
        let sql = "INSERT INTO answers (run, key, endpoint, params, vendor, observed_at, outcome, vendor_code, http_status, attempts, \
                   latency_ms, billed, cost, seed, items_path, admitted, reason, page, segment, sequence) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
        self.tx.prepare_cached(sql)?.execute(params![
            answer.run_id,
            answer.call.key(),
            answer.call.endpoint().as_str(),
            answer.call.params(),
            answer.vendor,
            answer.observed_at.as_microsecond(),
            answer.outcome.as_str(),
            answer.vendor_code,
            answer.http_status,
            answer.attempts,
            answer.latency_ms,
            answer.billed.as_str(),
            answer.cost.as_micros(),
            answer.seed,
            answer.items_path,
            admitted,
            reason,
            page,
            segment,
            answer.sequence
        ])?;
        let id = self.tx.last_insert_rowid();
        if let (Some(body), BodyPlace::Unsealed { version }) = (&answer.body, place) {
            self.tx
                .prepare_cached("INSERT INTO bodies (answer, body, version) VALUES (?1, ?2, ?3)")?
                .execute(params![id, kept(body), version])?;
        }
        self.stamp_answer(id)?;
        self.raise(LAST_SEQUENCE, answer.sequence)?;
        self.raise(LAST_MOMENT, answer.observed_at.as_microsecond())?;
        Ok(id)
    }

    /// Admits more positions of an answer: in place while it is not sealed, else as a copy with `body`.
    pub fn admit_more(&self, id: i64, admitted: Option<&[u32]>, body: Option<Body>) -> Result<(), StateError> {
        let mut pending = self.answer(id)?;
        let text =
            admitted.map(serde_json::to_string).transpose().map_err(|error| StateError::Record(error.to_string()))?;
        let Some(body) = body else {
            self.tx.execute("UPDATE answers SET admitted = ?2 WHERE id = ?1", params![id, text])?;
            return self.stamp_answer(id);
        };
        pending.answer.admitted = admitted.map(<[u32]>::to_vec);
        pending.answer.body = Some(body);
        let copy = self.keep(&pending.answer, &pending.page, None, BodyPlace::UNCOUNTED)?;
        self.tx.execute("UPDATE answers SET copy = 1 WHERE id = ?1", [copy])?;
        self.stamp_answer(copy)
    }

    /// Returns the latest fact with a key.
    pub fn latest_fact(&self, key: &str) -> Result<Option<Kept>, StateError> {
        let sql = "SELECT id, run, vendor, observed_at, outcome, admitted, page, segment, billed, endpoint, vendor_code, sequence \
                   FROM answers WHERE key = ?1 AND outcome IN ('ok', 'gone', 'empty') \
                   ORDER BY sequence DESC, id DESC LIMIT 1";
        let row = self.tx.prepare_cached(sql)?.query_row([key], |row| {
            let texts: (Option<String>, String, String) = (row.get(5)?, row.get(6)?, row.get(8)?);
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                (row.get(11)?, row.get::<_, i64>(3)?),
                stored(row, 4, 9, 10)?,
                texts,
                row.get(7)?,
            ))
        });
        let Some((id, run, vendor, (sequence, observed_at), outcome, (admitted, page, billed), segment)) =
            row.optional()?
        else {
            return Ok(None);
        };
        self.check_answer(id, Some(key))?;
        let bad = |what: String| StateError::Record(format!("answer {id}: {what}"));
        Ok(Some(Kept {
            id,
            run,
            vendor,
            moment: Moment { sequence, observed_at: timestamp(observed_at)? },
            outcome: outcome.ok_or_else(|| bad("outcome".into()))?,
            billed: Billed::parse(&billed).ok_or_else(|| bad("billed".into()))?,
            admitted: positions(admitted.as_deref()).map_err(|error| bad(error.to_string()))?,
            page: serde_json::from_str(&page).map_err(|error| bad(error.to_string()))?,
            segment,
        }))
    }

    /// Returns the runs in which vendors showed nothing for a call since it was last answered with anything else.
    pub fn empty_runs(&self, key: &str) -> Result<BTreeSet<String>, StateError> {
        let sql = "SELECT outcome, endpoint, vendor_code, run FROM answers \
                   WHERE key = ?1 AND outcome IN ('ok', 'gone', 'empty') ORDER BY sequence DESC, id DESC";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut rows = statement.query([key])?;
        let mut runs = BTreeSet::new();
        while let Some(row) = rows.next()? {
            if stored(row, 0, 1, 2)? != Some(Outcome::Empty) {
                break;
            }
            runs.insert(row.get(3)?);
        }
        Ok(runs)
    }

    /// Returns an answer by its number; its body is there only while it is not sealed.
    pub fn answer(&self, id: i64) -> Result<Pending, StateError> {
        self.check_answer(id, None)?;
        let sql = format!("SELECT {COLUMNS} FROM answers WHERE id = ?1");
        self.tx.prepare_cached(&sql)?.query_row([id], raw)?.read()
    }

    /// Returns the oldest answers that are not sealed: at least one, and no more than `bytes` of bodies else.
    pub fn unsealed(&self, bytes: u64) -> Result<Vec<Pending>, StateError> {
        // Sizes first: a body is read only when it is among those that are wanted.
        let sql = "SELECT id, coalesce((SELECT octet_length(body) FROM bodies WHERE answer = answers.id), 0) FROM answers \
                   WHERE segment IS NULL ORDER BY id";
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut sizes = statement.query([])?;
        let (mut pending, mut total) = (Vec::new(), 0);
        while let Some(row) = sizes.next()? {
            total += row.get::<_, i64>(1)? as u64 + 512;
            if total > bytes && !pending.is_empty() {
                break;
            }
            pending.push(self.answer(row.get(0)?)?);
        }
        Ok(pending)
    }

    /// Returns how many bytes of bodies are not sealed.
    pub fn unsealed_bytes(&self) -> Result<u64, StateError> {
        let sql = "SELECT coalesce(sum(octet_length(body)), 0) FROM bodies";
        Ok(self.tx.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Records a sealed segment and drops the bodies that it holds.
    pub fn seal(&self, sealed: &Sealed, holds: &Holds, answers: &[Pending]) -> Result<(), StateError> {
        self.add_segment(sealed, holds)?;
        let mut mark = self.tx.prepare_cached("UPDATE answers SET segment = ?2 WHERE id = ?1")?;
        let mut drop_body = self.tx.prepare_cached("DELETE FROM bodies WHERE answer = ?1")?;
        for pending in answers {
            mark.execute(params![pending.id, sealed.name])?;
            drop_body.execute([pending.id])?;
            self.stamp_answer(pending.id)?;
        }
        Ok(())
    }

    /// Marks an answer that waits to be sealed as sealed in a segment and drops its body; returns what it was before.
    pub fn mark_sealed(&self, answer: &Answer, segment: &str) -> Result<Marked, StateError> {
        let sql = "SELECT id, segment IS NULL, (SELECT version FROM bodies WHERE answer = answers.id) FROM answers \
                   WHERE run = ?1 AND key = ?2 AND sequence = ?3 ORDER BY segment IS NULL DESC LIMIT 1";
        let key = params![answer.run_id, answer.call.key(), answer.sequence];
        let found = self
            .tx
            .prepare_cached(sql)?
            .query_row(key, |row| Ok((row.get(0)?, row.get::<_, bool>(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, waits, version)) = found else { return Ok(Marked::Unknown) };
        self.check_answer(id, None)?;
        if !waits {
            return Ok(Marked::Sealed);
        }
        self.tx.prepare_cached("UPDATE answers SET segment = ?2 WHERE id = ?1")?.execute(params![id, segment])?;
        self.tx.prepare_cached("DELETE FROM bodies WHERE answer = ?1")?.execute([id])?;
        self.stamp_answer(id)?;
        Ok(Marked::Waited { version })
    }
}
