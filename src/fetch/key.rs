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
        for form in self.forms() {
            if form.len() >= 8 && find(&bytes, form.as_bytes()).is_some() {
                bytes = replace(&bytes, form.as_bytes(), b"[key]");
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

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn replace(bytes: &[u8], needle: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, needle) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(by);
        rest = after.get(needle.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
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
        }
    }
}
