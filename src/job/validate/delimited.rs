//! A list as a table: cells between commas, semicolons or tabs, and the column that holds what is wanted.

use std::ops::Range;

use super::headers::{self, is_number};
use super::lines::{self, is_comment};
use super::lists::{Found, Misread, Named};
use super::marks::{unnumbered, unquoted};
use super::{ids, keywords};
use crate::model::shown;

/// One row, with its place.
struct Row {
    span: Range<usize>,
    cells: Vec<String>,
}

/// Returns true if a text that is not called .csv is a table all the same: its header names the column that is wanted
/// among others, or all lines have as many cells, one of them a number, or tabs between them.
pub(super) fn is_table(text: &str, named: Named) -> bool {
    let Some(delimiter) = sniffed(text) else { return false };
    let rows = rows(text, delimiter);
    let Some(first) = rows.first() else { return false };
    let is_named = |row: &Row| row.cells.len() > 1 && headers::column(&cells(row), named).is_some();
    if is_named(first) || rows.get(titles(&rows)).is_some_and(is_named) {
        return true;
    }
    let width = first.cells.len();
    let is_even = width > 1 && rows.len() > 1 && rows.iter().all(|row| row.cells.len() == width);
    is_even && (delimiter == b'\t' || (0..width).any(|at| rows[1..].iter().all(|row| is_number(&row.cells[at]))))
}

/// Reads the column that holds what is wanted.
pub(super) fn column(text: &str, named: Named) -> Result<Found, Misread> {
    let delimiter = sniffed(text);
    if let Some(start) = unclosed(text, delimiter.unwrap_or(b',')) {
        let end = text[start..].find(['\r', '\n']).map_or(text.len(), |length| start + length);
        return Err(Misread {
            span: start..end,
            message: "a quote opens here and is not closed: the rows behind it would be one cell".to_owned(),
            hint: "close it with `\"`, or take it away; a `\"` within a cell in quotes is written twice".to_owned(),
        });
    }
    let mut rows = rows(text, delimiter.unwrap_or(b','));
    if rows.is_empty() {
        return Ok(Found::default());
    }
    let width = width(&rows);
    let mut found = Found::default();
    match delimiter {
        Some(b'\t') => found.read_as.push("tabs between cells".to_owned()),
        Some(b';') => found.read_as.push("`;` between cells".to_owned()),
        Some(b'|') => found.read_as.push("`|` between cells".to_owned()),
        _ => {}
    }
    let header = header(&rows, named);
    let at = if let Some((above, at)) = header {
        let name = rows[above].cells[at].trim().to_owned();
        if width > 1 {
            found.read_as.insert(0, format!("column `{}`", shown(&name, 20)));
        }
        if above > 0 {
            let titles = if above == 1 { "its first row".to_owned() } else { format!("its first {above} rows") };
            found.read_as.push(format!("without {titles}, above the names of columns"));
        }
        found.is_named = headers::is_sure(&name);
        rows.drain(..=above);
        at
    } else if named == Named::Keywords {
        refuse_unknown(&rows, width)?;
        0
    } else {
        refuse_others(&rows[0], named)?;
        let at = column_of_addresses(&rows, width, named).unwrap_or(0);
        if rows[0].cells.get(at).is_some_and(|cell| is_word(cell)) {
            rows.remove(0);
        }
        at
    };
    let (mut without, mut marked) = (Vec::new(), None);
    for row in rows {
        let cell = row.cells.get(at).map(|cell| cell.trim()).unwrap_or_default();
        if is_blank(cell) && header.is_some() {
            without.push(line_of(text, &row));
        } else {
            let plain = if named == Named::Keywords { unquoted(unnumbered(cell)) } else { cell };
            if plain != cell {
                marked.get_or_insert(line_of(text, &row));
            }
            found.entries.push((row.span, plain.to_owned()));
        }
    }
    found.warnings.extend(marked.map(lines::told_of_marks));
    // Nothing is asked for such a row, and the others are clear.
    if let [line, more @ ..] = without.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
        found.warnings.push(format!("the row on line {line}{more} names no {}, and is left out", named.unit()));
    }
    Ok(found)
}

fn line_of(text: &str, row: &Row) -> usize {
    text[..row.span.start].matches('\n').count() + 1
}

