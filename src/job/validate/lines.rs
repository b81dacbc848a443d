//! A list as plain text: one entry a line.

use std::ops::Range;

use super::headers;
use super::ids;
use super::lists::{Found, Misread, Named};
use crate::model::shown;

/// Separate keywords that stand on one line.
const BETWEEN: [char; 6] = [',', '，', '、', ';', '；', '\t'];

/// Reads the entries of a text: empty lines and comments are none, and a line may hold several.
pub(super) fn lines(text: &str, named: Named) -> Result<Found, Misread> {
    let mut found = Found::default();
    let (mut start, mut split, mut tags) = (0, None, None);
    // Old programs on a Mac end lines with a carriage return alone.
    let ending = if text.contains('\n') { '\n' } else { '\r' };
    for (number, line) in (1..).zip(text.split_inclusive(ending)) {
        let at = start;
        start += line.len();
        let entry = uncommented(line.trim_start_matches('\u{feff}').trim(), named);
        let at = at + line.find(entry).unwrap_or_default();
        let is_first = found.entries.is_empty() && found.read_as.is_empty();
        if entry.is_empty() {
            continue;
        }
        if is_first && headers::column(&[entry], named).is_some() {
            found.read_as.push(format!("without its first line, `{}`", shown(entry, 20)));
            continue;
        }
        let parts = parts(entry, named);
        if named == Named::Keywords {
            let is_tag = entry.starts_with(['#', '＃']);
            if is_tag {
                tags.get_or_insert(number);
            } else if parts.len() > 1 {
                split.get_or_insert(number);
                if let Some(part) = parts.iter().find(|part| headers::is_number(&entry[(*part).clone()])) {
                    let span = at + part.start..at + part.end;
                    let message = format!("`{}` in a line of keywords is a number", shown(&entry[part.clone()], 20));
                    let hint = "if this is a table, save it as .csv, and name the column in its first row: `keyword`";
                    return Err(Misread { span, message, hint: hint.to_owned() });
                }
            }
        }
        found.entries.extend(parts.into_iter().map(|part| {
            let text = entry[part.clone()].to_owned();
            (at + part.start..at + part.end, text)
        }));
    }
    if let Some(line) = split {
        found.warnings.push(format!(
            "line {line} holds several keywords with `,`, `、`, `;` or a tab between them: each is searched by itself"
        ));
    }
    if let Some(line) = tags {
        found
            .warnings
            .push(format!("line {line} is a hashtag: it is searched without `#` (a comment begins with `# `)"));
    }
    Ok(found)
}

/// Takes a comment away: `# ` at the beginning of a line or behind a space. In lists of ids, any `#` begins one.
fn uncommented(line: &str, named: Named) -> &str {
    let rest = line.trim_start_matches(['#', '＃']);
    let marks = line.len() - rest.len();
    let is_comment = marks > 0
        && (named != Named::Keywords
            || rest.is_empty()
            || rest.starts_with(char::is_whitespace)
            || line.starts_with("##"));
    if is_comment {
        return "";
    }
    let mut behind = line.match_indices("# ").map(|(at, _)| at);
    let comment = behind.find(|at| line[..*at].ends_with(char::is_whitespace));
    comment.map_or(line, |at| line[..at].trim_end())
}

/// Returns where the entries of a line stand in it.
fn parts(line: &str, named: Named) -> Vec<Range<usize>> {
    let is_tag = line.starts_with(['#', '＃']);
    let separates = |c: char| match named {
        Named::Keywords => BETWEEN.contains(&c) || (is_tag && matches!(c, '#' | '＃')),
        Named::Users | Named::Notes => BETWEEN.contains(&c) || c.is_whitespace(),
    };
    let mut found = Vec::new();
    let mut start = 0;
    for part in line.split_inclusive(separates) {
        let text = part.trim_end_matches(separates).trim();
        let text = text.strip_suffix("[话题]").filter(|_| is_tag).unwrap_or(text).trim_end();
        let at = start + part.find(text).unwrap_or_default();
        start += part.len();
        if !text.is_empty() {
            found.push(at..at + text.len());
        }
    }
    // A text around an address is one entry; several ids on a line are several.
    let all_are_ids = || found.iter().all(|part| ids::is_id(&line[part.clone()]));
    if found.is_empty() || (named != Named::Keywords && !all_are_ids()) {
        return std::iter::once(0..line.len()).collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, named: Named) -> Vec<String> {
        let found = lines(text, named).unwrap();
        for (span, entry) in &found.entries {
            assert_eq!(&text[span.clone()], entry);
        }
        found.entries.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn lines_skip_blanks_comments_and_a_byte_order_mark() {
        let text = "\u{feff}防晒霜\r\n\r\n# seen last year\n#\n## more\n  露营 \n咖啡  # for the office\n";
        assert_eq!(texts(text, Named::Keywords), ["防晒霜", "露营", "咖啡"]);
        assert_eq!(texts("#u0\n# u1\nu2\n", Named::Users), ["u2"]);
        assert_eq!(texts("防晒霜\r露营\r", Named::Keywords), ["防晒霜", "露营"]);
    }

    #[test]
    fn a_hashtag_is_a_keyword_and_so_is_each_of_a_line() {
        let found = lines("#防晒霜\n＃露营\n#咖啡[话题]# #茶[话题]#\n#a#b\n", Named::Keywords).unwrap();
        let texts: Vec<&str> = found.entries.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["防晒霜", "露营", "咖啡", "茶", "a", "b"]);
        assert!(found.warnings[0].contains("line 1 is a hashtag"), "{:?}", found.warnings);
    }

    #[test]
    fn keywords_on_one_line_are_several_and_that_is_said() {
        let found = lines("咖啡\n防晒霜,露营，帐篷、折叠椅;炉子\t水杯\n", Named::Keywords).unwrap();
        assert_eq!(found.entries.len(), 7);
        assert!(found.warnings[0].starts_with("line 2 holds several keywords"), "{:?}", found.warnings);
        let misread = lines("防晒霜,100\n", Named::Keywords).unwrap_err();
        assert_eq!(misread.message, "`100` in a line of keywords is a number");
    }

    #[test]
    fn a_first_line_that_names_the_column_is_no_keyword() {
        for header in ["关键词", "Keyword", "search term", "词"] {
            assert_eq!(texts(&format!("{header}\n防晒霜\n"), Named::Keywords), ["防晒霜"]);
        }
        assert_eq!(texts("防晒霜\n关键词\n", Named::Keywords), ["防晒霜", "关键词"]);
    }

    #[test]
    fn ids_on_a_line_are_several_and_a_text_around_an_address_is_one() {
        let (one, other) = ("698ab064000000001503876d", "698AB064000000001503876e");
        assert_eq!(texts(&format!("{one}, {other}\n"), Named::Notes), [one, other]);
        let share = format!("77 【标题 - 某人】 😆 https://www.xiaohongshu.com/explore/{one}?a=b， 复制");
        assert_eq!(texts(&share, Named::Notes), [share.as_str()]);
    }
}
