//! From a file or a text to a job, or to everything that is wrong with it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::file::JobFile;
use super::keys::{TakenOut, check_keys};
use super::schema::schema;
use super::secrets::{Extent, refuse_keys, suspects, without_text};
use super::told::{Problems, Told};
use super::{Job, validate};
use crate::model::{Problem, reader_problem};

/// Says why a job file gave no job.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read the job file `{file}`")]
    Read {
        /// The file, as the person named it.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file was read, and does not hold a job.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// Reads a job file, and the files of seeds and vendors that it names.
///
/// # Errors
///
/// The file cannot be read; or all of its problems at once, with the texts that they point into.
pub fn load(path: &Path) -> Result<Job, LoadError> {
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(source) => return Err(LoadError::Read { file, source }),
    };
    Ok(check(&file, path.parent().unwrap_or(Path::new("")), &text)?)
}

/// Checks the text of a job file; files that it names are looked for in `folder`.
///
/// # Errors
///
/// All problems at once, with the texts that they point into.
pub fn check(file: &str, folder: &Path, text: &str) -> Result<Job, Problems> {
    let mut told = Told::new(file, text);
    let Some((job_file, taken)) = read(&mut told) else { return Err(told.finish()) };
    let job = validate::job(&job_file, &mut validate::Context { told: &mut told, taken: &taken, folder });
    if told.is_empty() { Ok(job) } else { Err(told.finish()) }
}

/// Reads the text as far as it can be read; what is wrong with its keys is told and left out.
pub(super) fn read(told: &mut Told<'_>) -> Option<(JobFile, TakenOut)> {
    let (file, text) = (told.file, told.text);
    let (mut tree, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        hide_suspects(told, Extent::Broken);
        let mut lines = BTreeSet::new();
        let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            // What follows on the same line is most often the same mistake.
            if lines.insert(breaks.partition_point(|at| *at < start)) {
                told.push(syntax_problem(file, text, error.message(), error.span()));
            }
        }
        return None;
    }
    hide_suspects(told, Extent::Whole);
    refuse_keys(tree.get_mut(), told);
    let taken = check_keys(&mut tree, schema(), told);
    match JobFile::deserialize(Deserializer::from(tree)) {
        Ok(job_file) => Some((job_file, taken)),
        Err(error) => {
            hide_suspects(told, Extent::Broken);
            told.push(reader_problem(file, text, &without_text(error.message()), error.span()));
            None
        }
    }
}

/// Hides what may be a key where the text is not read.
fn hide_suspects(told: &mut Told<'_>, extent: Extent) {
    for span in suspects(told.text, extent) {
        told.hide(span);
    }
}

fn syntax_problem(file: &str, text: &str, message: &str, span: Option<Range<usize>>) -> Problem {
    let span = span.map(|span| span.start.min(text.len())..span.end.min(text.len()));
    let message = message.lines().next().unwrap_or_default();
    let (what, expected) = message.split_once(", expected ").map_or((message, None), |(what, rest)| (what, Some(rest)));
    let problem = Problem::new(file, span, format!("cannot be read as TOML: {what}"));
    match expected {
        Some(expected) => problem.hint(format!("expected here: {expected}")),
        None => problem,
    }
}
