//! The log beside the state (`state.sqlite-wal`), checked before SQLite reads it.
//!
//! SQLite drops everything after the first frame whose checksum is wrong, and says nothing: that is right for a write that
//! a power loss tore, and wrong for commits that had returned. This tells the two apart.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Returns the path of the log, or of its index, beside the state.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Tells whether there is a log that holds anything.
pub(super) fn has_content(file: &Path) -> bool {
    fs::metadata(beside(file, "-wal")).is_ok_and(|log| log.len() > HEADER as u64)
}

/// Finds out whether the log has lost commits; says how that shows.
pub(super) fn damage(file: &Path) -> io::Result<Option<&'static str>> {
    let mut log = BufReader::new(File::open(beside(file, "-wal"))?);
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(Some("its log `state.sqlite-wal` has no beginning"));
    }
    let big = match u32::from_be_bytes(word(&header, 0)) {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(Some("its log `state.sqlite-wal` begins with something else")),
    };
    let mut sum = add((0, 0), &header[..24], big);
    let page = u32::from_be_bytes(word(&header, 8)) as usize;
    if sum != pair(&header, 24) || !(512..=65_536).contains(&page) {
        return Ok(Some("the beginning of its log `state.sqlite-wal` has another checksum"));
    }
    let salts = &header[16..24];
    let mut frame = vec![0; FRAME_HEADER + page];
    let (mut frames, mut committed, mut torn) = (0u32, 0, 0);
    while fill(&mut log, &mut frame)? && &frame[8..16] == salts {
        let commits = u32::from_be_bytes(word(&frame, 4)) > 0;
        if torn == 0 {
            frames += 1;
            sum = add(add(sum, &frame[..8], big), &frame[FRAME_HEADER..], big);
            if sum == pair(&frame, 16) {
                committed = if commits { frames } else { committed };
                continue;
            }
            torn = 1;
        }
        // A turn is written only when the one before it is on disk for good: two ends after the tear are no torn write.
        torn += u32::from(commits);
        if torn > 2 {
            return Ok(Some("its log `state.sqlite-wal` is damaged in its middle"));
        }
    }
    let lost = indexed(file, salts).is_some_and(|indexed| indexed > committed);
    Ok(lost.then_some("its log `state.sqlite-wal` holds less than was committed"))
}

/// Returns how many frames were committed, by the log's index that a killed process leaves; none where it tells nothing.
fn indexed(file: &Path, salts: &[u8]) -> Option<u32> {
    let mut index = [0; 96];
    File::open(beside(file, "-shm")).ok()?.read_exact(&mut index).ok()?;
    let (header, copy) = index.split_at(48);
    let own = |at| u32::from_ne_bytes(word(header, at));
    let sum = add((0, 0), &header[..40], cfg!(target_endian = "big"));
    let is_whole = header == copy && header[12] == 1 && sum == (own(40), own(44));
    (is_whole && &header[32..40] == salts).then(|| own(16))
}

/// Adds words to a checksum as SQLite does.
fn add(sum: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let read = |at| if big { u32::from_be_bytes(word(bytes, at)) } else { u32::from_le_bytes(word(bytes, at)) };
    (0..bytes.len() / 8).fold(sum, |(first, second), at| {
        let first = first.wrapping_add(read(at * 8)).wrapping_add(second);
        (first, second.wrapping_add(read(at * 8 + 4)).wrapping_add(first))
    })
}

fn word(bytes: &[u8], at: usize) -> [u8; 4] {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

fn pair(bytes: &[u8], at: usize) -> (u32, u32) {
    (u32::from_be_bytes(word(bytes, at)), u32::from_be_bytes(word(bytes, at + 4)))
}

/// Fills a buffer; tells whether there was enough.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}
