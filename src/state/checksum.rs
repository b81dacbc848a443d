//! The checksum of an answer's record: every field as it is stored, and the body while it is here.

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use sha2::{Digest as _, Sha256};

use super::{StateError, Turn};

/// What the checksum covers; it stands after them, and after the place among all answers where that is another than
/// `observed_at`. Before version 8 both were one, so that its checksums hold.
const FIELDS: &str = "id, run, key, endpoint, params, vendor, observed_at, outcome, vendor_code, http_status, attempts, \
                      latency_ms, billed, cost, seed, items_path, admitted, reason, page, segment, copy, \
                      (SELECT body FROM bodies WHERE answer = answers.id)";
const COUNT: usize = 22;
/// The place, where it is covered, and the checksum.
const SEQUENCE: usize = COUNT;
const CHECKSUM: usize = COUNT + 1;

/// Returns the statement for records with their checksums, to be read by [`check`].
pub(super) fn select(which: &str) -> String {
    format!("SELECT {FIELDS}, nullif(sequence, observed_at), checksum FROM answers {which}")
}

/// Returns the same for a state before version 8.
pub(super) fn select_before_8(which: &str) -> String {
    format!("SELECT {FIELDS}, NULL, checksum FROM answers {which}")
}

/// Compares a record with its checksum; returns the answer's number and key.
pub(super) fn check(row: &Row<'_>) -> Result<(i64, String), StateError> {
    let id: i64 = row.get(0)?;
    if row.get_ref(CHECKSUM)? != ValueRef::Blob(&sum(row)?) {
        return Err(StateError::Record(format!("answer {id} has another checksum")));
    }
    Ok((id, row.get(2)?))
}

fn sum(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    let mut hash = Sha256::new();
    let mut field = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let is_placed = row.get_ref(SEQUENCE)? != ValueRef::Null;
    for at in 0..COUNT + usize::from(is_placed) {
        match row.get_ref(at)? {
            ValueRef::Null => field(0, &[]),
            ValueRef::Integer(number) => field(1, &number.to_le_bytes()),
            ValueRef::Real(number) => field(2, &number.to_le_bytes()),
            ValueRef::Text(text) => field(3, text),
            ValueRef::Blob(blob) => field(4, blob),
        }
    }
    Ok(hash.finalize().to_vec())
}

impl Turn<'_> {
    /// Checks that an answer is as it was kept, and that it answers this call where one is named.
    pub(super) fn check_answer(&self, id: i64, key: Option<&str>) -> Result<(), StateError> {
        let mut statement = self.tx.prepare_cached(&select("WHERE id = ?1"))?;
        let mut rows = statement.query([id])?;
        let missing = || StateError::Record(format!("answer {id} is not there"));
        let (_, found) = check(rows.next()?.ok_or_else(missing)?)?;
        if key.is_some_and(|key| key != found) {
            return Err(StateError::Record(format!("answer {id} answers another call than the index says")));
        }
        Ok(())
    }

    /// Gives an answer the checksum of what it holds now; what it held before must have been checked.
    pub(super) fn stamp_answer(&self, id: i64) -> Result<(), StateError> {
        self.stamp(id, &select("WHERE id = ?1"))
    }

    /// Does the same in a state before version 8.
    pub(super) fn stamp_before_8(&self, id: i64) -> Result<(), StateError> {
        self.stamp(id, &select_before_8("WHERE id = ?1"))
    }

    fn stamp(&self, id: i64, select: &str) -> Result<(), StateError> {
        let mut statement = self.tx.prepare_cached(select)?;
        let sum = statement.query_row([id], sum)?;
        self.tx.prepare_cached("UPDATE answers SET checksum = ?2 WHERE id = ?1")?.execute(params![id, sum])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Answer, Billed, Body, Call, Money, NoteId, Outcome};
    use crate::state::State;

    #[test]
    fn every_field_and_the_body_are_covered() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let answer = Answer {
            run_id: "r1".into(),
            call: Call::NoteDetail { note_id: NoteId::parse("n1").unwrap() },
            vendor: "justoneapi".into(),
            sequence: 9,
            observed_at: jiff::Timestamp::from_microsecond(7).unwrap(),
            outcome: Outcome::Ok,
            vendor_code: Some("0".into()),
            http_status: Some(200),
            attempts: 1,
            latency_ms: 9,
            billed: Billed::Yes,
            cost: Money::from_micros(5),
            seed: Some(1),
            items_path: Some("/data".into()),
            admitted: Some(vec![0]),
            body: Some(Body::Raw(b"body".to_vec())),
        };
        let turn = state.turn().unwrap();
        let id = turn
            .keep(&answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", Some("why"), crate::state::BodyPlace::UNCOUNTED)
            .unwrap();
        turn.check_answer(id, Some(&answer.call.key())).unwrap();
        assert!(turn.check_answer(id, Some("another")).is_err());
        let fields = "run key endpoint params vendor observed_at outcome vendor_code http_status attempts latency_ms billed \
                      cost seed items_path admitted reason page segment copy sequence";
        for field in fields.split_whitespace() {
            turn.tx.execute_batch("SAVEPOINT before").unwrap();
            turn.tx.execute(&format!("UPDATE answers SET {field} = coalesce({field}, '') || '1'"), []).unwrap();
            assert!(turn.check_answer(id, None).is_err(), "{field}");
            turn.tx.execute_batch("ROLLBACK TO before").unwrap();
        }
        turn.check_answer(id, None).unwrap();
        turn.tx.execute("UPDATE bodies SET body = CAST('bodY' AS BLOB)", []).unwrap();
        assert!(turn.unsealed(1000).unwrap_err().is_damage());
        assert!(turn.latest_fact(&answer.call.key()).unwrap_err().is_damage());
    }
}
