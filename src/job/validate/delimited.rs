//! A list as a table: cells between commas, semicolons or tabs, and the column that holds what is wanted.

use std::ops::Range;

use super::headers::{self, is_number};
use super::lists::{Found, Misread, Named};
use super::{ids, keywords};
use crate::model::shown;

/// One row, with its place.
struct Row {
    span: Range<usize>,
    cells: Vec<String>,
}

/// Returns true if a text that is not called .csv is a table all the same: its first line names the column that is
/// wanted among others, or all lines have as many cells, one of them a number, or tabs between them.
pub(super) fn is_table(text: &str, named: Named) -> bool {
    let Some(delimiter) = sniffed(text) else { return false };
    let rows = rows(text, delimiter);
    let Some(first) = rows.first().filter(|row| row.cells.len() > 1) else { return false };
    if headers::column(&cells(first), named).is_some() {
        return true;
    }
    let width = first.cells.len();
    let is_even = rows.len() > 1 && rows.iter().all(|row| row.cells.len() == width);
    is_even && (delimiter == b'\t' || (0..width).any(|at| rows[1..].iter().all(|row| is_number(&row.cells[at]))))
}

/// Reads the column that holds what is wanted.
pub(super) fn column(text: &str, named: Named) -> Result<Found, Misread> {
    let delimiter = sniffed(text);
    let mut rows = rows(text, delimiter.unwrap_or(b','));
    let Some(first) = rows.first() else { return Ok(Found::default()) };
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let longer = || headers::longer_named(&cells(first)).filter(|_| named == Named::Keywords);
    let header = headers::column(&cells(first), named).or_else(longer);
    let mut found = Found::default();
    match delimiter {
        Some(b'\t') => found.read_as.push("tabs between cells".to_owned()),
        Some(b';') => found.read_as.push("`;` between cells".to_owned()),
        _ => {}
    }
    if let Some(at) = header {
        if width > 1 {
            found.read_as.insert(0, format!("column `{}`", shown(first.cells[at].trim(), 20)));
        }
        rows.remove(0);
    } else if named == Named::Keywords {
        refuse_unknown(&rows, width)?;
    } else if is_word(&first.cells[0]) {
        rows.remove(0);
    }
    let at = header.unwrap_or(0);
    let entry = |row: Row| (row.span, row.cells.get(at).map(|cell| cell.trim().to_owned()).unwrap_or_default());
    found.entries = rows.into_iter().map(entry).collect();
    Ok(found)
}

/// Refuses a table of keywords whose first row does not say which column they are in.
fn refuse_unknown(rows: &[Row], width: usize) -> Result<(), Misread> {
    let Some(first) = rows.first() else { return Ok(()) };
    let misread =
        |message: String| Err(Misread { span: first.span.clone(), message, hint: headers::advice(Named::Keywords) });
    let names = || first.cells.iter().map(|cell| shown(cell.trim(), 20)).collect::<Vec<_>>().join("`, `");
    if let Some(wide) = first.cells.iter().find(|cell| width == 1 && cell.contains(['，', '；']) && rows.len() > 1) {
        return misread(format!("`{}` holds `，` or `；`, which do not separate columns", shown(wide, 40)));
    }
    if width > 1 {
        let numbers =
            |at: usize, rows: &[Row]| rows.iter().all(|row| row.cells.get(at).is_some_and(|cell| is_number(cell)));
        if numbers(0, rows) {
            return misread("the first column holds only numbers, and no other is named as the keywords'".to_owned());
        }
        // A row with a number above numbers is data: there is no header.
        return if (1..width).any(|at| numbers(at, rows)) {
            Ok(())
        } else {
            misread(format!("the table has {width} columns, and none is named as the keywords': `{}`", names()))
        };
    }
    if rows.len() > 1 && headers::is_other(&first.cells[0]) {
        return misread(format!("the column is called `{}`, and not as one of keywords", names()));
    }
    Ok(())
}

/// Returns true if the first cell of a list of ids is the name of its column, and not a mistyped id or a link.
fn is_word(cell: &str) -> bool {
    let cell = keywords::visible(cell);
    !cell.is_empty() && !ids::is_id(&cell) && !cell.contains(|c: char| c == '/' || c.is_ascii_digit())
}

fn cells(row: &Row) -> Vec<&str> {
    row.cells.iter().map(String::as_str).collect()
}

/// Finds what separates the cells: what stands most often in the first row, outside quotes. Excel may say it itself.
fn sniffed(text: &str) -> Option<u8> {
    let body = text.trim_start_matches('\u{feff}');
    let said = said(body).map(|(delimiter, _)| delimiter);
    let first = body.lines().find(|line| !line.trim().is_empty() && !is_comment(line)).unwrap_or_default();
    let outside: String = first.split('"').step_by(2).collect();
    let count = |delimiter: &u8| outside.matches(char::from(*delimiter)).count();
    // Of as many, the later one wins.
    said.or_else(|| b";\t,".iter().copied().max_by_key(count).filter(|delimiter| count(delimiter) > 0))
}

