//! What is forgotten: notes and users known by keyed hashes alone, found wherever their ids stand.

use std::collections::BTreeSet;
use std::ops::Range;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{NoteId, UserId, hex};

/// Begins the word that stands where a forgotten id stood.
pub(crate) const STAND_IN: &str = "forgotten-";
/// From this length on, an id of hex digits is found inside longer words, too.
const SURE_LENGTH: usize = 16;

/// Knows which notes and users are forgotten, and not what their ids are.
///
/// An id is tested by its HMAC-SHA256. So whoever has an id can ask whether it is among them, and nobody can read the ids
/// out of it.
#[derive(Clone, Debug)]
pub struct Forgotten {
    mac: Hmac<Sha256>,
    written: Written,
}

/// The same as it is written down.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Written {
    version: u32,
    /// Whether they may still stand somewhere in the dataset.
    pending: bool,
    /// The key of the hashes, as hex.
    key: String,
    notes: BTreeSet<String>,
    users: BTreeSet<String>,
    /// How long the ids are: what is shorter or longer need not be hashed.
    lengths: BTreeSet<usize>,
}

/// Says why a text does not tell what is forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgottenError {
    /// The text is something else.
    #[error("it cannot be read")]
    Json(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("it has version {0}: use the newer notemill that wrote it")]
    Version(u32),
}

impl Default for Forgotten {
    /// Forgets nothing.
    fn default() -> Self {
        Self::new("")
    }
}

impl Forgotten {
    /// Begins with nothing that is forgotten; the key is 32 random bytes, as hex.
    pub fn new(key: &str) -> Self {
        let written = Written {
            version: 1,
            pending: false,
            key: key.to_owned(),
            notes: BTreeSet::new(),
            users: BTreeSet::new(),
            lengths: BTreeSet::new(),
        };
        Self::of(written)
    }

    /// Reads what was written down.
    pub fn parse(text: &[u8]) -> Result<Self, ForgottenError> {
        let written: Written = serde_json::from_slice(text)?;
        if written.version > 1 {
            return Err(ForgottenError::Version(written.version));
        }
        Ok(Self::of(written))
    }

