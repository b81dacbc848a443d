//! The names of some users, and texts in which pseudonyms stand in their place.

use std::fmt::Write as _;

use memchr::memmem;
use serde_json::Value;

use crate::model::Extra;

/// More names than a note has that a person wrote; each is looked for in every text.
const MOST: usize = 256;
/// An id of so many characters is found wherever it stands; a shorter one between other characters than its own.
const LONG: usize = 8;
/// How long a name must be to be looked for without an `@`: characters beyond ASCII count twice.
const TELLING: usize = 4;
/// How many digits a name must have that has no letters: prices and years are such names, too.
const TELLING_DIGITS: usize = 6;
/// How long a pseudonym is.
const PSEUDONYM: usize = 26;
/// What stands before the name of somebody who is mentioned.
const MARKS: [char; 2] = ['@', '\u{ff20}'];
/// The longest name that the platform lets a user have.
const LONGEST: usize = 24;
/// Stands in the place of somebody whom a text mentions and nothing else of the answer names.
const SOMEBODY: &str = "[user]";
/// Stands in the place of a web address.
const ADDRESS: &str = "[address]";
/// A word of so many letters and digits is a machine's: a token, or the name of a file.
const LONG_WORD: usize = 28;
/// Stands in the place of such a word.
const TOKEN: &str = "[token]";

/// What names some users, and the pseudonym of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    all: Vec<Name>,
    numbers: Vec<String>,
}

#[derive(Clone, Debug)]
struct Name {
    /// In ASCII lower case, with the mark before it where only that makes it a name.
    needle: String,
    /// The bytes of the mark, which stays.
    mark: usize,
    /// Whether it may be a part of a longer word.
    anywhere: bool,
    is_id: bool,
    pseudonym: String,
}

impl Names {
    /// Adds a user's id.
    pub(super) fn add_id(&mut self, id: &str, pseudonym: &str) {
        self.add(id, 0, id.len() >= LONG, true, pseudonym);
        self.add_number(id);
    }

    /// Adds a number that names a user, lest a column of numbers holds it.
    pub(super) fn add_number(&mut self, number: &str) {
        if number.bytes().all(|byte| byte.is_ascii_digit()) {
            self.numbers.push(number.trim_start_matches('0').to_owned());
        }
    }

    /// Adds a name that a user has chosen.
    ///
    /// It may be a common word, or a single character. To replace each of those would spoil the text, and tell the
    /// name to whoever guesses the word that is missing: such a name is replaced after an `@` alone.
    pub(super) fn add_nickname(&mut self, name: &str, pseudonym: &str) {
        let name = name.trim();
        if name.is_empty() {
            return;
        }
        for mark in MARKS {
            self.add(&format!("{mark}{name}"), mark.len_utf8(), false, false, pseudonym);
        }
        if is_telling(name) {
            self.add(name, 0, false, false, pseudonym);
            for form in escaped(name) {
                self.add(&form, 0, true, false, pseudonym);
            }
        }
    }

    fn add(&mut self, needle: &str, mark: usize, anywhere: bool, is_id: bool, pseudonym: &str) {
        let needle = needle.to_ascii_lowercase();
        // The same name of two people stands for the first.
        if !self.are_too_many() && !self.all.iter().any(|name| name.needle == needle) {
            self.all.push(Name { needle, mark, anywhere, is_id, pseudonym: pseudonym.to_owned() });
        }
    }

    /// Tells whether there are more than can be looked for: then no text may be shown.
    pub(super) fn are_too_many(&self) -> bool {
        self.all.len() >= MOST * 8
    }

    /// Puts pseudonyms into a text; whoever else stands after an `@` becomes `[user]`.
    pub(super) fn in_text(&self, text: &str) -> String {
        without_strangers(&self.replaced(text, |_| true))
    }

    /// Puts a pseudonym into the name of a sound: an original one is named after whoever made it, author or not.
    pub(super) fn in_sound(&self, name: &str) -> String {
        let Some((maker, rest)) = ["创作的原声", "的原声"].iter().find_map(|end| Some((name.strip_suffix(end)?, end)))
        else {
            return self.in_text(name);
        };
        let marked = self.in_text(&format!("@{}", maker.trim_start_matches(MARKS)));
        let hidden = marked.strip_prefix('@').filter(|hidden| is_pseudonym(hidden) && hidden.len() == PSEUDONYM);
        format!("{}{rest}", hidden.unwrap_or(SOMEBODY))
    }

    /// Lets a vendor's own word or id through; none where it names a user.
    pub(super) fn in_word(&self, word: String) -> Option<String> {
        (self.replaced(&word, |_| true) == word).then_some(word)
    }

    /// Puts pseudonyms in the place of ids alone: a nickname may be a word of which addresses are made.
    pub(super) fn in_address(&self, address: &str) -> String {
        self.replaced(address, |name| name.is_id)
    }

    /// Puts pseudonyms into the value of an added column, and takes web addresses and tokens out; none where it is a
    /// user's number.
    pub(super) fn in_value(&self, value: Extra) -> Option<Extra> {
        if self.are_too_many() && value.text_bytes() > 0 {
            return None;
        }
        match value {
            Extra::Text(text) => Some(Extra::Text(self.in_added(&text))),
            Extra::Json(text) => Some(Extra::Json(self.in_json(serde_json::from_str(&text).ok()?).to_string())),
            Extra::Whole(number) => (!self.is_number(&number.to_string())).then_some(value),
            Extra::Number(number) => (!self.is_number(&number.0.to_string())).then_some(value),
            other => Some(other),
        }
    }

