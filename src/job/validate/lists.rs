//! What a seed lists: in the job file itself, or in a file beside it.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use super::{Context, ids};
use crate::job::at::At;
use crate::model::{Problem, shown};

/// Says what a list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Keywords,
    Users,
    Notes,
}

/// One entry of a list.
#[derive(Debug)]
pub(super) struct Entry {
    /// The file that it stands in; none for the job file.
    file: Option<String>,
    span: Range<usize>,
    pub(super) text: String,
}

/// After so many bad entries of a list the rest is only counted.
const MOST_TOLD: usize = 20;
const MOST_BYTES: u64 = 64 << 20;

/// Lists the entries that the job file itself holds.
pub(super) fn written(list: &[At<String>]) -> Vec<Entry> {
    list.iter().map(|text| Entry { file: None, span: text.span(), text: text.to_string() }).collect()
}

/// Lists the entries of a file: one a line, or the first column of a `.csv`.
pub(super) fn from_file(key: &str, name: &At<String>, named: Named, context: &mut Context<'_, '_>) -> Vec<Entry> {
    let path = context.folder.join(&**name);
    let file = path.display().to_string();
    let text = match read(&path) {
        Ok(text) => text,
        Err(reason) => {
            let hint = "the path counts from the job file's folder";
            context.told.hinted(name.span(), format!("`{key}`: `{}` {reason}", shown(&file, 120)), hint);
            return Vec::new();
        }
    };
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let found = if is_csv { first_column(&text, named) } else { lines(&text) };
    if found.is_empty() {
        context.told.at(name.span(), format!("`{key}`: `{}` lists nothing", shown(&file, 120)));
    }
    let entries = found.into_iter().map(|(span, text)| Entry { file: Some(file.clone()), span, text }).collect();
    context.told.source(&file, text);
    entries
}

pub(super) fn read(path: &Path) -> Result<String, String> {
    let reason = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "is not there".to_owned(),
        ErrorKind::PermissionDenied => "may not be read".to_owned(),
        kind => format!("cannot be read: {kind}"),
    };
    let about = fs::metadata(path).map_err(reason)?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    if about.len() > MOST_BYTES {
        return Err(format!("is bigger than {} MiB", MOST_BYTES >> 20));
    }
    let bytes = fs::read(path).map_err(reason)?;
    String::from_utf8(bytes).map_err(|error| {
        let (good, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let line = String::from_utf8_lossy(good).matches('\n').count() + 1;
        format!("is not UTF-8 in line {line}")
    })
}

fn lines(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let entry = line.trim_start_matches('\u{feff}').trim();
        if !entry.is_empty() && !entry.starts_with('#') {
            let at = start + line.find(entry).unwrap_or_default();
            found.push((at..at + entry.len(), entry.to_owned()));
        }
        start += line.len();
    }
    found
}

fn first_column(text: &str, named: Named) -> Vec<(Range<usize>, String)> {
    let body = text.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body.as_bytes());
    let mut is_first = true;
    // The text is UTF-8 and rows may differ in length, so that no row is an error.
    for record in reader.records().filter_map(Result::ok) {
        let cell = record.get(0).unwrap_or_default().trim();
        let is_header = std::mem::take(&mut is_first) && is_header(cell, named);
        if is_header || record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let start = record.position().map_or(0, |position| position.byte() as usize).min(body.len());
        let rest = body.get(start..).unwrap_or_default();
        let row = rest.trim_start_matches(['\r', '\n']);
        let start = text.len() - body.len() + start + rest.len() - row.len();
        let end = start + row.find(['\r', '\n']).unwrap_or(row.len());
        found.push((start..end, cell.to_owned()));
    }
    found
}

/// Tells whether the first cell of a table is the name of its column.
fn is_header(cell: &str, named: Named) -> bool {
    let cell = cell.to_lowercase();
    match named {
        Named::Keywords => matches!(cell.as_str(), "keyword" | "keywords" | "关键词"),
        Named::Users | Named::Notes => {
            let is_word =
                matches!(cell.as_str(), "id" | "user_id" | "userid" | "note_id" | "noteid" | "users" | "notes");
            // A mistyped id or a link is no header: it must be told.
            is_word
                || (ids::user(&cell).is_err()
                    && !cell.is_empty()
                    && !cell.contains(|c: char| c == '/' || c.is_ascii_digit()))
        }
    }
}

/// Reads every entry; those that name nothing are told, and duplicates vanish.
pub(super) fn parsed<T: PartialEq + Ord + Clone>(
    entries: &[Entry],
    parse: fn(&str) -> Result<T, ids::Refused>,
    context: &mut Context<'_, '_>,
) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    let mut bad = 0;
    for entry in entries {
        match parse(&entry.text) {
            Ok(item) => {
                if seen.insert(item.clone()) {
                    out.push(item);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: &[(Range<usize>, String)]) -> Vec<&str> {
        found.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn lines_skip_blanks_comments_and_a_byte_order_mark() {
        let text = "\u{feff}防晒霜\r\n\r\n# seen last year\n  露营 \n";
        let found = lines(text);
        assert_eq!(texts(&found), ["防晒霜", "露营"]);
        assert!(found.iter().all(|(span, entry)| &text[span.clone()] == entry));
    }

    #[test]
    fn the_first_column_of_a_table_is_taken_without_its_header() {
        let text = "\u{feff}keyword,volume\r\n\"防晒,霜\",10\r\n\r\n露营,\r\n,,\r\n";
        let found = first_column(text, Named::Keywords);
        assert_eq!(texts(&found), ["防晒,霜", "露营"]);
        assert_eq!(&text[found[1].0.clone()], "露营,");
        assert_eq!(texts(&first_column("user_id\nu1\n", Named::Users)), ["u1"]);
        assert_eq!(texts(&first_column("用户 ID\nu1\n", Named::Users)), ["u1"]);
        assert_eq!(texts(&first_column("u0\nu1\n", Named::Users)), ["u0", "u1"]);
    }

    #[test]
    fn a_first_row_that_is_a_mistake_is_no_header() {
        for cell in ["5c2f338a 000000000701e1c6", "http://xhslink.com/a"] {
            assert_eq!(texts(&first_column(&format!("{cell}\nu1\n"), Named::Users)), [cell, "u1"]);
        }
        assert_eq!(texts(&first_column(",x\nu1\n", Named::Users)), ["", "u1"]);
    }
}
