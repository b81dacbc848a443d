//! Sealing: answers move from the state into immutable segments.

use std::path::{Path, PathBuf};
use std::{fs, io};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::disk::{DiskError, doing, make_folder, replace_file};
use super::schema::{batch, schema};
use super::{Answers, ArchiveError, folder};
use crate::model::sha256_hex;
use crate::state::{Pending, State};

/// How many bytes of bodies one segment takes at most; a run seals when this much waits.
pub const SEAL_BYTES: u64 = 64 << 20;

/// Moves every answer that is not sealed into segments named after `run`. Returns how many segments were written.
pub fn seal(state: &mut State, run: &str) -> Result<u32, ArchiveError> {
    let mut segments = 0;
    loop {
        let turn = state.turn()?;
        let pending = turn.unsealed(SEAL_BYTES)?;
        if pending.is_empty() {
            return Ok(segments);
        }
        let taken: Vec<String> = turn.segments()?.into_iter().map(|(name, _)| name).collect();
        drop(turn);
        seal_segment(state, run, &taken, &pending)?;
        segments += 1;
    }
}

fn seal_segment(state: &mut State, run: &str, taken: &[String], pending: &[Pending]) -> Result<(), ArchiveError> {
    let folder = folder(state.folder());
    make_folder(&folder)?;
    let mut number = 1;
    while taken.contains(&format!("{run}-{number}.parquet")) {
        number += 1;
    }
    let name = format!("{run}-{number}.parquet");
    let path = folder.join(&name);
    let bytes = encode(pending).map_err(|error| ArchiveError::damaged(&path, error))?;
    replace_file(&path, &bytes)?;
    let turn = state.turn()?;
    turn.seal(&name, pending.len() as u64, bytes.len() as u64, &sha256_hex(&bytes), pending)?;
    Ok(turn.commit()?)
}

fn encode(pending: &[Pending]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_column_dictionary_enabled("body".into(), false)
        .set_column_dictionary_enabled("page".into(), false)
        .set_max_row_group_row_count(Some(512))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties))?;
    for rows in pending.chunks(512) {
        writer.write(&batch(rows)?)?;
    }
    writer.into_inner()
}

/// Removes files of the archive that no turn names: a kill came between the rename and the turn.
pub fn remove_orphans(state: &mut State) -> Result<(), ArchiveError> {
    let named: Vec<String> = state.turn()?.segments()?.into_iter().map(|(name, _)| name).collect();
    for path in files(&folder(state.folder()))? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !named.contains(&name) {
            doing("remove the orphan", &path, fs::remove_file(&path))?;
        }
    }
    Ok(())
}

/// Rebuilds a lost state from the archive: what was sealed is known again. Returns how many answers.
///
/// Only for a state that was just made: there every segment is unnamed, and none is an orphan.
pub fn recover(state: &mut State) -> Result<u64, ArchiveError> {
    let mut recovered = 0;
    let mut segments = files(&folder(state.folder()))?;
    segments.sort();
    for path in segments {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let bytes = doing("read", &path, fs::read(&path))?;
        let turn = state.turn()?;
        let mut rows = 0;
        for row in Answers::of_bytes(&path, bytes.clone())? {
            let (answer, page) = row?;
            turn.add_recovered_run(&answer.run_id, answer.observed_at)?;
            turn.keep(&answer, &page, None, Some(&name))?;
            rows += 1;
        }
        turn.add_segment(&name, rows, bytes.len() as u64, &sha256_hex(&bytes))?;
        turn.commit()?;
        recovered += rows;
    }
    Ok(recovered)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => doing("list", folder, entries)?,
    };
    doing("list", folder, entries.map(|entry| entry.map(|entry| entry.path())).collect())
}