    fn in_added(&self, text: &str) -> String {
        self.in_text(&without_long_words(&without_addresses(text)))
    }

    fn in_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.in_added(&text)),
            Value::Number(number) if self.is_number(number.to_string().trim_end_matches(".0")) => Value::Null,
            Value::Array(items) => items.into_iter().map(|item| self.in_json(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (self.in_text(&name), self.in_json(value))).collect()
            }
            other => other,
        }
    }

    fn is_number(&self, text: &str) -> bool {
        self.numbers.iter().any(|number| number == text)
    }

    fn replaced(&self, text: &str, which: impl Fn(&Name) -> bool) -> String {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<(usize, usize, &str)> = Vec::new();
        for name in self.all.iter().filter(|name| which(name)) {
            found.extend(name.places(&lower).map(|(start, end)| (start, end, name.pseudonym.as_str())));
        }
        found.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut found = found.into_iter().peekable();
        while let Some((start, mut end, mut pseudonym)) = found.next() {
            let mut longest = end - start;
            // Names that overlap go together: what is left of one might tell it.
            while let Some((start, own_end, own)) = found.next_if(|(start, ..)| *start < end) {
                if own_end - start > longest {
                    (longest, pseudonym) = (own_end - start, own);
                }
                end = end.max(own_end);
            }
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push_str(pseudonym);
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

impl Name {
    /// Lists where the name stands in a text in lower case, less its mark.
    fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let finder = memmem::Finder::new(&self.needle);
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let start = from + finder.find(text.as_bytes().get(from..)?)?;
                let end = start + self.needle.len();
                if self.anywhere || is_apart(text, start, end) {
                    from = end;
                    return Some((start + self.mark, end));
                }
                // The next may begin inside this one.
                from = start + 1;
            }
        })
    }
}

/// Tells whether what stands between two places of a text is no part of a longer word of ASCII.
fn is_apart(text: &str, start: usize, end: usize) -> bool {
    let byte = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_alphanumeric);
    let before = start.checked_sub(1).is_some_and(byte) && byte(start);
    let after = byte(end) && end.checked_sub(1).is_some_and(byte);
    !before && !after
}

/// Tells whether a name is long enough to be known by itself.
fn is_telling(name: &str) -> bool {
    if !name.chars().any(char::is_alphabetic) {
        return name.chars().filter(char::is_ascii_digit).count() >= TELLING_DIGITS;
    }
    let weight = |c: char| if c.is_ascii() { 1 } else { 2 };
    name.chars().filter(|c| !c.is_whitespace()).map(weight).sum::<usize>() >= TELLING
}

/// Returns a name as it stands in JSON within a text, and in an address; what is written as it is, is left out.
fn escaped(name: &str) -> Vec<String> {
    let json = Value::String(name.to_owned()).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(name).to_owned();
    let mut ascii = String::new();
    for c in json.chars() {
        match c {
            _ if c.is_ascii() => ascii.push(c),
            // Writing to a string cannot fail.
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(ascii, "\\u{unit:04x}");
            }),
        }
    }
    let percent: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect();
    [json, ascii, percent].into_iter().filter(|form| form != name).collect()
}

/// Takes out whoever stands after an `@` under a name: a listing tells no list of them, and cuts their names short.
fn without_strangers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, mark)) = rest.char_indices().find(|(_, c)| MARKS.contains(c)) {
        let (before, after) = rest.split_at(at + mark.len_utf8());
        out.push_str(before);
        let is_end = |c: char| {
            c.is_whitespace() || c.is_control() || "@\u{ff20}#,，。!！?？;；:：、()（）[]【】<>《》\"'“”\\".contains(c)
        };
        let name: usize = after.chars().take(LONGEST).take_while(|c| !is_end(*c)).map(char::len_utf8).sum();
        if name > 0 && !is_pseudonym(after) {
            out.push_str(SOMEBODY);
            rest = after.get(name..).unwrap_or_default();
        } else {
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Takes a machine's long words out of a text: tokens, and files' names, which hold the bits of their owner's id.
fn without_long_words(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-=+".contains(c);
    let words = text.split_inclusive(|c| !is_part(c)).map(|piece| {
        let word = piece.trim_end_matches(|c| !is_part(c));
        let is_long = word.len() >= LONG_WORD && word.bytes().any(|byte| byte.is_ascii_digit());
        if is_long { format!("{TOKEN}{}", piece.get(word.len()..).unwrap_or_default()) } else { piece.to_owned() }
    });
    words.collect()
}

fn is_pseudonym(text: &str) -> bool {
    let digits = text.strip_prefix("u_").and_then(|text| text.as_bytes().get(..24));
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Takes web addresses out of a text: those of pictures and profiles name their owner.
fn without_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at);
        let scheme = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        out.push_str(scheme);
        out.push_str(ADDRESS);
        let is_end = |c: char| c.is_whitespace() || !c.is_ascii() || matches!(c, '"' | '\'' | '<' | '>' | '\\');
        rest = address.find(is_end).and_then(|end| address.get(end..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
