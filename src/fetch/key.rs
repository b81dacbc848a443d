//! Keys: they can be sent, and not shown.

use std::ops::Range;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

use crate::model::hex;

/// Holds a vendor's key. It has no `Display` and no `Serialize`, and its `Debug` is redacted.
///
/// ```compile_fail
/// fn show(key: notemill::fetch::Key) -> String {
///     format!("{key}")
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Key(SecretString);

/// Says why a key cannot be had. It never holds any part of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither variable is set.
    #[error("no key for `{vendor}`: neither `{name}` nor `{name}_FILE` is set in the environment")]
    Missing {
        /// The vendor.
        vendor: String,
        /// The environment variable.
        name: String,
    },
    /// The key is blank, or holds what cannot be sent.
    #[error("the key for `{vendor}` in `{name}` is blank or holds characters that cannot be sent")]
    Unusable {
        /// The vendor.
        vendor: String,
        /// The environment variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the key for `{vendor}` from `{path}`, which `{name}_FILE` names")]
    File {
        /// The vendor.
        vendor: String,
        /// The environment variable.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
}

impl Key {
    /// Takes a text as a key; none if it is blank or cannot be sent.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let sendable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        sendable.then(|| Self(SecretString::from(text.to_owned())))
    }

    /// Reads a vendor's key from `NAME`, or from the file that `NAME_FILE` names; `variable` looks one up.
    pub fn read(vendor: &str, name: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, KeyError> {
        let (vendor, name) = (vendor.to_owned(), name.to_owned());
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let text = match (set(&name), set(&format!("{name}_FILE"))) {
            (Some(text), _) => text,
            (None, Some(path)) => {
                let path = PathBuf::from(path);
                match std::fs::read_to_string(&path) {
                    Ok(text) => text,
                    Err(source) => return Err(KeyError::File { vendor, name, path, source }),
                }
            }
            (None, None) => return Err(KeyError::Missing { vendor, name }),
        };
        Self::new(&text).ok_or(KeyError::Unusable { vendor, name })
    }

    /// Returns the key itself, to be put on the wire and nowhere else.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Takes the key out of some bytes, plain and in its usual encodings, in case a vendor echoes it.
    ///
    /// A key of less than 8 characters is left in: it would be found in words that have nothing to do with it.
    pub fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        let forms = self.forms();
        let longest = forms.iter().map(Vec::len).max().unwrap_or_default();
        let (mut out, mut kept, mut from) = (Vec::new(), 0, 0);
        while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
            let window = Window::read(rest, longest, &forms);
            for place in window.places {
                let (start, end) = (from + place.start, from + place.end);
                if start >= kept {
                    out.extend_from_slice(bytes.get(kept..start).unwrap_or_default());
                    out.extend_from_slice(b"[key]");
                }
                kept = kept.max(end);
            }
            from += window.length;
        }
        if kept == 0 {
            return bytes;
        }
        out.extend_from_slice(bytes.get(kept..).unwrap_or_default());
        out
    }

    fn forms(&self) -> Vec<Vec<u8>> {
        let key = self.expose();
        let hex = hex(key.as_bytes());
        let mut forms: Vec<String> = vec![key.to_owned(), key.chars().rev().collect(), hex.to_uppercase(), hex];
        // Base64 depends on where in its text the key begins; the digits that share bits with its neighbours are left out.
        for before in 0..3 {
            let padded = [vec![0; before], key.as_bytes().to_vec()].concat();
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let digits = engine.encode(&padded);
                let end = digits.len() - usize::from(padded.len() % 3 != 0);
                forms.extend(digits.get([0, 2, 3][before]..end).map(str::to_owned));
            }
        }
        forms.retain(|form| form.len() >= 8);
        forms.sort();
        forms.dedup();
        forms.into_iter().map(String::into_bytes).collect()
    }
}

/// Bytes that are looked at in one go: a body unescaped as a whole would take many times its room.
const WINDOW: usize = 64 << 10;

/// The beginning of some bytes, and the places in it where the key begins.
struct Window {
    places: Vec<Range<usize>>,
    /// Where the next window begins.
    length: usize,
}

impl Window {
    /// Looks at a window and at as much more as one form of the key takes: what begins in it is found whole.
    fn read(bytes: &[u8], longest: usize, forms: &[Vec<u8>]) -> Self {
        let raw = bytes.get(..WINDOW + longest).unwrap_or(bytes);
        let (mut places, length);
        if memchr::memchr3(b'\\', b'%', b'&', raw).is_none() {
            places = self::places(raw, forms);
            length = if raw.len() < bytes.len() { WINDOW } else { raw.len() };
        } else {
            let Unescaped { plain, starts, end } = unescape(bytes, WINDOW + longest);
            let start = |at: usize| starts.get(at).copied().unwrap_or(end);
            places = self::places(bytes.get(..end).unwrap_or(bytes), forms);
            places.extend(self::places(&plain, forms).into_iter().map(|place| start(place.start)..start(place.end)));
            length = if end < bytes.len() { start(WINDOW) } else { end };
        }
        places.retain(|place| place.start < length);
        places.sort_by_key(|place| (place.start, place.end));
        Self { places, length }
    }
}

/// Finds every occurrence of any form.
fn places(bytes: &[u8], forms: &[Vec<u8>]) -> Vec<Range<usize>> {
    let of = |form: &Vec<u8>| memmem::find_iter(bytes, form).map(|at| at..at + form.len()).collect::<Vec<_>>();
    forms.iter().flat_map(of).collect()
}