/// Reads the line `sep=;` with which Excel may begin a file, and how long it is.
fn said(body: &str) -> Option<(u8, usize)> {
    let line = body.lines().next()?;
    let delimiter = line.strip_prefix("sep=").or_else(|| line.strip_prefix("\"sep="))?.bytes().next()?;
    delimiter.is_ascii_punctuation().then_some((delimiter, line.len()))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line == "#" || line.starts_with("# ") || line.starts_with("##")
}

/// Lists the rows that hold anything, less comments.
fn rows(text: &str, delimiter: u8) -> Vec<Row> {
    let body = text.trim_start_matches('\u{feff}');
    let body = &body[said(body).map_or(0, |(_, length)| length)..];
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(body.as_bytes());
    let mut rows = Vec::new();
    // The text is UTF-8 and rows may differ in length, so that no row is an error.
    for record in reader.records().filter_map(Result::ok) {
        let is_empty = record.iter().all(|cell| cell.trim().is_empty());
        if is_empty || is_comment(record.get(0).unwrap_or_default()) {
            continue;
        }
        let start = record.position().map_or(0, |position| position.byte() as usize).min(body.len());
        let rest = body.get(start..).unwrap_or_default();
        let row = rest.trim_start_matches(['\r', '\n']);
        let start = text.len() - row.len();
        let end = start + row.find(['\r', '\n']).unwrap_or(row.len());
        rows.push(Row { span: start..end, cells: record.iter().map(str::to_owned).collect() });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, named: Named) -> Vec<String> {
        column(text, named).unwrap().entries.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn the_named_column_of_a_table_is_taken() {
        let text = "\u{feff}keyword,volume\r\n\"防晒,霜\",10\r\n\r\n露营,\r\n,,\r\n";
        let found = column(text, Named::Keywords).unwrap();
        assert_eq!(texts(text, Named::Keywords), ["防晒,霜", "露营"]);
        assert_eq!(&text[found.entries[1].0.clone()], "露营,");
        assert_eq!(found.read_as, ["column `keyword`"]);
        for text in [
            "关键词;热度\r\n防晒霜;100\r\n露营;200\r\n",
            "关键词\t热度\n防晒霜\t100\n露营\t200\n",
            "序号,关键词\n1,防晒霜\n2,露营\n",
            "sep=;\r\n序号;关键字\r\n1;防晒霜\r\n2;露营\r\n",
            "# exported\n\"热度\",\"Search Term\"\n\"1\",\"防晒霜\"\n\"2\",\"露营\"\n",
            "防晒霜,100\n露营,200\n",
            "防晒霜\n露营\n",
            "关键词\n防晒霜\n露营\n",
        ] {
            assert_eq!(texts(text, Named::Keywords), ["防晒霜", "露营"], "{text}");
        }
        assert_eq!(texts("user_id\nu1\n", Named::Users), ["u1"]);
        assert_eq!(texts("昵称,用户 ID\na,u1\n", Named::Users), ["u1"]);
        assert_eq!(texts("博主名单\nu1\n", Named::Users), ["u1"]);
        assert_eq!(texts("u0\nu1\n", Named::Users), ["u0", "u1"]);
        assert_eq!(texts("user_id,note_id\nu,n\n", Named::Notes), ["n"]);
    }

    #[test]
    fn a_table_that_does_not_say_where_its_keywords_are_is_refused() {
        for (text, why) in [
            ("1,防晒霜\n2,露营\n", "the first column holds only numbers"),
            ("主题词,热度\n防晒霜,100\n露营,200\n", "the table has 2 columns"),
            ("主题词;分类\n防晒霜;美妆\n", "the table has 2 columns"),
            ("防晒霜,露营,咖啡\n", "the table has 3 columns"),
            ("热度\n防晒霜\n", "the column is called `热度`"),
            ("关键词，热度\n防晒霜，100\n", "which do not separate columns"),
        ] {
            let misread = column(text, Named::Keywords).err().unwrap_or_else(|| panic!("{text}"));
            assert!(misread.message.contains(why), "{text}: {}", misread.message);
            assert!(misread.hint.contains("`keyword`") && misread.hint.contains("`关键词`"), "{}", misread.hint);
        }
    }

    #[test]
    fn a_first_row_that_is_a_mistake_is_no_header() {
        for cell in ["5c2f338a 000000000701e1c6", "http://xhslink.com/a"] {
            assert_eq!(texts(&format!("{cell}\nu1\n"), Named::Users), [cell, "u1"]);
        }
        assert_eq!(texts(",x\nu1\n", Named::Users), ["", "u1"]);
    }

    #[test]
    fn a_text_is_a_table_if_it_looks_like_one() {
        for text in
            ["关键词\t热度\n防晒霜\t100\n", "序号,关键词\n1,防晒霜\n", "防晒霜\t100\n露营\t200\n", "1;防晒霜\n2;露营\n"]
        {
            assert!(is_table(text, Named::Keywords), "{text}");
        }
        for text in ["防晒霜,露营,咖啡\n", "防晒霜,露营\n咖啡,茶\n", "防晒霜\n露营\n", "", "关键词\n防晒霜\n"]
        {
            assert!(!is_table(text, Named::Keywords), "{text}");
        }
    }
}
