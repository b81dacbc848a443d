//! Bytes of a file that a person saved, in whatever encoding their program writes, to text.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// A file's text, and the encoding that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// Says why bytes are not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotText {
    #[error("is an Excel workbook or another packed file, not text")]
    Packed,
    #[error("is {0}, not plain text")]
    Document(&'static str),
    #[error("is not text: line {line} holds control characters")]
    Control { line: usize },
    #[error("is in an unknown encoding: line {line} is not UTF-8")]
    Encoding { line: usize },
}

impl NotText {
    /// Says what to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Packed => "in Excel or WPS, save the sheet as `CSV UTF-8` (.csv), and name that file",
            Self::Document(_) => {
                "save it as plain text (.txt, UTF-8), or a table as `CSV UTF-8` (.csv), and name that file"
            }
            Self::Control { .. } | Self::Encoding { .. } => {
                "save it as UTF-8: in Excel or WPS as `CSV UTF-8`, in an editor with the encoding `UTF-8`"
            }
        }
    }
}

/// Reads bytes as text: by their mark, else as UTF-8, UTF-16 or GB18030, whichever they plainly are.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, NotText> {
    const PACKED: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
    if PACKED.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(NotText::Packed);
    }
    if let Some(kind) = document(&String::from_utf8_lossy(&bytes[..bytes.len().min(64)])) {
        return Err(NotText::Document(kind));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = strictly(encoding, &bytes[mark..]).ok_or(NotText::Encoding { line: bad_line(bytes) })?;
        return checked(text, encoding);
    }
    // A text in UTF-8 or GB18030 has no zero bytes; one in UTF-16 has them, at its line breaks at least.
    if bytes.contains(&0) {
        let utf16 = [UTF_16LE, UTF_16BE].into_iter().filter(|_| bytes.len().is_multiple_of(2));
        let read = utf16.filter_map(|encoding| checked(strictly(encoding, bytes)?, encoding).ok());
        let plain = read.filter(|decoded| is_mostly_common(&decoded.text));
        return plain.max_by_key(|decoded| common(&decoded.text)).ok_or(NotText::Control { line: line_of_zero(bytes) });
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let chinese = strictly(GB18030, bytes).filter(|_| is_disguised(text) && is_gb2312(bytes));
        return chinese.map_or_else(|| checked(text.to_owned(), UTF_8), |chinese| checked(chinese, GB18030));
    }
    let chinese = strictly(GB18030, bytes).filter(|_| is_gb2312(bytes));
    checked(chinese.ok_or(NotText::Encoding { line: bad_line(bytes) })?, GB18030)
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// Names the kind of document that begins so; none for plain text.
fn document(text: &str) -> Option<&'static str> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is_markup = || {
        let mut chars = start.strip_prefix('<')?.chars();
        chars.next().filter(|c| c.is_ascii_alphabetic() || matches!(c, '!' | '?'))
    };
    [("{\\rtf", "a document in RTF"), ("%PDF-", "a PDF"), ("MIME-Version:", "a web page that a browser saved")]
        .into_iter()
        .find_map(|(magic, kind)| start.starts_with(magic).then_some(kind))
        .or_else(|| is_markup().map(|_| "HTML or XML"))
}

fn checked(text: String, encoding: &'static Encoding) -> Result<Decoded, NotText> {
    let is_binary =
        |c: char| c.is_control() && c.is_ascii() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b' | '\x07');
    if let Some(kind) = document(&text) {
        return Err(NotText::Document(kind));
    }
    match text.find(is_binary) {
        Some(at) => Err(NotText::Control { line: text[..at].matches('\n').count() + 1 }),
        None => Ok(Decoded { text, encoding: encoding.name() }),
    }
}

/// Counts the characters that lists in Chinese or English are made of.
fn common(text: &str) -> usize {
    let is_common = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    text.chars().filter(is_common).count()
}

fn is_mostly_common(text: &str) -> bool {
    common(text) * 10 >= text.chars().count() * 9
}

/// Returns true if a text is UTF-8 by chance: 露营 in GBK has the bytes of `¶Ӫ`. Only letters of two bytes can be so, and
/// no word of theirs has letters of two scripts, or none that its script is mostly written with.
fn is_disguised(text: &str) -> bool {
    let is_short = text.chars().all(|c| c.len_utf8() <= 2);
    is_short
        && text.split(|c: char| c.is_ascii()).filter(|word| word.chars().count() > 1).any(|word| {
            let letters: Vec<(char, bool)> = word.chars().filter_map(script).collect();
            let only_rare = letters.iter().all(|(_, is_rare)| *is_rare);
            let mut scripts: Vec<char> = letters.into_iter().map(|(script, _)| script).collect();
            scripts.sort_unstable();
            scripts.dedup();
            let has_symbol =
                word.contains(['¢', '£', '¤', '¥', '¦', '§', '¨', '¬', '¯', '±', '²', '³', '´', 'µ', '¶', '¸', '¹']);
            scripts.len() > 1 || only_rare || (has_symbol && scripts != ['l'])
        })
}

