//! Sealing: answers move from the state into immutable segments.

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::retained::{self, RETAINED};
use super::samples::Samples;
use super::schema::{ORIGIN, SPENT, batch, schema};
use super::{ArchiveError, folder};
use crate::model::sha256_hex;
use crate::state::{Holds, Pending, Sealed, State};

/// A run seals when so many bytes of bodies wait.
pub const SEAL_BYTES: u64 = 16 << 20;
/// How many bytes of answers one segment takes at most, one large body aside. More than what a run seals at: answers come
/// several at a time and have more than bodies, and what is a little too much is no segment of its own.
const SEGMENT_BYTES: u64 = SEAL_BYTES + SEAL_BYTES / 4;
/// How many bytes of bodies are encoded at once, one large body aside. A page of a column holds twice as many at most: a
/// page is compressed alone, so larger pages make smaller files.
const PAGE_BYTES: usize = 2 << 20;
/// Rows of one row group at most; a segment of usual answers has one.
const ROWS_PER_GROUP: usize = 4096;

/// Moves every answer that is not sealed into segments named after `run`. Returns how many segments were written.
pub fn seal(state: &mut State, run: &str) -> Result<u32, ArchiveError> {
    let mut segments = 0;
    loop {
        let turn = state.turn()?;
        let pending = turn.unsealed(SEGMENT_BYTES)?;
        if pending.is_empty() {
            return Ok(segments);
        }
        drop(turn);
        seal_segment(state, run, pending)?;
        segments += 1;
    }
}

fn seal_segment(state: &mut State, run: &str, mut pending: Vec<Pending>) -> Result<(), ArchiveError> {
    let name = free_name(state, run)?;
    let mut samples = Samples::default();
    for row in &pending {
        row.version.iter().for_each(|version| samples.offer(&row.answer, version));
    }
    let (sealed, holds) = write(state, name, &mut pending)?;
    let turn = state.turn()?;
    turn.seal(&sealed, &holds, &pending)?;
    samples.keep(&turn)?;
    Ok(turn.commit()?)
}

/// Finds a name that no segment of a run has or had.
pub(super) fn free_name(state: &mut State, run: &str) -> Result<String, ArchiveError> {
    let folder = folder(state.folder());
    let turn = state.turn()?;
    let mut taken = turn.dropped_segments()?;
    taken.extend(turn.segments()?.into_iter().map(|sealed| sealed.name));
    let mut number = 1;
    loop {
        let name = format!("{run}-{number}.parquet");
        if !taken.contains(&name) && !folder.join(&name).exists() {
            return Ok(name);
        }
        number += 1;
    }
}

/// Writes answers as a segment; a turn must name it. Bodies are let go on the way.
pub(super) fn write(state: &State, name: String, pending: &mut [Pending]) -> Result<(Sealed, Holds), ArchiveError> {
    let folder = folder(state.folder());
    state.disk().make_folder(&folder)?;
    let path = folder.join(&name);
    let (rows, holds) = (pending.len() as u64, Holds::of(pending.iter().map(|row| &row.answer)));
    // No answer says what a kill cut off: if the state is lost, it is known from here.
    let spent = state.spent()?;
    let spent = format!("{} {}", spent.calls, spent.cost.as_micros());
    let retained = retained::write(state.disk(), &path, pending.iter().map(|row| &row.answer))?;
    let facts = state.origin()?.map(|origin| (ORIGIN, origin)).into_iter().chain([(SPENT, spent)]);
    let facts = facts.chain(retained.map(|retained| (RETAINED, retained)));
    let facts = facts.map(|(name, value)| KeyValue::new(name.to_owned(), value)).collect();
    let bytes = encode(pending, facts).map_err(|error| ArchiveError::damaged(&path, error))?;
    state.disk().replace_file(&path, &bytes)?;
    Ok((Sealed { name, rows, bytes: bytes.len() as u64, sha256: sha256_hex(&bytes) }, holds))
}

/// Encodes answers as one segment. Bodies are let go as soon as they are in a batch.
fn encode(pending: &mut [Pending], facts: Vec<KeyValue>) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_key_value_metadata(Some(facts))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP));
    for column in ["body", "page"] {
        // Nobody looks for the greatest body.
        properties = properties
            .set_column_dictionary_enabled(column.into(), false)
            .set_column_statistics_enabled(column.into(), EnabledStatistics::None);
    }
    // What was read of bodies is a twentieth of their size, and repeats itself: there is time to look for that.
    properties = properties.set_column_compression("page".into(), Compression::ZSTD(ZstdLevel::try_new(9)?));
    for column in ["sequence", "observed_at"] {
        // They only grow.
        properties = properties
            .set_column_dictionary_enabled(column.into(), false)
            .set_column_encoding(column.into(), Encoding::DELTA_BINARY_PACKED);
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties.build()))?;
    let mut rest = pending;
    while !rest.is_empty() {
        let (rows, later) = rest.split_at_mut(fitting(rest));
        let batch = batch(rows)?;
        for row in rows.iter_mut() {
            row.answer.body = None;
        }
        writer.write(&batch)?;
        rest = later;
    }
    writer.into_inner()
}

/// Counts the answers, one at least, whose bodies are encoded together.
fn fitting(pending: &[Pending]) -> usize {
    let mut bytes = 0;
    let fitting = pending.iter().take_while(|row| {
        bytes += row.answer.body.as_ref().map_or(0, |body| body.bytes().len());
        bytes <= PAGE_BYTES
    });
    fitting.count().max(1)
}
