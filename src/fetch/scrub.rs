//! Takes a key out of a body, window by window: a body unescaped as a whole would take many times its room.

use std::ops::Range;

use memchr::memmem;

/// Bytes that are looked at in one go.
const WINDOW: usize = 64 << 10;

/// Replaces every form of a key, plain or escaped, by `[key]`. Forms have at least 8 bytes.
pub(super) fn scrubbed(bytes: Vec<u8>, forms: &[Vec<u8>]) -> Vec<u8> {
    let forms = Forms::new(forms);
    let (mut out, mut kept, mut from) = (Vec::new(), 0, 0);
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let window = Window::read(rest, &forms);
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

/// The forms of a key, and how to tell at a glance that some bytes hold none.
struct Forms<'a> {
    forms: &'a [Vec<u8>],
    longest: usize,
    /// Every four bytes in a row of any form, sorted, and which hashes they have.
    grams: Vec<u32>,
    hashes: Vec<bool>,
}

impl<'a> Forms<'a> {
    fn new(forms: &'a [Vec<u8>]) -> Self {
        let gram = |four: &[u8]| four.try_into().map(u32::from_le_bytes).ok();
        let mut grams: Vec<u32> = forms.iter().flat_map(|form| form.windows(4).filter_map(gram)).collect();
        grams.sort_unstable();
        let mut hashes = vec![false; 1 << 16];
        for gram in &grams {
            if let Some(hash) = hashes.get_mut(hash(*gram)) {
                *hash = true;
            }
        }
        Self { forms, longest: forms.iter().map(Vec::len).max().unwrap_or_default(), grams, hashes }
    }

    /// Finds every occurrence of any form.
    fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        if !self.may_be_in(bytes) {
            return Vec::new();
        }
        let of = |form: &Vec<u8>| memmem::find_iter(bytes, form).map(|at| at..at + form.len()).collect::<Vec<_>>();
        self.forms.iter().flat_map(of).collect()
    }

    /// Looks at every fourth place only: one of any four in a row is in a form of seven bytes, with the three after it.
    fn may_be_in(&self, bytes: &[u8]) -> bool {
        let (fours, _) = bytes.as_chunks::<4>();
        fours.iter().any(|four| {
            let gram = u32::from_le_bytes(*four);
            self.hashes.get(hash(gram)) == Some(&true) && self.grams.binary_search(&gram).is_ok()
        })
    }
}

fn hash(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// The beginning of some bytes, and the places in it where the key begins.
struct Window {
    places: Vec<Range<usize>>,
    /// Where the next window begins.
    length: usize,
}

impl Window {
    /// Looks at a window and at as much more as one form of the key takes: what begins in it is found whole.
    fn read(bytes: &[u8], forms: &Forms<'_>) -> Self {
        let longest = forms.longest;
        let raw = bytes.get(..WINDOW + longest).unwrap_or(bytes);
        let (mut places, length);
        if memchr::memchr3(b'\\', b'%', b'&', raw).is_none() {
            places = forms.places(raw);
            length = if raw.len() < bytes.len() { WINDOW } else { raw.len() };
        } else {
            let Unescaped { plain, starts, end } = unescape(bytes, WINDOW + longest);
            let start = |at: usize| starts.get(at).copied().unwrap_or(end);
            places = forms.places(bytes.get(..end).unwrap_or(bytes));
            places.extend(forms.places(&plain).into_iter().map(|place| start(place.start)..start(place.end)));
            length = if end < bytes.len() { start(WINDOW) } else { end };
        }
        places.retain(|place| place.start < length);
        places.sort_by_key(|place| (place.start, place.end));
        Self { places, length }
    }
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
    fn an_echoed_key_is_taken_out_wherever_a_large_body_holds_it() {
        let text = "sk/live+canary%41=";
        let forms = [text.as_bytes().to_vec(), b"canary%4".to_vec()];
        let escaped: String = text.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        for (filler, form) in [("x", text), ("x", &escaped), ("\\u0078", text), ("\\u0078", &escaped)] {
            // Around the end of a window, which is also where the next one begins.
            for before in (WINDOW - 20..WINDOW + 2).step_by(3).chain([0]) {
                let [before, after] = [before, 10].map(|count| filler.repeat(count));
                let scrubbed = scrubbed(format!("{before}{form}{after}{form}").into_bytes(), &forms);
                assert!(scrubbed == format!("{before}[key]{after}[key]").into_bytes(), "{filler} {form}");
            }
        }
    }
}
