//! Reading sealed answers back, a few at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use super::retained::{RETAINED, SegmentObservations};
use super::schema::{ORIGIN, Row, SPENT, Trust, UNREAD, has_columns, row};
use super::{ArchiveError, folder};
use crate::disk::doing;
use crate::model::{Answer, Money, caught, sha256_hex};
use crate::state::{Sealed, Spend, State};

/// The answers of one segment, in the order in which they were kept.
pub struct Answers {
    origin: Option<String>,
    spent: Option<Spend>,
    batches: Batches,
    batch: Option<Batch>,
    /// The next row of the batch.
    at: usize,
}

/// The batches of one segment, in order.
struct Batches {
    path: Arc<Path>,
    trust: Trust,
    retained: Option<Arc<SegmentObservations>>,
    reader: ParquetRecordBatchReader,
}

/// Some answers of a segment, not yet decoded.
#[derive(Clone, Debug)]
pub struct Batch {
    path: Arc<Path>,
    trust: Trust,
    retained: Option<Arc<SegmentObservations>>,
    rows: RecordBatch,
}

impl Batch {
    /// Returns how many bytes the answers take in memory.
    pub fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    /// Decodes the answers, one after the other.
    pub fn into_answers(self) -> impl Iterator<Item = Result<Answer, ArchiveError>> {
        (0..self.rows.num_rows()).map(move |at| Ok(self.row(at)?.0))
    }

    fn row(&self, at: usize) -> Result<Row, ArchiveError> {
        let decoded = row(&self.rows, at, self.trust, self.retained.as_deref());
        decoded.map_err(|column| ArchiveError::damaged(&self.path, format!("row {at}: {column}")))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match caught(|| self.reader.next()) {
            Ok(next) => next?.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_owned()),
        };
        Some(match next {
            Ok(rows) => {
                Ok(Batch { path: Arc::clone(&self.path), trust: self.trust, retained: self.retained.clone(), rows })
            }
            Err(error) => Err(ArchiveError::damaged(&self.path, error)),
        })
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("path", &self.batches.path).finish_non_exhaustive()
    }
}

impl Answers {
    /// Reads a segment from its bytes; `path` names it in errors, and says where its observations are.
    ///
    /// # Errors
    ///
    /// The bytes are no segment. Each answer that cannot be read is an error of its own.
    pub fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, ArchiveError> {
        Self::open(path, bytes, Trust::Row, &[])
    }

    fn open(path: &Path, bytes: Vec<u8>, trust: Trust, unread: &[&str]) -> Result<Self, ArchiveError> {
        let damaged = |reason: &dyn std::fmt::Display| ArchiveError::damaged(path, reason);
        let builder = caught(|| ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)));
        let builder = builder.map_err(|error| damaged(&error))?.map_err(|error| damaged(&error))?;
        if !has_columns(builder.schema()) {
            return Err(damaged(&"it has other columns"));
        }
        let facts = builder.metadata().file_metadata().key_value_metadata();
        let fact = |name| facts?.iter().filter(|fact| fact.key == name).find_map(|fact| fact.value.clone());
        let (origin, spent) = (fact(ORIGIN), fact(SPENT));
        let retained = fact(RETAINED).map(|facts| SegmentObservations::open(path, &facts)).transpose()?;
        let spent = spent.map(|text| spend(&text).ok_or_else(|| damaged(&SPENT))).transpose()?;
        let rows = rows_at_once(builder.metadata());
        let read = builder.schema().fields().iter().map(|field| field.name().as_str());
        let read: Vec<&str> = read.filter(|name| !unread.contains(name)).collect();
        let columns = ProjectionMask::columns(builder.parquet_schema(), read);
        let reader = caught(|| builder.with_projection(columns).with_batch_size(rows).build());
        let reader = reader.map_err(|error| damaged(&error))?.map_err(|error| damaged(&error))?;
        let batches = Batches { path: path.into(), trust, retained: retained.map(Arc::new), reader };
        Ok(Self { origin, spent, batches, batch: None, at: 0 })
    }

    /// Says whether the answers are live or the sandbox's.
    pub(super) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Returns what the dataset had spent when the segment was written; none if an earlier version wrote it.
    pub(super) const fn spent(&self) -> Option<Spend> {
        self.spent
    }
}

fn spend(text: &str) -> Option<Spend> {
    let (calls, cost) = text.split_once(' ')?;
    Some(Spend { calls: calls.parse().ok()?, cost: Money::from_micros(cost.parse().ok()?) })
}

