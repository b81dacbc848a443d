//! A list as plain text: one entry a line.

use std::ops::Range;

use super::headers;
use super::ids;
use super::keywords::{is_line_break, visible};
use super::lists::{Found, Misread, Named};
use super::marks::{unnumbered, unquoted};
use crate::model::shown;

/// Separate keywords that stand on one line.
const BETWEEN: [char; 8] = [',', '，', '、', ';', '；', '|', '｜', '\t'];

/// The first lines on which something may have been meant otherwise.
#[derive(Default)]
struct Doubts {
    split: Option<usize>,
    tag: Option<usize>,
    marks: Option<usize>,
}

/// Reads the entries of a text: empty lines and comments are none, and a line may hold several.
pub(super) fn lines(text: &str, named: Named) -> Result<Found, Misread> {
    let mut found = Found::default();
    let mut doubts = Doubts::default();
    let (mut start, mut number, mut after_return) = (0, 0, false);
    for line in text.split_inclusive(is_line_break) {
        let at = start;
        start += line.len();
        number += usize::from(!(after_return && line == "\n"));
        after_return = line.ends_with('\r');
        let entry = uncommented(line.trim_start_matches('\u{feff}').trim(), named);
        let is_first = found.entries.is_empty() && found.read_as.is_empty();
        if visible(entry).is_empty() {
            continue;
        }
        if is_first && headers::column(&[entry], named).is_some() {
            found.read_as.push(format!("without its first line, `{}`", shown(entry, 20)));
            found.is_named = headers::is_sure(entry);
            continue;
        }
        let span = |part: &Range<usize>| {
            let at = at + offset(line, entry);
            at + part.start..at + part.end
        };
        let mut parts = parts(entry, named);
        if named == Named::Keywords {
            if is_first && headers::is_excluded(entry) {
                let message = format!("the list is called `{}`, and not as one of keywords", shown(entry, 20));
                return Err(Misread { span: span(&(0..entry.len())), message, hint: headers::advice(named) });
            }
            let marked = parts.clone();
            for part in &mut parts {
                let inner = unquoted(&entry[part.clone()]);
                *part = offset(entry, inner)..offset(entry, inner) + inner.len();
            }
            if marked != parts || parts.first().is_some_and(|part| unnumbered(entry) != entry && part.start > 0) {
                doubts.marks.get_or_insert(number);
            }
            if entry.starts_with(['#', '＃']) {
                doubts.tag.get_or_insert(number);
            } else if parts.len() > 1 {
                doubts.split.get_or_insert(number);
                if let Some(part) = parts.iter().find(|part| headers::is_number(&entry[(*part).clone()])) {
                    let message = format!("`{}` in a line of keywords is a number", shown(&entry[part.clone()], 20));
                    let hint = "if this is a table, save it as .csv, and name the column in its first row: `keyword`";
                    return Err(Misread { span: span(part), message, hint: hint.to_owned() });
                }
            }
        }
        found.entries.extend(parts.iter().map(|part| (span(part), entry[part.clone()].to_owned())));
    }
    doubts.warn(&mut found.warnings);
    Ok(found)
}

impl Doubts {
    fn warn(&self, warnings: &mut Vec<String>) {
        if let Some(line) = self.split {
            warnings.push(format!(
                "line {line} holds several keywords with `,`, `、`, `;`, `|` or a tab between them: each is searched by \
                 itself"
            ));
        }
        if let Some(line) = self.tag {
            warnings.push(format!("line {line} is a hashtag: it is searched without `#` (a comment begins with `# `)"));
        }
        if let Some(line) = self.marks {
            warnings.push(told_of_marks(line));
        }
    }
}

/// Says that marks around a keyword are left out.
pub(super) fn told_of_marks(line: usize) -> String {
    format!("line {line} has a bullet, a number or quotes around a keyword: it is searched without them")
}

/// Returns where a part of a text stands in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Returns true for a comment: `#` alone, or before a space.
pub(super) fn is_comment(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    rest.len() < line.len() && (rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Takes a comment away: `# ` at the beginning of a line or behind a space. In lists of ids, any `#` begins one.
fn uncommented(line: &str, named: Named) -> &str {
    if is_comment(line) || (named != Named::Keywords && line.starts_with(['#', '＃'])) {
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
    let body = if named == Named::Keywords { unnumbered(line) } else { line };
    let mut start = offset(line, body);
    if named == Named::Keywords && unquoted(body) != body {
        return std::iter::once(start..line.len()).collect();
    }
    let mut found = Vec::new();
    for part in body.split_inclusive(separates) {
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
        for text in ["防晒霜\r露营\r", "防晒霜\u{2028}露营", "防晒霜\u{2029}\u{200b}\n露营\r\n", "防晒霜\r露营\n"]
        {
            assert_eq!(texts(text, Named::Keywords), ["防晒霜", "露营"], "{text:?}");
        }
    }

    #[test]
    fn a_hashtag_is_a_keyword_and_so_is_each_of_a_line() {
        let found =
            lines("#防晒霜\n＃露营\n#咖啡[话题]# #茶[话题]#\n#a#b\n##口红\n#　眼影\n＃ 腮红\n", Named::Keywords)
                .unwrap();
        let texts: Vec<&str> = found.entries.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["防晒霜", "露营", "咖啡", "茶", "a", "b", "口红", "眼影", "腮红"]);
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
    fn bullets_numbers_and_quotes_are_left_out_and_that_is_said() {
        for text in [
            "- 防晒霜\n- 露营\n",
            "1. 防晒霜\n2. 露营\n",
            "1、防晒霜\n2、露营\n",
            "\"防晒霜\"\n\"露营\"\n",
            "\"防晒霜\",\"露营\"\n",
            "防晒霜\n- “露营”\n",
        ] {
            let found = lines(text, Named::Keywords).unwrap();
            assert_eq!(texts(text, Named::Keywords), ["防晒霜", "露营"], "{text}");
            assert!(found.warnings.iter().any(|warning| warning.contains("searched without them")), "{text}");
        }
        assert_eq!(texts("\"防晒,霜\"\n", Named::Keywords), ["防晒,霜"]);
        let misread = lines("否定关键词\n不要\n", Named::Keywords).unwrap_err();
        assert_eq!(misread.message, "the list is called `否定关键词`, and not as one of keywords");
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