/// Returns true for a cell that stands for nothing: empty, `-`, or an error of a spreadsheet such as `#N/A`.
fn is_blank(cell: &str) -> bool {
    let cell = keywords::visible(cell).to_ascii_lowercase();
    let errors = ["n/a", "null", "nan", "#n/a", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!"];
    errors.contains(&cell.as_str()) || cell.chars().all(|c| c.is_ascii_punctuation() || matches!(c, '—' | '–'))
}

/// Returns the number of columns up to the last one that holds anything.
fn width(rows: &[Row]) -> usize {
    let filled = |row: &Row| row.cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    rows.iter().map(filled).max().unwrap_or_default()
}

/// Counts the rows above the names of the columns: titles, which fill one cell of several.
fn titles(rows: &[Row]) -> usize {
    let is_title = |row: &&Row| row.cells.iter().filter(|cell| !cell.trim().is_empty()).count() == 1;
    if width(rows) > 1 { rows.iter().take_while(is_title).count() } else { 0 }
}

/// Finds the row that names the columns, and the column that holds what is wanted.
fn header(rows: &[Row], named: Named) -> Option<(usize, usize)> {
    [titles(rows), 0].into_iter().find_map(|above| {
        let row = rows.get(above)?;
        let known = headers::columns(&cells(row), named);
        // Of several, such as `用户` and `链接`, the surest that holds ids or addresses is taken.
        let holds = |at: &&usize| {
            let is_one = |row: &Row| row.cells.get(**at).is_some_and(|cell| ids::is_named(cell, named));
            named != Named::Keywords && rows[above + 1..].iter().any(is_one)
        };
        let longer = || headers::longer_named(&cells(row)).filter(|_| named == Named::Keywords);
        let at = known.iter().find(holds).or(known.first()).copied().or_else(longer)?;
        Some((above, at))
    })
}

/// Finds the one column that holds addresses of what is wanted, if none has a known name. Ids alone do not say of what.
fn column_of_addresses(rows: &[Row], width: usize, named: Named) -> Option<usize> {
    let is_address = |cell: &String| cell.contains('/') && ids::is_named(cell, named);
    let mut columns = (0..width).filter(|at| rows.iter().any(|row| row.cells.get(*at).is_some_and(is_address)));
    columns.next().filter(|_| columns.next().is_none())
}

/// Refuses a table of ids that are those of something else.
fn refuse_others(first: &Row, named: Named) -> Result<(), Misread> {
    let misread = |message: String| Err(Misread { span: first.span.clone(), message, hint: headers::advice(named) });
    if let (Named::Users, Some(cell)) = (named, first.cells.iter().find(|cell| headers::is_red_id(cell))) {
        let name = shown(cell.trim(), 20);
        return misread(format!(
            "the column `{name}` holds red_ids (小红书号), which the app shows and providers do not take; no column is \
             called as one of user ids or addresses of profiles"
        ));
    }
    let other = if named == Named::Users { Named::Notes } else { Named::Users };
    let name = first.cells.first().map(String::as_str).unwrap_or_default();
    if headers::column(&[name], other).is_some() {
        let name = shown(name.trim(), 20);
        return misread(format!("the column is called `{name}`, and not as one of {}s", named.unit()));
    }
    Ok(())
}

/// Refuses a table of keywords whose first row does not say which column they are in.
fn refuse_unknown(rows: &[Row], width: usize) -> Result<(), Misread> {
    let Some(first) = rows.first() else { return Ok(()) };
    let misread =
        |message: String| Err(Misread { span: first.span.clone(), message, hint: headers::advice(Named::Keywords) });
    let names = || {
        let filled = first.cells.iter().take(width);
        filled.map(|cell| shown(cell.trim(), 20)).collect::<Vec<_>>().join("`, `")
    };
    if let Some(wide) = first.cells.iter().find(|cell| width == 1 && cell.contains(['，', '；']) && rows.len() > 1) {
        return misread(format!("`{}` holds `，` or `；`, which do not separate columns", shown(wide, 40)));
    }
    if width > 1 {
        if rows.iter().all(|row| row.cells.first().is_some_and(|cell| is_number(cell))) {
            return misread("the first column holds only numbers, and no other is named as the keywords'".to_owned());
        }
        return misread(format!("the table has {width} columns, and none is named as the keywords': `{}`", names()));
    }
    if rows.len() > 1 && (headers::is_other(&first.cells[0]) || headers::is_excluded(&first.cells[0])) {
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

/// Finds what separates the cells: what stands most often in the first row that has any, outside quotes. Excel may say
/// it itself.
fn sniffed(text: &str) -> Option<u8> {
    let body = text.trim_start_matches('\u{feff}');
    if let Some((delimiter, _)) = said(body) {
        return Some(delimiter);
    }
    // Titles stand in a few rows at most.
    let lines = body.split(['\n', '\r']).filter(|line| !line.trim().is_empty() && !is_comment(line.trim())).take(5);
    lines.into_iter().find_map(|line| {
        let outside: String = line.split('"').step_by(2).collect();
        let count = |delimiter: &u8| outside.matches(char::from(*delimiter)).count();
        // Of as many, the later one wins.
        b"|;\t,".iter().copied().max_by_key(count).filter(|delimiter| count(delimiter) > 0)
    })
}

/// Finds a quote at the beginning of a cell that is never closed.
fn unclosed(text: &str, delimiter: u8) -> Option<usize> {
    let (mut opened, mut is_start) = (None, true);
    let mut bytes = text.bytes().enumerate().skip(text.len() - text.trim_start_matches('\u{feff}').len()).peekable();
    while let Some((at, byte)) = bytes.next() {
        match (byte, opened) {
            // Written twice, it is a quote within the cell.
            (b'"', Some(_)) if bytes.next_if(|(_, next)| *next == b'"').is_some() => {}
            (b'"', Some(_)) => opened = None,
            (b'"', None) if is_start => opened = Some(at),
            _ => {}
        }
        is_start = opened.is_none() && (byte == delimiter || matches!(byte, b'\n' | b'\r'));
    }
    opened
}

/// Reads the line `sep=;` with which Excel may begin a file, and how long it is.
fn said(body: &str) -> Option<(u8, usize)> {
    let line = body.lines().next()?;
    let delimiter = line.strip_prefix("sep=").or_else(|| line.strip_prefix("\"sep="))?.bytes().next()?;
    delimiter.is_ascii_punctuation().then_some((delimiter, line.len()))
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
        let mut filled = record.iter().map(str::trim).filter(|cell| !cell.is_empty());
        let Some(first) = filled.next() else { continue };
        let is_alone = filled.next().is_none();
        // A `#` beside other cells is the name of a column of numbers.
        let is_remark = is_comment(first) && (first != "#" || is_alone);
        let is_rule = record.iter().all(|cell| cell.trim().chars().all(|c| matches!(c, '-' | ':')));
        if is_remark || (delimiter == b'|' && is_rule) {
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
            "2026年11月关键词,,\n关键词,量,x\n防晒霜,1,2\n露营,,\n",
            "关键词,,\n词,关键词,x\n1,防晒霜,\n2,露营,\n",
            "十一月\n更新;\n序号;关键词\n1;防晒霜\n2;露营\n",
            "#,关键词\n1,防晒霜\n2,露营\n",
            "否定关键词,投放关键词\n不要,防晒霜\n,露营\n",
            "keyword|x\n防晒霜|1\n露营|2\n",
            "| 关键词 | 热度 |\n|---|:--|\n| 防晒霜 | 1 |\n| 露营 | 2 |\n",
            "话题\n防晒霜\n露营\n",
            "关键词,备注\n防晒霜,\"一\n二\"\n露营,\n",
            "keyword,x\n-,1\n#N/A,2\n防晒霜,3\n露营,4\n——,5\n",
            "关键词,x\n1. 防晒霜,1\n- “露营”,2\n",
            "防晒霜,,\n露营,,\n",
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
            ("防晒霜,100\n露营,200\n", "the table has 2 columns"),
            ("品类,2025\n防晒霜,100\n", "the table has 2 columns"),
            ("名称,备注,2025\n防晒霜,,100\n", "the table has 3 columns"),
            ("2026年11月关键词,,\n品类,量,x\n防晒霜,1,2\n", "the table has 3 columns"),
            ("否定关键词,量\n不要,1\n", "the table has 2 columns"),
            ("Negative keyword\n不要\n", "the column is called `Negative keyword`"),
            ("核心关键词,长尾关键词\na,b\n", "the table has 2 columns"),
            ("关键词分类,热度\n美妆,高\n", "the table has 2 columns"),
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
