//! Keywords as people write them: trimmed, without what nobody sees, and known again in other widths.

use unicode_normalization::UnicodeNormalization as _;

use super::ids::Refused;
use crate::model::shown;

/// Takes a keyword: trimmed, without invisible characters and without the marks of a hashtag.
pub(in crate::job) fn keyword(text: &str) -> Result<String, Refused> {
    let text = untagged(&visible(text));
    if text.is_empty() {
        Err(("a keyword is empty".to_owned(), None))
    } else if text.chars().count() > 200 {
        Err((format!("the keyword `{}` is longer than 200 characters", shown(&text, 20)), None))
    } else if text.contains(char::is_control) {
        Err((format!("the keyword `{}` holds a control character", shown(&text, 40)), None))
    } else {
        Ok(text)
    }
}

/// Returns what a keyword is known by: full-width and half-width twins, and runs of spaces, are one.
pub(in crate::job) fn folded(keyword: &str) -> String {
    let text: String = keyword.nfkc().filter(|c| !is_invisible(*c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes away what nobody sees, and spaces at the ends. A joiner within an emoji stays.
pub(in crate::job) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let joins = c == '\u{200d}' && out.ends_with(is_emoji) && chars.peek().is_some_and(|next| is_emoji(*next));
        if joins || !is_invisible(c) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Takes the marks of a hashtag away: `#防晒霜` and `#防晒霜[话题]#` are the keyword 防晒霜.
fn untagged(text: &str) -> String {
    let Some(tag) = text.strip_prefix(['#', '＃']) else { return text.to_owned() };
    let tag = tag.trim_end_matches(['#', '＃']).trim();
    tag.strip_suffix("[话题]").unwrap_or(tag).trim().to_owned()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_trimmed_and_bounded() {
        assert_eq!(keyword(" 防晒 霜\t"), Ok("防晒 霜".to_owned()));
        assert_eq!(keyword(&"防".repeat(200)).map(|text| text.len()), Ok(600));
        for text in ["", " \t ", "\u{200b}\u{feff}", "#", "#[话题]#", "a\nb", "a\u{1b}[31m", &"防".repeat(201)] {
            assert!(keyword(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_nobody_sees_and_the_marks_of_a_hashtag_are_not_searched() {
        for (text, searched) in [
            ("防晒霜\u{200b}", "防晒霜"),
            ("\u{feff}防\u{200d}晒\u{2060}霜\u{3000}", "防晒霜"),
            ("#防晒霜", "防晒霜"),
            ("＃防晒霜", "防晒霜"),
            ("#防晒霜[话题]#", "防晒霜"),
            ("C#", "C#"),
            ("👨\u{200d}👩\u{200d}👧 露营", "👨\u{200d}👩\u{200d}👧 露营"),
        ] {
            assert_eq!(keyword(text).as_deref(), Ok(searched), "{text:?}");
        }
    }

    #[test]
    fn twins_are_one_and_others_are_not() {
        for (one, other) in
            [("ＳＰＦ５０", "SPF50"), ("防晒　霜", "防晒 霜"), ("防晒  霜", "防晒 霜"), ("ｶﾒﾗ", "カメラ")]
        {
            assert_eq!(folded(one), folded(other));
        }
        for (one, other) in [("防晒霜", "防晒衣"), ("防晒霜", "防 晒霜"), ("spf", "SPF")] {
            assert_ne!(folded(one), folded(other));
        }
    }
}