/// Bytes with their escapes resolved, where each byte of the result began, and where they end.
struct Unescaped {
    plain: Vec<u8>,
    starts: Vec<usize>,
    end: usize,
}

/// Resolves JSON's, URLs' and HTML's escapes of ASCII characters, up to so many bytes of the result.
fn unescape(bytes: &[u8], most: usize) -> Unescaped {
    let (mut plain, mut starts, mut end) = (Vec::with_capacity(most), Vec::with_capacity(most), 0);
    while let Some(rest) = bytes.get(end..).filter(|rest| !rest.is_empty() && plain.len() < most) {
        let (byte, length) = escape(rest).unwrap_or((rest.first().copied().unwrap_or_default(), 1));
        plain.push(byte);
        starts.push(end);
        end += length;
    }
    Unescaped { plain, starts, end }
}

/// Reads one escape of an ASCII character: the character, and how many bytes the escape takes.
fn escape(bytes: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, to: usize, radix| {
        let digits = std::str::from_utf8(bytes.get(from..to)?).ok()?;
        u8::from_str_radix(digits, radix).ok().filter(u8::is_ascii)
    };
    match bytes {
        [b'\\', b'u', ..] => Some((number(2, 6, 16)?, 6)),
        [b'\\', next @ (b'/' | b'"' | b'\\'), ..] => Some((*next, 2)),
        [b'%', ..] => Some((number(1, 3, 16)?, 3)),
        [b'&', b'#', ..] => {
            let end = bytes.iter().take(9).position(|byte| *byte == b';')?;
            let is_hex = matches!(bytes.get(2), Some(b'x' | b'X'));
            Some((if is_hex { number(3, end, 16)? } else { number(2, end, 10)? }, end + 1))
        }
        [b'&', rest @ ..] => {
            let names: [(&[u8], u8); 5] =
                [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
            let (name, byte) = names.into_iter().find(|(name, _)| rest.starts_with(name))?;
            Some((byte, name.len() + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_variable_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from-file\n").unwrap();
        let path = file.path().to_string_lossy().into_owned();
        let read = |pairs: &[(&str, &str)]| {
            Key::read("v", "TOKEN", |name| {
                pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(read(&[("TOKEN", " abc ")]).unwrap().expose(), "abc");
        assert_eq!(read(&[("TOKEN_FILE", &path)]).unwrap().expose(), "from-file");
        assert!(matches!(read(&[("TOKEN", " ")]), Err(KeyError::Missing { .. })));
        assert!(matches!(read(&[("TOKEN", "a\nb")]), Err(KeyError::Unusable { .. })));
        assert!(matches!(read(&[("TOKEN_FILE", "/nowhere/at/all")]), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new("sk_live_canary").unwrap();
        assert!(!format!("{key:?}").contains("canary"));
    }

    #[test]
    fn an_echoed_key_is_taken_out_in_every_form() {
        let text = "sk/live+c\"anary==&'7";
        let key = Key::new(text).unwrap();
        let each = |word: &dyn Fn(u8) -> String| text.bytes().map(word).collect::<Vec<_>>().concat();
        let percent =
            |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") };
        let forms = [
            text.to_owned(),
            text.chars().rev().collect(),
            hex(text.as_bytes()),
            hex(text.as_bytes()).to_uppercase(),
            each(&percent),
            each(&|byte| format!("\\u{byte:04x}")),
            each(&|byte| format!("\\u{byte:04X}")),
            each(&|byte| format!("&#{byte};")),
            each(&|byte| format!("&#x{byte:x};")),
            serde_json::to_string(text).unwrap().trim_matches('"').to_owned(),
            text.replace('&', "&amp;").replace('"', "&quot;"),
        ];
        for form in &forms[..5] {
            assert_eq!(key.scrub(format!("防 {form} 晒").into_bytes()), "防 [key] 晒".as_bytes(), "{form}");
        }
        for form in &forms[5..] {
            let body = format!("{{\"a\":\"x\\n{form}\",\"b\":\"\\u9632{form}\"}}");
            let scrubbed = String::from_utf8(key.scrub(body.into_bytes())).unwrap();
            assert_eq!(scrubbed, "{\"a\":\"x\\n[key]\",\"b\":\"\\u9632[key]\"}", "{form}");
        }
        for before in ["", "t", "token=", "to"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{text}and more"));
            let scrubbed = String::from_utf8(key.scrub(encoded.into_bytes())).unwrap();
            assert!(scrubbed.contains("[key]"), "{before}: {scrubbed}");
        }
        let other = "{\"url\":\"https://a/b?c=%2F&d=1\",\"text\":\"防晒\\u9632\"}".as_bytes().to_vec();
        assert_eq!(key.scrub(other.clone()), other, "what holds no key stays as it came");
    }

    #[test]
    fn an_echoed_key_is_taken_out_wherever_a_large_body_holds_it() {
        let text = "sk/live+canary%41=";
        let key = Key::new(text).unwrap();
        let escaped: String = text.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        for (filler, form) in [("x", text), ("x", &escaped), ("\\u0078", text), ("\\u0078", &escaped)] {
            // Every place around the end of a window, which is also where the next one begins.
            for before in (WINDOW - 150..WINDOW + 10).chain([0, 3 * WINDOW]) {
                let [before, after] = [before, 2 * WINDOW].map(|count| filler.repeat(count));
                let scrubbed = key.scrub(format!("{before}{form}{after}{form}").into_bytes());
                assert!(scrubbed == format!("{before}[key]{after}[key]").into_bytes(), "{filler} {form}");
            }
        }
    }
}
