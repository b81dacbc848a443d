//! Keys: they can be sent, and not shown.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::scrub::{SHORTEST, scrubbed};
use crate::model::hex;

/// A shorter key can be guessed by whoever has a hash.
const SHORTEST_FOR_A_HASH: usize = 16;
/// More of a file is not read: no key is so long.
const MOST_OF_A_KEY: u64 = 64 << 10;

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
    /// The file holds something else.
    #[error("`{path}`, which `{name}_FILE` names, holds no key for `{vendor}`: one line of visible ASCII is one")]
    UnusableFile {
        /// The vendor.
        vendor: String,
        /// The environment variable.
        name: String,
        /// The file.
        path: PathBuf,
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

/// Reads a file that holds a key, and no more of it than a key takes.
fn read_key_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_OF_A_KEY).read_to_string(&mut text)?;
    Ok(text)
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
                return match read_key_file(&path).map(|text| Self::new(&text)) {
                    Ok(Some(key)) => Ok(key),
                    Ok(None) => Err(KeyError::UnusableFile { vendor, name, path }),
                    Err(source) => Err(KeyError::File { vendor, name, path, source }),
                };
            }
            (None, None) => return Err(KeyError::Missing { vendor, name }),
        };
        Self::new(&text).ok_or(KeyError::Unusable { vendor, name })
    }

    /// Makes a keyed hash of the key, from which nobody gets it back; none if it has less than 16 characters.
    pub fn keyed_hash(&self) -> Option<Hmac<Sha256>> {
        let key = self.expose().as_bytes();
        (key.len() >= SHORTEST_FOR_A_HASH).then(|| Hmac::new_from_slice(key).ok())?
    }

    /// Returns the key itself, to be put on the wire and nowhere else.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Takes the key out of some bytes, plain and in its usual encodings, in case a vendor echoes it.
    ///
    /// A key of less than 8 characters is left in: it would be found in words that have nothing to do with it.
    pub fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        scrubbed(bytes, &self.forms())
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
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort();
        forms.dedup();
        forms.into_iter().map(String::into_bytes).collect()
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
        let twice = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
        for form in [twice(&twice(text)), twice(&each(&|byte| format!("\\u{byte:04x}"))), twice(&each(&percent))] {
            let body = format!("{{\"cursor\":\"{{\\\"token\\\":\\\"{form}\\\"}}\"}}");
            let scrubbed = String::from_utf8(key.scrub(body.into_bytes())).unwrap();
            assert_eq!(scrubbed, r#"{"cursor":"{\"token\":\"[key]\"}"}"#, "{form}");
        }
        for length in 8..text.len() {
            let body = format!("{{\"code\":0,\"token\":\"{}", &text[..length]);
            assert_eq!(key.scrub(body.into_bytes()), b"{\"code\":0,\"token\":\"[key]", "cut after {length}");
        }
        let other = "{\"url\":\"https://a/b?c=%2F&d=1\",\"text\":\"防晒\\u9632\"}".as_bytes().to_vec();
        assert_eq!(key.scrub(other.clone()), other, "what holds no key stays as it came");
    }
}
