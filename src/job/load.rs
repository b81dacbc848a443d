//! From a file or a text to a job, or to everything that is wrong with it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::decode::decode;
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
    /// The file is text in another encoding.
    #[error("the job file `{file}` is saved as {encoding}, and a job file must be UTF-8")]
    Encoding {
        /// The file, as the person named it.
        file: String,
        /// Its encoding.
        encoding: String,
    },
    /// The file is something else.
    #[error("the job file `{file}` {reason}")]
    NotText {
        /// The file, as the person named it.
        file: String,
        /// Why it cannot be read as text.
        reason: String,
    },
    /// The file was read, and does not hold a job.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// Reads a job file, and the files of seeds and vendors that it names. `home` is what `~` stands for in it.
///
/// # Errors
///
/// The file cannot be read; or all of its problems at once, with the texts that they point into.
pub fn load(path: &Path, home: Option<&Path>) -> Result<Job, LoadError> {
    let file = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(LoadError::Read { file, source }),
    };
    let text = text(&file, bytes)?;
    Ok(check_at(&file, Places { folder: path.parent().unwrap_or(Path::new("")), home }, &text)?)
}

/// Takes bytes as the text of a job file: UTF-8, as TOML is.
fn text(file: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    let file = file.to_owned();
    match decode(&bytes) {
        Ok(decoded) if decoded.encoding == "UTF-8" => Ok(decoded.text),
        Ok(decoded) => Err(LoadError::Encoding { file, encoding: decoded.encoding.to_uppercase() }),
        // Odd characters of a text in UTF-8 are told where they stand.
        Err(why) => String::from_utf8(bytes).map_err(|_| LoadError::NotText { file, reason: why.to_string() }),
    }
}

/// Checks the text of a job file; files that it names are looked for in `folder`, and `~` stands for nothing.
///
/// # Errors
///
/// All problems at once, with the texts that they point into.
pub fn check(file: &str, folder: &Path, text: &str) -> Result<Job, Problems> {
    check_at(file, Places { folder, home: None }, text)
}

/// Where paths of a job file count from.
#[derive(Clone, Copy)]
struct Places<'p> {
    folder: &'p Path,
    home: Option<&'p Path>,
}

fn check_at(file: &str, Places { folder, home }: Places<'_>, text: &str) -> Result<Job, Problems> {
    let mut told = Told::new(file, text);
    let Some((job_file, taken)) = read(&mut told) else { return Err(told.finish()) };
    let mut context = validate::Context { told: &mut told, taken: &taken, folder, home, lists: Vec::new() };
    let job = validate::job(&job_file, &mut context);
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
    let line = span.as_ref().map_or("", |span| line_at(text, span.start));
    let problem = Problem::new(file, span, format!("cannot be read as TOML: {what}"));
    match typed_otherwise(line).or_else(|| expected.map(|expected| format!("expected here: {expected}"))) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default().lines().next().unwrap_or_default()
}

/// Says what to type in place of the characters that Chinese keyboards and paths of Windows put into a line.
fn typed_otherwise(line: &str) -> Option<String> {
    const TYPED: [(&[char], &str); 7] = [
        (&['“', '”', '„', '‟', '＂', '「', '」', '『', '』'], "\""),
        (&['‘', '’', '＇'], "'"),
        (&['，', '、'], ","),
        (&['＝'], "="),
        (&['［', '【'], "["),
        (&['］', '】'], "]"),
        (&['＃'], "#"),
    ];
    let code = outside_quotes(line);
    let found = TYPED.iter().filter_map(|(others, plain)| {
        let other = code.chars().find(|c| others.contains(c))?;
        Some(format!("`{plain}` in place of `{other}`"))
    });
    let found: Vec<String> = found.collect();
    if !found.is_empty() {
        return Some(format!("type {}: TOML knows only the half-width ones", found.join(", ")));
    }
    line.contains('\\').then(|| {
        "in double quotes, `\\` begins an escape: put a path of Windows between single quotes, or write `/`".to_owned()
    })
}

/// Returns the part of a line that stands in no plain quotes.
fn outside_quotes(line: &str) -> String {
    let mut open = None;
    let is_outside = |c: &char| {
        let was = open;
        match open {
            None if matches!(c, '"' | '\'') => open = Some(*c),
            Some(quote) if quote == *c => open = None,
            _ => {}
        }
        was.is_none() && open.is_none()
    };
    line.chars().filter(is_outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chinese_keyboards_type_gets_the_character_to_type_instead() {
        for (line, hint) in [
            ("keywords = [“防晒霜”，“露营”]", Some("type `\"` in place of `“`, `,` in place of `，`")),
            ("keywords = [\"防晒霜\"，\"露营\"]", Some("type `,` in place of `，`")),
            (
                "keywords ＝ 【\"防晒霜\"】",
                Some("type `=` in place of `＝`, `[` in place of `【`, `]` in place of `】`"),
            ),
            ("dataset = ‘data/x’", Some("type `'` in place of `‘`")),
            ("dataset = \"C:\\data\"", Some("between single quotes")),
            ("keywords = [\"防晒，霜“\" \"x\"]", None),
            ("keywords = ", None),
        ] {
            let typed = typed_otherwise(line);
            assert_eq!(typed.is_some(), hint.is_some(), "{line}: {typed:?}");
            assert!(typed.unwrap_or_default().contains(hint.unwrap_or_default()), "{line}");
        }
    }
}