    fn of(written: Written) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        // A key of up to 64 bytes is one block.
        for (to, from) in block.iter_mut().zip(written.key.bytes()) {
            *to = from;
        }
        Self { mac: Hmac::new(&block), written }
    }

    /// Writes it down, for the disk.
    pub fn to_json(&self) -> Vec<u8> {
        // Texts and numbers always become JSON.
        let mut json = serde_json::to_vec_pretty(&self.written).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Tells whether nothing is forgotten.
    pub fn is_empty(&self) -> bool {
        self.written.lengths.is_empty()
    }

    /// Tells whether what is forgotten may still stand somewhere in the dataset.
    pub fn is_pending(&self) -> bool {
        self.written.pending
    }

    /// Notes whether it may still stand somewhere.
    pub fn set_pending(&mut self, pending: bool) {
        self.written.pending = pending;
    }

    /// Forgets a note; tells whether it was not forgotten before.
    pub fn add_note(&mut self, note: &NoteId) -> bool {
        self.written.lengths.insert(note.as_str().len());
        let hash = self.hash(note.as_str().as_bytes());
        self.written.notes.insert(hash)
    }

    /// Forgets a user; tells whether it was not forgotten before.
    pub fn add_user(&mut self, user: &UserId) -> bool {
        self.written.lengths.insert(user.as_str().len());
        let hash = self.hash(user.as_str().as_bytes());
        self.written.users.insert(hash)
    }

    /// Tells whether a note is forgotten.
    pub fn has_note(&self, note: &NoteId) -> bool {
        self.may_have(note.as_str().len()) && self.written.notes.contains(&self.hash(note.as_str().as_bytes()))
    }

    /// Tells whether a user is forgotten.
    pub fn has_user(&self, user: &UserId) -> bool {
        self.may_have(user.as_str().len()) && self.written.users.contains(&self.hash(user.as_str().as_bytes()))
    }

    /// Tells whether a text is the id of a note or user that is forgotten.
    pub fn is_id(&self, text: &str) -> bool {
        self.stand_in(text.as_bytes()).is_some()
    }

    /// Tells whether an id that is forgotten stands somewhere in a text.
    pub fn stands_in(&self, text: &[u8]) -> bool {
        self.find(text, 0).is_some()
    }

    /// Puts a word in the place of each id that is forgotten, the same for the same id; none where there is none.
    pub fn erased(&self, text: &str) -> Option<String> {
        let (mut erased, mut from) = (String::new(), 0);
        while let Some((place, stand_in)) = self.find(text.as_bytes(), from) {
            // Ids are ASCII, so they begin and end between characters.
            erased.push_str(text.get(from..place.start).unwrap_or_default());
            erased.push_str(&stand_in);
            from = place.end;
        }
        (from > 0).then(|| erased + text.get(from..).unwrap_or_default())
    }

    fn may_have(&self, length: usize) -> bool {
        self.written.lengths.contains(&length)
    }

    fn hash(&self, id: &[u8]) -> String {
        let mut mac = self.mac.clone();
        mac.update(id);
        hex(&mac.finalize().into_bytes())
    }

    /// Returns the word for an id that is forgotten.
    fn stand_in(&self, id: &[u8]) -> Option<String> {
        if !self.may_have(id.len()) {
            return None;
        }
        let hash = self.hash(id);
        let is_forgotten = self.written.notes.contains(&hash) || self.written.users.contains(&hash);
        is_forgotten.then(|| format!("{STAND_IN}{}", hash.get(..16).unwrap_or(&hash)))
    }

    /// Finds the next id that is forgotten: a word of its own, or part of a longer one where it is long and all hex.
    fn find(&self, text: &[u8], from: usize) -> Option<(Range<usize>, String)> {
        if self.is_empty() {
            return None;
        }
        let mut start = from;
        while start < text.len() {
            // The ends of the run of characters of ids, and of hex digits, that begins here.
            let word = start + text[start..].iter().take_while(|byte| is_of_id(**byte)).count();
            let mut digits = start;
            for at in start..word {
                digits = digits.max(at);
                while digits < word && text[digits].is_ascii_hexdigit() {
                    digits += 1;
                }
                let begins = begins_word(text, at);
                for length in &self.written.lengths {
                    let end = at + length;
                    let is_word = begins && end <= word && !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
                    let is_sure = *length >= SURE_LENGTH && end <= digits;
                    if (is_word || is_sure)
                        && let Some(stand_in) = self.stand_in(&text[at..end])
                    {
                        return Some((at..end, stand_in));
                    }
                }
            }
            start = word + 1;
        }
        None
    }
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Tells whether a word may begin here: not inside another one, unless that is an escape such as `%2F`, `\u002F` or `\n`.
fn begins_word(text: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| text[at]);
    let are_hex = |count: usize| (1..=count).all(|back| before(back).is_some_and(|byte| byte.is_ascii_hexdigit()));
    !before(1).is_some_and(|byte| byte.is_ascii_alphanumeric())
        || before(2) == Some(b'\\')
        || (before(3) == Some(b'%') && are_hex(2))
        || (before(6) == Some(b'\\') && before(5) == Some(b'u') && are_hex(4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTE: &str = "698ab064000000001503876d";

    fn forgotten() -> Forgotten {
        let mut forgotten = Forgotten::new(&"0f".repeat(32));
        assert!(forgotten.add_note(&NoteId::parse(NOTE).unwrap()));
        assert!(!forgotten.add_note(&NoteId::parse(NOTE).unwrap()));
        assert!(forgotten.add_user(&UserId::parse("u-1").unwrap()));
        forgotten
    }

    #[test]
    fn ids_are_found_where_they_stand_and_nowhere_else() {
        let forgotten = forgotten();
        for (text, count) in [
            (format!("https://x.com/item/{NOTE}?a=1"), 1),
            (format!("x%3A%2F%2Fitem%2F{NOTE}%3Fa"), 1),
            (format!("note_{NOTE} {NOTE}_1 a-{NOTE}-b"), 3),
            (format!("uid{NOTE}and 00{NOTE}00"), 2),
            (format!("\\n{NOTE}\\u002f{NOTE}"), 2),
            ("u-1, u-1-x, 防u-1晒".into(), 3),
            ("u-12, xu-1, u-, u_1, 1".into(), 0),
            (NOTE.to_uppercase(), 0),
            (NOTE[1..].into(), 0),
            (String::new(), 0),
        ] {
            let erased = forgotten.erased(&text);
            let found = erased.as_deref().map_or(0, |erased| erased.matches(STAND_IN).count());
            assert_eq!(found, count, "{text}: {erased:?}");
            assert_eq!(forgotten.stands_in(text.as_bytes()), count > 0, "{text}");
        }
    }

    #[test]
    fn what_is_written_down_knows_the_same_and_holds_no_id() {
        let own = forgotten();
        let text = own.to_json();
        assert!(!String::from_utf8(text.clone()).unwrap().contains(NOTE));
        let read = Forgotten::parse(&text).unwrap();
        let note = NoteId::parse(NOTE).unwrap();
        assert!(read.has_note(&note) && !read.has_user(&UserId::parse(NOTE).unwrap()));
        assert_eq!(read.erased(NOTE), own.erased(NOTE));
        assert_ne!(Forgotten::new("another").hash(b"u-1"), own.hash(b"u-1"));
        assert!(matches!(Forgotten::parse(b"{"), Err(ForgottenError::Json(_))));
        let later = String::from_utf8(text).unwrap().replace("\"version\": 1", "\"version\": 2");
        assert!(matches!(Forgotten::parse(later.as_bytes()), Err(ForgottenError::Version(2))));
    }

    proptest! {
        #[test]
        fn nothing_else_changes_and_nothing_is_left(parts in proptest::collection::vec("[ -~防]{0,8}", 1..6)) {
            let forgotten = forgotten();
            let text = parts.join(&format!("/{NOTE}?"));
            let erased = forgotten.erased(&text).unwrap_or_else(|| text.clone());
            prop_assert!(!erased.contains(NOTE) && !forgotten.stands_in(erased.as_bytes()));
            let stand_in = forgotten.stand_in(NOTE.as_bytes()).unwrap();
            let user = forgotten.stand_in(b"u-1").unwrap();
            prop_assert_eq!(erased.replace(&stand_in, NOTE).replace(&user, "u-1"), text);
        }
    }
}