impl Iterator for Answers {
    type Item = Result<Row, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.at < batch.rows.num_rows()) {
                let row = batch.row(self.at);
                self.at += 1;
                return Some(row);
            }
            // Gone before the next one is read.
            self.batch = None;
            match self.batches.next()? {
                Ok(batch) => (self.batch, self.at) = (Some(batch), 0),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Says how many rows are decoded at once: about 1 MiB of them, and at least one.
fn rows_at_once(segment: &ParquetMetaData) -> usize {
    let sizes = segment.row_groups().iter().map(|group| (group.num_rows(), group.total_byte_size()));
    let rows = sizes.map(|(rows, bytes)| rows.max(1) * (1 << 20) / bytes.max(1)).min();
    rows.unwrap_or(1).clamp(1, 64) as usize
}

/// A sealed segment, as the state names it.
#[derive(Clone, Debug)]
pub struct Segment {
    path: PathBuf,
    sealed: Sealed,
    id: String,
}

impl Segment {
    /// Names what it tells: the same as long as that is the same, whichever file holds it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads its answers in batches; the checksum of the whole is compared before.
    ///
    /// # Errors
    ///
    /// The segment cannot be read or is damaged.
    pub fn batches(&self) -> Result<impl Iterator<Item = Result<Batch, ArchiveError>> + use<>, ArchiveError> {
        Ok(open(&self.path, &self.sealed.sha256, &UNREAD)?.batches)
    }

    /// Reads its answers; the checksum is compared before they are decoded.
    ///
    /// # Errors
    ///
    /// The segment cannot be read or is damaged, as a whole or at one answer.
    pub fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, ArchiveError>> + use<>, ArchiveError> {
        Ok(open(&self.path, &self.sealed.sha256, &UNREAD)?.map(|row| row.map(|(answer, _)| answer)))
    }
}

/// Opens a segment whose bytes are those that were sealed; some columns may be left unread.
pub(super) fn open(path: &Path, sha256: &str, unread: &[&str]) -> Result<Answers, ArchiveError> {
    let bytes = doing("read the segment", path, std::fs::read(path))?;
    if sha256_hex(&bytes) != sha256 {
        return Err(ArchiveError::damaged(path, "its checksum is not what the state says"));
    }
    Answers::open(path, bytes, Trust::Whole, unread)
}

/// Lists the sealed segments of a dataset.
///
/// # Errors
///
/// The state cannot be read.
pub fn segments(state: &mut State) -> Result<Vec<Segment>, ArchiveError> {
    let sealed = state.turn()?.segments_with_ids()?;
    let folder = folder(state.folder());
    let segment = |(sealed, id): (Sealed, String)| Segment { path: folder.join(&sealed.name), sealed, id };
    Ok(sealed.into_iter().map(segment).collect())
}

/// Reads every sealed answer of a dataset, segment after segment.
///
/// # Errors
///
/// The state cannot be read. Each segment and each answer that cannot be read is an error of its own.
pub fn answers(state: &mut State) -> Result<impl Iterator<Item = Result<Answer, ArchiveError>> + use<>, ArchiveError> {
    Ok(segments(state)?.into_iter().flat_map(|segment| {
        let (answers, error) = match segment.answers() {
            Ok(answers) => (Some(answers), None),
            Err(error) => (None, Some(Err(error))),
        };
        answers.into_iter().flatten().chain(error)
    }))
}

/// Reads every answer of one segment.
///
/// # Errors
///
/// The segment cannot be read. Each answer that cannot be read is an error of its own.
pub fn segment_answers(
    dataset: &Path,
    segment: &str,
) -> Result<impl Iterator<Item = Result<Answer, ArchiveError>> + use<>, ArchiveError> {
    let path = folder(dataset).join(segment);
    let bytes = doing("read the segment", &path, std::fs::read(&path))?;
    Ok(Answers::of_bytes(&path, bytes)?.map(|row| row.map(|(answer, _)| answer)))
}

/// Reads one sealed answer with its body, by its place among all answers.
///
/// # Errors
///
/// The segment cannot be read, or does not hold the answer that the state says it holds.
pub fn read_answer(dataset: &Path, segment: &str, sequence: i64) -> Result<Answer, ArchiveError> {
    for answer in segment_answers(dataset, segment)? {
        let answer = answer?;
        if answer.sequence == sequence {
            return Ok(answer);
        }
    }
    let path = folder(dataset).join(segment);
    Err(ArchiveError::damaged(&path, format!("it does not hold the answer of place {sequence}")))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::archive::{reconcile, seal};
    use crate::model::{Billed, Body, Call, Money, NoteId, Outcome};
    use crate::state::BodyPlace;

    fn answer(number: u32, body: Option<&[u8]>) -> Answer {
        Answer {
            run_id: "r1".into(),
            call: Call::NoteDetail { note_id: NoteId::parse(&format!("n{number}")).unwrap() },
            vendor: "justoneapi".into(),
            sequence: 1_700_000_000_000_000 + i64::from(number),
            observed_at: Timestamp::from_microsecond(1_700_000_000_000_000 + i64::from(number)).unwrap(),
            outcome: if body.is_some() { Outcome::Ok } else { Outcome::Retry },
            vendor_code: body.map(|_| "0".into()),
            http_status: body.map(|_| 200),
            attempts: 2,
            latency_ms: 51,
            billed: Billed::Yes,
            cost: Money::from_micros(150_000),
            seed: number.is_multiple_of(2).then_some(1),
            items_path: body.map(|_| "/data/0/note_list".into()),
            admitted: number.is_multiple_of(3).then(|| vec![0, 2]),
            body: body.map(|body| Body::Raw(body.to_vec())),
        }
    }

    fn filled(folder: &Path) -> (State, Vec<Answer>) {
        let mut state = State::open(folder).unwrap();
        let bodies: [Option<&[u8]>; 5] =
            [Some(b"{\"code\":0}"), None, Some(b"\xff\x00bytes"), Some(b""), Some("防晒霜".as_bytes())];
        let kept: Vec<Answer> = bodies.iter().enumerate().map(|(at, body)| answer(at as u32, *body)).collect();
        let turn = state.turn().unwrap();
        for answer in &kept {
            turn.keep(answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
        }
        turn.commit().unwrap();
        (state, kept)
    }

    fn read(state: &mut State) -> Vec<Answer> {
        answers(state).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn sealed_answers_are_what_was_kept_to_the_byte() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, kept) = filled(folder.path());
        assert_eq!(seal(&mut state, "r1").unwrap(), 1);
        assert_eq!(seal(&mut state, "r1").unwrap(), 0);
        assert_eq!(read(&mut state), kept);
        assert_eq!(read_answer(folder.path(), "r1-1.parquet", kept[2].sequence).unwrap(), kept[2]);
        let absent = read_answer(folder.path(), "r1-1.parquet", 0);
        assert!(matches!(absent, Err(ArchiveError::Damaged { .. })));
    }

    #[test]
    fn an_answer_is_found_by_its_moment_for_one_call_may_have_two() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let given_up = Answer { outcome: Outcome::Reject, ..answer(1, Some(b"{\"code\":400}")) };
        let mended = Answer { call: given_up.call.clone(), ..answer(2, Some(b"{\"code\":0}")) };
        let turn = state.turn().unwrap();
        for answer in [&given_up, &mended] {
            turn.keep(answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
        }
        turn.commit().unwrap();
        seal(&mut state, "r1").unwrap();
        assert_eq!(read_answer(folder.path(), "r1-1.parquet", mended.sequence).unwrap(), mended);
    }

    fn lose_state(folder: &Path) {
        for name in ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"] {
            let _ = std::fs::remove_file(folder.join(name));
        }
    }

    #[test]
    fn a_lost_state_is_rebuilt_from_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, kept) = filled(folder.path());
        seal(&mut state, "r1").unwrap();
        drop(state);
        lose_state(folder.path());
        // A kill right after the file is made, and an empty file, are the same.
        drop(State::open(folder.path()).unwrap());
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!((reconcile(&mut state).unwrap(), reconcile(&mut state).unwrap()), (5, 0));
        assert_eq!(read(&mut state), kept);
        let next = state.turn().unwrap().next_sequence(Timestamp::UNIX_EPOCH).unwrap();
        assert!(next > kept[4].sequence, "the clock goes on after the last answer");
    }

    #[test]
    fn a_segment_that_no_turn_names_is_taken_in_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, kept) = filled(folder.path());
        drop(state.turn().unwrap());
        // The segment as sealing writes it, while the state still holds its answers: a kill came before the turn.
        let copy = tempfile::tempdir().unwrap();
        let (mut twin, _) = filled(copy.path());
        seal(&mut twin, "r1").unwrap();
        let archive = folder.path().join("archive");
        std::fs::create_dir_all(&archive).unwrap();
        std::fs::copy(copy.path().join("archive/r1-1.parquet"), archive.join("r1-1.parquet")).unwrap();
        std::fs::write(archive.join(".tmp-r1-2.parquet"), "torn").unwrap();
        std::fs::write(archive.join("r1-1.parquet.bak"), "a person's own copy").unwrap();
        assert_eq!(reconcile(&mut state).unwrap(), 0);
        assert_eq!(seal(&mut state, "r1").unwrap(), 0, "they are sealed already");
        assert_eq!(read(&mut state), kept);
        let mut names: Vec<_> = std::fs::read_dir(&archive).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["r1-1.parquet", "r1-1.parquet.bak"]);
    }

    #[test]
    fn a_segment_that_is_gone_or_cannot_be_read_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = filled(folder.path());
        seal(&mut state, "r1").unwrap();
        let segment = folder.path().join("archive/r1-1.parquet");
        std::fs::write(folder.path().join("archive/r1-2.parquet"), "torn").unwrap();
        assert!(matches!(reconcile(&mut state), Err(ArchiveError::Damaged { .. })));
        std::fs::remove_file(folder.path().join("archive/r1-2.parquet")).unwrap();
        std::fs::remove_file(&segment).unwrap();
        assert!(matches!(reconcile(&mut state), Err(ArchiveError::Damaged { .. })));
    }

    #[test]
    fn a_flipped_bit_is_seen_before_decoding() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = filled(folder.path());
        seal(&mut state, "r1").unwrap();
        let path = folder.path().join("archive/r1-1.parquet");
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = answers(&mut state).unwrap().next().unwrap().unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
    }
}
