//! Bodies in other character sets, made UTF-8: GBK, GB18030, Big5, UTF-16, Latin-1 and what else the web knows.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// Returns a body as UTF-8. What is UTF-8 stays as it is, and so does what names no character set.
///
/// * UTF-16 is known by its header or by its mark.
/// * Another character set that the header names is decoded, unless the bytes are UTF-8 all the same: servers put a
///   default there that says nothing of the body.
/// * A body that is called UTF-8 and is hardly any is read as GB18030, if that reads all of it.
pub(super) fn to_utf8(body: Vec<u8>, content_type: &str) -> Vec<u8> {
    let named = charset(content_type).and_then(|label| Encoding::for_label(label.as_bytes()));
    let is_utf16 = |encoding: &&'static Encoding| *encoding == UTF_16LE || *encoding == UTF_16BE;
    let marked = Encoding::for_bom(&body).map(|(encoding, _)| encoding);
    if let Some(encoding) = marked.or(named).filter(is_utf16) {
        // ASCII as UTF-16 is half zeros, and JSON holds none.
        return if marked.is_some() || body.contains(&0) { decoded(encoding, &body) } else { body };
    }
    let Err(error) = std::str::from_utf8(&body) else { return body };
    match named {
        Some(encoding) if encoding == UTF_8 => {
            if is_mostly_other(&body, error.valid_up_to()) {
                read_all(GB18030, &body).unwrap_or(body)
            } else {
                body
            }
        }
        Some(encoding) => decoded(encoding, &body),
        None => body,
    }
}

/// Reads the character set of a content type: `application/json; charset="GBK"`.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).trim())
    })
}

fn decoded(encoding: &'static Encoding, body: &[u8]) -> Vec<u8> {
    encoding.decode_with_bom_removal(body).0.into_owned().into_bytes()
}

/// Decodes a body if all of it can be.
fn read_all(encoding: &'static Encoding, body: &[u8]) -> Option<Vec<u8>> {
    Some(encoding.decode_without_bom_handling_and_without_replacement(body)?.into_owned().into_bytes())
}

/// Returns true if most of the bytes that are not ASCII are not UTF-8 either: one odd byte in a page is not enough.
fn is_mostly_other(body: &[u8], from: usize) -> bool {
    let not_ascii = |bytes: &[u8]| bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let (before, rest) = body.split_at_checked(from).unwrap_or((body, &[]));
    let (mut good, mut bad) = (not_ascii(before), 0);
    for chunk in rest.utf8_chunks() {
        good += not_ascii(chunk.valid().as_bytes());
        bad += chunk.invalid().len();
    }
    bad > good
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GBK, WINDOWS_1252};

    use super::*;

    const TEXT: &str = "{\"code\":0,\"title\":\"防晒霜测评，夏天必备\"}";

    fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn a_body_becomes_utf_8_by_what_its_header_says() {
        let gbk = GBK.encode(TEXT).0.into_owned();
        let cases: [(&str, Vec<u8>, &str); 16] = [
            ("application/json; charset=gbk", gbk.clone(), TEXT),
            ("application/json;charset=\"GB2312\"", gbk.clone(), TEXT),
            (
                "text/html; boundary=x; Charset = gb18030",
                GB18030.encode("{\"a\":\"😀防\"}").0.into_owned(),
                "{\"a\":\"😀防\"}",
            ),
            ("application/json; charset=big5", BIG5.encode("{\"a\":\"測試\"}").0.into_owned(), "{\"a\":\"測試\"}"),
            (
                "application/json; charset=iso-8859-1",
                WINDOWS_1252.encode("{\"a\":\"é\"}").0.into_owned(),
                "{\"a\":\"é\"}",
            ),
            ("application/json; charset=utf-16le", utf16(TEXT, true, false), TEXT),
            ("application/json; charset=utf-16be", utf16(TEXT, false, false), TEXT),
            ("application/json; charset=utf-16", utf16(TEXT, false, true), TEXT),
            ("application/json", utf16(TEXT, true, true), TEXT),
            // What is UTF-8 stays, whatever the header says.
            ("application/json; charset=gbk", TEXT.into(), TEXT),
            ("application/json; charset=iso-8859-1", TEXT.into(), TEXT),
            ("application/json; charset=utf-16", TEXT.into(), TEXT),
            ("application/json; charset=utf-8", TEXT.into(), TEXT),
            ("application/json; charset=nonsense", TEXT.into(), TEXT),
            ("", TEXT.into(), TEXT),
            // GBK that is called UTF-8.
            ("application/json; charset=utf-8", gbk.clone(), TEXT),
        ];
        for (content_type, body, expected) in cases {
            assert_eq!(String::from_utf8(to_utf8(body, content_type)).as_deref(), Ok(expected), "{content_type}");
        }
    }

    #[test]
    fn what_nobody_names_and_a_page_with_one_odd_byte_stay_as_they_are() {
        let gbk = GBK.encode(TEXT).0.into_owned();
        for content_type in ["application/json", "", "application/json; charset=nonsense", "charset"] {
            assert_eq!(to_utf8(gbk.clone(), content_type), gbk, "{content_type}");
        }
        let mut odd = TEXT.as_bytes().to_vec();
        let at = odd.len() - 3;
        odd[at] = 0xff;
        assert_eq!(to_utf8(odd.clone(), "application/json; charset=utf-8"), odd);
    }
}
