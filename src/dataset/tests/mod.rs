//! What builds leave on disk, seen as a reader, a person and the next build see it.

mod columns_of_notes;
mod columns_of_the_rest;
mod compared;
mod filed;
mod filled;
mod observed;
mod published;
mod recovery;
mod same_bytes;
mod verified;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::merge::in_memory::Merged;
use super::{BuildError, Built, Effort, Layout, Manifest, Origin, Part, build, snapshot_folder};
use crate::disk::Disk;
use crate::flatten::fixtures::{self, answer, detail, profile, search, user_notes};
use crate::flatten::tables::NoteRow;
use crate::flatten::{Recipe, flatten};
use crate::job::{Compression, Partition};
use crate::model::{Answer, Body, Outcome, Zone};

pub(super) const LAYOUT: Layout =
    Layout { partition: Partition::Month, time_zone: Zone::UTC, compression: Compression::Zstd, keep_snapshots: 5 };

pub(super) fn samples() -> Vec<Answer> {
    vec![
        answer("justoneapi", search(1), fixtures::SEARCH, 0),
        answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1),
        answer("justoneapi", user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 2),
        answer("spiderhubs", user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 3),
        answer("justoneapi", profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 4),
        Answer { seed: None, ..fixtures::given_up(detail("69abb712000000001600a32a"), Outcome::Reject) },
    ]
}

pub(super) fn found(second: i64, id: &str, likes: i64) -> Answer {
    let note = json!({"id": id, "title": "t", "likes": likes});
    answer("justoneapi", search(1), &json!({"code": 0, "data": {"items": [note]}}).to_string(), second)
}

/// Answers that stand for a sealed segment.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    id: String,
    answers: Vec<Answer>,
}

impl Kept {
    pub(super) fn new(answers: &[Answer]) -> Self {
        let bodies: Vec<_> = answers.iter().map(|answer| answer.body.as_ref().map(Body::bytes)).collect();
        let id = crate::model::sha256_hex(format!("{answers:?} {bodies:?}").as_bytes());
        Self { id, answers: answers.to_vec() }
    }
}

impl Part for Kept {
    type Error = Infallible;
    type Batch = Vec<Answer>;

    fn id(&self) -> &str {
        &self.id
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<Vec<Answer>, Infallible>>, Infallible> {
        Ok(self.answers.chunks(64).map(|batch| Ok(batch.to_vec())))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "tests make a layout for each build")]
pub(super) fn try_build(
    home: &Path,
    answers: &[Answer],
    layout: Layout,
    origin: Origin,
) -> Result<Built, BuildError<Infallible>> {
    let parts = [Kept::new(answers)];
    build(&parts, &Disk::machine(), home, &layout, &Recipe::default(), origin, Effort::default())
}

pub(super) fn made(home: &Path, answers: &[Answer]) -> Built {
    try_build(home, answers, LAYOUT, Origin::Live).unwrap()
}

pub(super) fn manifest(home: &Path, snapshot: u64) -> Manifest {
    Manifest::read(&snapshot_folder(home, snapshot)).unwrap()
}

/// Lists every path in a folder, files only, less the builder's memory.
pub(super) fn tree(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path == folder.join(".cache") {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

pub(super) fn snapshots(home: &Path) -> Vec<String> {
    let names = fs::read_dir(home.join("snapshots")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

pub(super) fn merged(answers: &[Answer]) -> Merged {
    Merged::of(&answers.iter().map(flatten).collect::<Vec<_>>())
}

pub(super) fn searched() -> Merged {
    merged(&[answer("justoneapi", search(3), fixtures::SEARCH, 1)])
}

pub(super) fn detailed() -> Merged {
    merged(&[answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1)])
}

pub(super) fn listed() -> Merged {
    merged(&[answer("justoneapi", user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 1)])
}

pub(super) fn filmed() -> Merged {
    merged(&[answer("spiderhubs", user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 1)])
}

pub(super) fn profiled() -> Merged {
    merged(&[answer("justoneapi", profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 1)])
}

pub(super) fn only<T: std::fmt::Debug>(rows: Vec<T>) -> T {
    let [row] = <[T; 1]>::try_from(rows).unwrap();
    row
}

pub(super) fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub(super) fn observed() -> jiff::Timestamp {
    time("2026-11-22T08:00:01Z")
}

#[expect(clippy::unnecessary_wraps, reason = "stands where a column's value stands")]
pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn note(merged: &Merged) -> NoteRow {
    only(merged.note_rows())
}
