//! Keys: they can be sent, and not shown.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
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
        let mut bytes = bytes;
        for form in self.forms().iter().filter(|form| form.len() >= 8) {
            bytes = cut_out(&bytes, &bytes, None, form.as_bytes());
            if bytes.contains(&b'\\') {
                // JSON may spell any character as an escape.
                let (plain, places) = unescape(&bytes);
                bytes = cut_out(&bytes, &plain, Some(&places), form.as_bytes());
            }
        }
        bytes
    }

    fn forms(&self) -> Vec<String> {
        let key = self.expose();
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let json = serde_json::to_string(key).unwrap_or_default();
        let hex = hex(key.as_bytes());
        let mut forms = vec![
            key.to_owned(),
            encoded,
            json.trim_matches('"').to_owned(),
            json.trim_matches('"').replace('/', "\\/"),
            STANDARD_NO_PAD.encode(key),
            key.chars().rev().collect(),
            hex.to_uppercase(),
            hex,
        ];
        forms.dedup();
        forms
    }
}

/// Replaces every occurrence of a form in `plain` by `[key]` in `bytes`; `places` says where in `bytes` each byte of
/// `plain` begins, and is not needed where the two are the same.
fn cut_out(bytes: &[u8], plain: &[u8], places: Option<&[usize]>, form: &[u8]) -> Vec<u8> {
    let place = |at: usize| places.map_or(at, |places| places.get(at).copied().unwrap_or(bytes.len()));
    let mut out = Vec::with_capacity(bytes.len());
    let (mut kept, mut from) = (0, 0);
    while let Some(at) = plain.get(from..).and_then(|rest| rest.windows(form.len()).position(|window| window == form)) {
        let start = from + at;
        from = start + form.len();
        out.extend_from_slice(bytes.get(kept..place(start)).unwrap_or_default());
        out.extend_from_slice(b"[key]");
        kept = place(from);
    }
    out.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    out
}

/// Resolves JSON's escapes of ASCII characters; also returns where each byte of the result began, and the end.
fn unescape(bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut plain, mut places, mut at) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1), 0);
    while let Some(&byte) = bytes.get(at) {
        let (resolved, length) = match (byte, bytes.get(at + 1)) {
            (b'\\', Some(b'u')) => {
                let digits = bytes.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
                let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
                code.map_or((byte, 1), |code| (code, 6))
            }
            (b'\\', Some(&next @ (b'/' | b'"' | b'\\'))) => (next, 2),
            _ => (byte, 1),
        };
        plain.push(resolved);
        places.push(at);
        at += length;
    }
    places.push(bytes.len());
    (plain, places)
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
        let key = Key::new("sk/live+c\"anary==").unwrap();
        let forms = key.forms();
        for form in &forms {
            let echoed = format!("before {form} after");
            let scrubbed = String::from_utf8(key.scrub(echoed.into_bytes())).unwrap();
            assert_eq!(scrubbed, "before [key] after", "{form}");
            let escaped: Vec<String> = form.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
            let escaped = escaped.concat();
            let body = format!("{{\"a\":\"x\\n{escaped}\",\"b\":\"\\u9632{escaped}\"}}");
            let scrubbed = String::from_utf8(key.scrub(body.into_bytes())).unwrap();
            assert_eq!(scrubbed, "{\"a\":\"x\\n[key]\",\"b\":\"\\u9632[key]\"}", "{form}");
        }
    }
}
