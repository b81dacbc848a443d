//! What a seed lists: in the job file itself, or in a file beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use super::headers::is_number;
use super::{Context, delimited, headers, ids, lines};
use crate::job::at::At;
use crate::job::decode::{Decoded, decode};
use crate::job::told::Told;
use crate::model::{Problem, shown};

/// Says what a list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Keywords,
    Users,
    Notes,
}

impl Named {
    /// Returns the word for one of them.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Keywords => "keyword",
            Self::Users => "user",
            Self::Notes => "note",
        }
    }
}

/// One entry of a list.
#[derive(Debug)]
pub(super) struct Entry {
    /// The file that it stands in; none for the job file.
    file: Option<String>,
    span: Range<usize>,
    pub(super) text: String,
}

/// What was found in a file of seeds, before each entry is read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<(Range<usize>, String)>,
    /// How the file was read, if there are other ways.
    pub(super) read_as: Vec<String>,
    /// What may have been meant otherwise.
    pub(super) warnings: Vec<String>,
    /// A name such as `keyword` stands above the entries.
    pub(super) is_named: bool,
}

/// Says why a file of seeds cannot be read as a list, and where.
#[derive(Debug)]
pub(super) struct Misread {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

/// The file that a seed's entries are from, and how it was read.
#[derive(Debug)]
pub(super) struct ListFile {
    pub(super) key: &'static str,
    pub(super) path: String,
    pub(super) read_as: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// After so many bad entries of a list the rest is only counted.
const MOST_TOLD: usize = 20;
const MOST_BYTES: u64 = 64 << 20;

/// Lists the entries that the job file itself holds.
pub(super) fn written(list: &[At<String>]) -> Vec<Entry> {
    list.iter().map(|text| Entry { file: None, span: text.span(), text: text.to_string() }).collect()
}

/// Lists the entries of a file: one a line, or a column of a table.
pub(super) fn from_file(
    key: &'static str,
    name: &At<String>,
    named: Named,
    context: &mut Context<'_, '_>,
) -> (Vec<Entry>, Option<ListFile>) {
    let Some((path, Decoded { text, encoding })) = opened(key, name, context) else { return (Vec::new(), None) };
    let file = path.display().to_string();
    let is_csv =
        path.extension().is_some_and(|ending| ["csv", "tsv"].iter().any(|own| ending.eq_ignore_ascii_case(own)));
    let is_table = is_csv || delimited::is_table(&text, named);
    let found = if is_json(&text) {
        Err(Misread {
            span: 0..text.find('\n').unwrap_or(text.len()),
            message: "this is JSON, and not a list as plain text".to_owned(),
            hint: headers::advice(named),
        })
    } else if is_table {
        delimited::column(&text, named)
    } else {
        lines::lines(&text, named)
    };
    let found = found.and_then(|found| if named == Named::Keywords { searchable(found) } else { Ok(found) });
    let mut list = ListFile { key, path: file.clone(), read_as: Vec::new(), warnings: Vec::new() };
    let mut entries = Vec::new();
    match found {
        Err(Misread { span, message, hint }) => {
            context.told.push(Problem::new(&file, Some(span), message).hint(hint));
        }
        Ok(found) => {
            if found.entries.is_empty() {
                let message = format!("`{key}`: `{}` lists nothing", shown(&file, 120));
                context.told.hinted(name.span(), message, headers::advice(named));
            }
            list.read_as = found.read_as;
            list.warnings = found.warnings;
            entries =
                found.entries.into_iter().map(|(span, text)| Entry { file: Some(file.clone()), span, text }).collect();
        }
    }
    if encoding != "UTF-8" {
        list.read_as.push(encoding.to_uppercase());
    }
    context.told.source(&file, text);
    (entries, Some(list))
}

/// Returns true if a text begins as JSON does: no list has a bracket before a quote, or before another bracket.
fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.strip_prefix(['[', '{']).is_some_and(|rest| rest.trim_start().starts_with(['"', '[', '{', '}']))
}

/// Refuses a list of nothing but numbers, which is the wrong column of a table, and warns of what may not be keywords.
fn searchable(mut found: Found) -> Result<Found, Misread> {
    let is_list = found.entries.len() > 1;
    if let Some((_, first)) = found.entries.first()
        && !found.is_named
        && ((is_list && headers::is_other(first)) || headers::holds_sure(first))
    {
        found.warnings.push(format!("`{}` is searched too: if it is a title, take it out", shown(first, 20)));
    }
    if let Some((_, name)) = found.entries.iter().skip(1).find(|(_, text)| headers::is_sure(text)) {
        found.warnings.push(format!("`{}` is searched too: if it names a column, take it out", shown(name, 20)));
    }
    if found.is_named {
        return Ok(found);
    }
    let count = |from: usize| found.entries.iter().skip(from).filter(|(_, text)| is_number(text)).count();
    let all = found.entries.len();
    if (all > 1 && count(0) == all) || (all > 2 && count(1) == all - 1) {
        let (span, text) = &found.entries[all - 1];
        let message = format!("the list holds only numbers, such as `{}`, and no keywords", shown(text, 20));
        let hint = format!(
            "{}; numbers that are keywords belong under `keywords` in the job",
            headers::advice(Named::Keywords)
        );
        return Err(Misread { span: span.clone(), message, hint });
    }
    Ok(found)
}

/// Opens a file that a key of the job names; what is wrong is told at the key.
pub(super) fn opened(
    key: &str,
    name: &At<String>,
    context: &mut Context<'_, '_>,
) -> Option<(std::path::PathBuf, Decoded)> {
    let path = match super::paths::resolve(name, context.folder, context.home) {
        Ok(path) => path,
        Err((message, hint)) => {
            refuse(context.told, name, format!("`{key}`: {message}"), hint);
            return None;
        }
    };
    match read(&path) {
        Ok(decoded) => Some((path, decoded)),
        Err((reason, hint)) => {
            let message = format!("`{key}`: `{}` {reason}", shown(&path.display().to_string(), 120));
            refuse(context.told, name, message, hint);
            None
        }
    }
}

fn refuse(told: &mut Told<'_>, name: &At<String>, message: String, hint: Option<String>) {
    match hint {
        Some(hint) => told.hinted(name.span(), message, hint),
        None => told.at(name.span(), message),
    }
}

fn read(path: &Path) -> Result<Decoded, ids::Refused> {
    let reason = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => {
            ("is not there".to_owned(), Some("the path counts from the job file's folder".to_owned()))
        }
        ErrorKind::PermissionDenied => ("may not be read".to_owned(), None),
        kind => (format!("cannot be read: {kind}"), None),
    };
    let about = fs::metadata(path).map_err(reason)?;
    if !about.is_file() {
        return Err(("is not a file".to_owned(), None));
    }
    if about.len() > MOST_BYTES {
        return Err((format!("is bigger than {} MiB", MOST_BYTES >> 20), None));
    }
    let bytes = fs::read(path).map_err(reason)?;
    decode(&bytes).map_err(|why| (why.to_string(), Some(why.hint().to_owned())))
}

