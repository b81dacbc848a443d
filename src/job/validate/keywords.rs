//! Keywords as people write them: trimmed, without what nobody sees, and known again in other widths.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use super::ids::{Refused, is_id};
use crate::model::shown;

/// Takes a keyword: trimmed, without invisible characters and without the marks of a hashtag.
pub(in crate::job) fn keyword(text: &str) -> Result<String, Refused> {
    let text = untagged(&visible(text));
    if text.is_empty() {
        Err((
            "a keyword is empty".to_owned(),
            Some("write the words that are searched, or take the entry out".to_owned()),
        ))
    } else if text.chars().count() > 200 {
        Err((format!("the keyword `{}` is longer than 200 characters", shown(&text, 20)), None))
    } else if text.contains(is_line_break) {
        let message = format!("the keyword `{}` holds a line break", shown(&text, 40));
        Err((message, Some("write each keyword as an entry of its own".to_owned())))
    } else if text.contains(char::is_control) {
        Err((format!("the keyword `{}` holds a control character", shown(&text, 40)), None))
    } else if text.contains(char::REPLACEMENT_CHARACTER) {
        let message = format!("the keyword `{}` has lost characters", shown(&text, 40));
        Err((message, Some("save the list again from where it comes from, as UTF-8".to_owned())))
    } else if is_address(&text) {
        let message = format!("`{}` is an address, and not a keyword", shown(&text, 60));
        Err((message, Some("write the words that are searched; addresses belong under `notes` or `users`".to_owned())))
    } else if percent_decode_str(&text).decode_utf8().is_ok_and(|plain| !plain.is_ascii() && plain != text.as_str()) {
        let message = format!("the keyword `{}` is coded with `%`, as in an address", shown(&text, 60));
        Err((message, Some("write the words that are searched".to_owned())))
    } else if is_id(&text) {
        let message = format!("`{text}` is the id of a note or user, and not a keyword");
        Err((message, Some("put it under `notes` or `users`".to_owned())))
    } else {
        Ok(text)
    }
}

/// Returns true for what ends a line in any program.
pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let hosts = ["www.", "xiaohongshu.com/", "rednote.com/", "xhslink.com/", "xhslink.cn/"];
    lower.contains("://") || hosts.iter().any(|host| lower.starts_with(host))
}

/// Returns what a keyword is known by: full-width and half-width twins, and runs of spaces, are one.
pub(in crate::job) fn folded(keyword: &str) -> String {
    let text: String = keyword.nfkc().filter(|c| !is_invisible(*c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes away what nobody sees, and spaces at the ends. What an emoji is made of stays.
pub(in crate::job) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let joins = c == '\u{200d}' && out.ends_with(is_emoji) && chars.peek().is_some_and(|next| is_emoji(*next));
        let varies = c == '\u{fe0f}' && out.ends_with(is_emoji);
        if joins || varies || !is_invisible(c) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Takes the marks of a hashtag away: `#防晒霜` and `#防晒霜[话题]#` are the keyword 防晒霜.
fn untagged(text: &str) -> String {
    let Some(tag) = text.strip_prefix(['#', '＃']) else { return text.to_owned() };
    let tag = tag.trim_matches(['#', '＃']).trim();
    tag.strip_suffix("[话题]").unwrap_or(tag).trim().to_owned()
}

fn is_invisible(c: char) -> bool {
    // Annotations, the place of an object and the empty braille cell are not ignorable, and nobody sees them.
    matches!(c, '\u{fff9}'..='\u{fffc}' | '\u{2800}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
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
            ("防晒霜\u{fe0f}", "防晒霜"),
            ("防\u{34f}晒霜\u{3164}", "防晒霜"),
            ("\u{fff9}防晒霜\u{fffb}\u{e0001}", "防晒霜"),
            ("防晒霜\u{115f}\u{ffa0}\u{2800}\u{e0100}", "防晒霜"),
            ("☀\u{fe0f} 防晒", "☀\u{fe0f} 防晒"),
            ("##防晒霜", "防晒霜"),
            ("#\u{3000}防晒霜", "防晒霜"),
            ("\u{feff}防\u{200d}晒\u{2060}霜\u{3000}", "防晒霜"),
            ("#防晒霜", "防晒霜"),
            ("＃防晒霜", "防晒霜"),
            ("#防晒霜[话题]#", "防晒霜"),
            ("C#", "C#"),
            ("100%防晒", "100%防晒"),
            ("👨\u{200d}👩\u{200d}👧 露营", "👨\u{200d}👩\u{200d}👧 露营"),
        ] {
            assert_eq!(keyword(text).as_deref(), Ok(searched), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_keyword_says_so() {
        for (text, why, advice) in [
            ("", "is empty", "take the entry out"),
            ("防晒霜\n露营", "holds a line break", "an entry of its own"),
            ("防晒霜\u{2028}露营", "holds a line break", "an entry of its own"),
            ("防\u{fffd}霜", "has lost characters", "as UTF-8"),
            ("https://www.xiaohongshu.com/search_result?keyword=x", "is an address", "the words that are searched"),
            ("%E9%98%B2%E6%99%92", "is coded with `%`", "the words that are searched"),
            ("www.xiaohongshu.com/explore/698ab064000000001503876d", "is an address", "under `notes`"),
            ("698ab064000000001503876d", "is the id of a note or user", "under `notes` or `users`"),
        ] {
            let (message, hint) = keyword(text).unwrap_err();
            assert!(message.contains(why) && hint.unwrap_or_default().contains(advice), "{text:?}: {message}");
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