/// Names the script of a letter of two bytes, and says whether it is a rare one of it; none for punctuation.
fn script(c: char) -> Option<(char, bool)> {
    Some(match c {
        '\u{80}'..='\u{bf}' | '×' | '÷' => return None,
        '\u{c0}'..='\u{24f}' => ('l', false),
        '\u{250}'..='\u{36f}' => ('l', true),
        '\u{370}'..='\u{3cf}' => ('g', false),
        '\u{3d0}'..='\u{3ff}' => ('g', true),
        '\u{400}'..='\u{45f}' => ('c', false),
        '\u{460}'..='\u{52f}' => ('c', true),
        '\u{530}'..='\u{58f}' => ('a', false),
        '\u{590}'..='\u{5ff}' => ('h', false),
        '\u{600}'..='\u{6ff}' => ('r', false),
        _ => ('o', true),
    })
}

/// Returns true if most double bytes are characters of GB2312, as those of Chinese text are; those of Latin, Japanese
/// or Big5 text are not.
fn is_gb2312(bytes: &[u8]) -> bool {
    let (mut pairs, mut common, mut at) = (0, 0, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            // Emoji and rare characters: four bytes that no other encoding has.
            (0x81..=0xfe, Some(0x30..=0x39)) => at += 4,
            (0x81..=0xfe, Some(trail)) => {
                pairs += 1;
                common += usize::from(matches!(bytes[at], 0xa1..=0xa3 | 0xb0..=0xf7) && *trail >= 0xa1);
                at += 2;
            }
            _ => at += 1,
        }
    }
    pairs > 0 && common * 5 >= pairs * 3
}

/// Returns the line of the first byte that is not UTF-8.
fn bad_line(bytes: &[u8]) -> usize {
    let good = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    String::from_utf8_lossy(&bytes[..good]).matches('\n').count() + 1
}

fn line_of_zero(bytes: &[u8]) -> usize {
    let before = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(before).matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn texts_are_read_as_their_programs_save_them() {
        let text = "关键词,热度\r\n防晒霜,100\r\n露营 SPF50,20\r\n";
        let gbk = GB18030.encode(text).0.into_owned();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "UTF-8"),
            (gbk, "gb18030"),
            ([vec![0xff, 0xfe], utf16(text, u16::to_le_bytes)].concat(), "UTF-16LE"),
            ([vec![0xfe, 0xff], utf16(text, u16::to_be_bytes)].concat(), "UTF-16BE"),
            (utf16(text, u16::to_le_bytes), "UTF-16LE"),
            (utf16(text, u16::to_be_bytes), "UTF-16BE"),
        ] {
            assert_eq!(decode(&bytes), Ok(Decoded { text: text.to_owned(), encoding }));
        }
        for text in [
            "防晒霜",
            "防晒霜\r\n露营\r\n",
            "Lancôme 小黑瓶",
            "軍訓防晒霜",
            "（儿童）防晒",
            "露营🏕️\n防晒\n",
            "露营",
            "学习",
        ] {
            let bytes = GB18030.encode(text).0.into_owned();
            assert_eq!(decode(&bytes).map(|decoded| decoded.text).as_deref(), Ok(text));
        }
        for text in [
            "Lancôme",
            "crème brûlée\nnaïve",
            "«крем»",
            "крем для лица",
            "Ελληνικά ΐ",
            "קרם",
            "¿Ñoño?",
            "5 € 防晒",
            "ÄÖÜ",
        ] {
            assert_eq!(decode(text.as_bytes()), Ok(Decoded { text: text.to_owned(), encoding: "UTF-8" }));
        }
        assert_eq!(decode(b"").map(|decoded| decoded.text).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_not_text_says_what_it_is() {
        for (bytes, why) in [
            (&b"PK\x03\x04\x14\0\0\0\x08\0"[..], NotText::Packed),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", NotText::Packed),
            (b"{\\rtf1\\ansi\\ansicpg936 x}", NotText::Document("a document in RTF")),
            (b"%PDF-1.4\n%\xe2\xe3", NotText::Document("a PDF")),
            (b"\xef\xbb\xbf\r\n<HTML><body>", NotText::Document("HTML or XML")),
            (b"<!DOCTYPE html>", NotText::Document("HTML or XML")),
            (b"\xff\xfe<\0t\0a\0b\0l\0e\0>\0", NotText::Document("HTML or XML")),
            (b"<?xml version=\"1.0\"?>", NotText::Document("HTML or XML")),
            (b"u1\nu\xe92\n", NotText::Encoding { line: 2 }),
            (b"sunscreen\nK\xe4se\nM\xfcnchen\n", NotText::Encoding { line: 2 }),
            // 日焼け止め in Shift-JIS, 防曬乳 in Big5.
            (b"\x93\xfa\x8f\xc4\x82\xaf\x8e\x7e\x82\xdf\n", NotText::Encoding { line: 1 }),
            (b"\xa8\xbe\xc5\xce\xa8\xc5\n", NotText::Encoding { line: 1 }),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0", NotText::Control { line: 3 }),
            (b"a\n\x01\x02\n", NotText::Control { line: 2 }),
        ] {
            assert_eq!(decode(bytes), Err(why), "{bytes:?}");
        }
    }
}