/// The items of a list, each once, and how many entries name one again.
#[derive(Debug)]
pub(super) struct Items<T> {
    pub(super) unique: Vec<T>,
    /// Entries that are written as an earlier one.
    pub(super) repeated: usize,
    /// Entries that are the same as an earlier one, and written otherwise.
    pub(super) twins: usize,
}

/// Reads every entry; those that name nothing are told, and duplicates vanish: those of one `identity`.
pub(super) fn parsed<T>(
    entries: &[Entry],
    parse: fn(&str) -> Result<T, ids::Refused>,
    identity: fn(&T) -> String,
    context: &mut Context<'_, '_>,
) -> Items<T> {
    let mut seen = BTreeMap::new();
    let mut out = Items { unique: Vec::new(), repeated: 0, twins: 0 };
    let mut bad = 0;
    for entry in entries {
        match parse(&entry.text) {
            Ok(item) => {
                let text = entry.text.trim();
                match seen.get(&identity(&item)) {
                    Some(first) if *first == text => out.repeated += 1,
                    Some(_) => out.twins += 1,
                    None => {
                        seen.insert(identity(&item), text);
                        out.unique.push(item);
                    }
                }
            }
            Err((message, hint)) => {
                bad += 1;
                if bad <= MOST_TOLD {
                    let file = entry.file.as_deref().unwrap_or(context.told.file);
                    let problem = Problem::new(file, Some(entry.span.clone()), message);
                    context.told.push(Problem { hint, ..problem });
                }
            }
        }
    }
    if let (true, Some(entry)) = (bad > MOST_TOLD, entries.last()) {
        let file = entry.file.as_deref().unwrap_or(context.told.file);
        let message = format!("{} more entries of this list cannot be read", bad - MOST_TOLD);
        context.told.push(Problem::new(file, Some(entry.span.clone()), message));
    }
    out
}
