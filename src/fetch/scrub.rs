//! Takes a key out of a body: as it is, in its usual encodings, and under escapes of JSON, addresses and HTML.
//!
//! A body takes its own size once more while that is done, and twice where the key is found under escapes.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;

use memchr::memmem;

/// What stands in the place of a key that was taken out.
pub const TAKEN_OUT: &str = "[key]";

/// Shorter forms are found in words that have nothing to do with the key.
pub(super) const SHORTEST: usize = 8;
/// How many layers of escapes are resolved: JSON in JSON, in an address.
const MOST_ESCAPED: u32 = 3;

/// Replaces every form of a key by [`TAKEN_OUT`].
pub(super) fn scrubbed(bytes: Vec<u8>, forms: &[Vec<u8>]) -> Vec<u8> {
    let mut found = places(&bytes, forms);
    found.extend(begun(&bytes, forms));
    let mut plain = Cow::Borrowed(bytes.as_slice());
    for depth in 1..=MOST_ESCAPED {
        if memchr::memchr3(b'\\', b'%', b'&', &plain).is_none() {
            break;
        }
        plain = Cow::Owned(unescaped(&plain));
        let inside = places(&plain, forms);
        if !inside.is_empty() {
            found.extend(origins(&bytes, depth, inside));
        }
    }
    drop(plain);
    if found.is_empty() { bytes } else { cut_out(&bytes, found) }
}

/// Finds every occurrence of any form.
fn places(bytes: &[u8], forms: &[Vec<u8>]) -> Vec<Range<usize>> {
    let of = |form: &Vec<u8>| memmem::find_iter(bytes, form).map(|at| at..at + form.len()).collect::<Vec<_>>();
    forms.iter().flat_map(of).collect()
}

/// Finds the beginning of a form on which the bytes end: they were cut in the middle of the key.
fn begun(bytes: &[u8], forms: &[Vec<u8>]) -> Option<Range<usize>> {
    let length = |form: &Vec<u8>| {
        (SHORTEST..form.len()).rev().find(|length| form.get(..*length).is_some_and(|begun| bytes.ends_with(begun)))
    };
    forms.iter().filter_map(length).max().map(|length| bytes.len() - length..bytes.len())
}

/// Replaces places; those that touch become one.
fn cut_out(bytes: &[u8], mut places: Vec<Range<usize>>) -> Vec<u8> {
    places.sort_by_key(|place| (place.start, place.end));
    let (mut out, mut kept) = (Vec::with_capacity(bytes.len()), 0);
    for place in places {
        if place.start >= kept {
            out.extend_from_slice(bytes.get(kept..place.start).unwrap_or_default());
            out.extend_from_slice(TAKEN_OUT.as_bytes());
        }
        kept = kept.max(place.end);
    }
    out.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    out
}

/// Says where places stood before so many layers of escapes were resolved.
fn origins(bytes: &[u8], depth: u32, mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    for layer in (0..depth).rev() {
        let outer = (0..layer).fold(Cow::Borrowed(bytes), |plain, _| Cow::Owned(unescaped(&plain)));
        let mut sought: Vec<usize> = places.iter().flat_map(|place| [place.start, place.end]).collect();
        sought.sort_unstable();
        sought.dedup();
        let mut origins = Vec::with_capacity(sought.len());
        let mut left = sought.iter().peekable();
        for (at, (origin, _)) in characters(&outer).enumerate() {
            if left.next_if_eq(&&at).is_some() {
                origins.push(origin);
            }
        }
        let origin = |at| sought.binary_search(&at).ok().and_then(|index| origins.get(index));
        let origin = |at| origin(at).copied().unwrap_or(outer.len());
        places = places.iter().map(|place| origin(place.start)..origin(place.end)).collect();
    }
    places
}

/// Resolves one layer of escapes.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    plain.extend(characters(bytes).map(|(_, byte)| byte));
    plain
}

/// Reads bytes and escapes of ASCII characters, each with the place where it begins.
fn characters(bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut at = 0;
    iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let (byte, length) = escape(rest).or_else(|| Some((*rest.first()?, 1)))?;
        let began = at;
        at += length;
        Some((began, byte))
    })
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
