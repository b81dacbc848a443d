//! Content encodings undone: gzip, deflate, br and zstd, also several one over the other. What they unpack to is bounded.

use std::io::{self, ErrorKind, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::model::{caught, shown};

/// What is asked for.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// The most encodings of one body: servers use one, and a proxy before them perhaps another.
const MOST_CODINGS: usize = 4;
/// Bytes that are unpacked in one step.
const STEP: usize = 64 << 10;
/// The largest window of zstd, as a power of two: no body is larger.
const ZSTD_WINDOW: u32 = 24;

/// One content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Says why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    /// It unpacks to more than the limit.
    #[error("the answer is too large when it is unpacked")]
    TooLarge,
    /// It ends in the middle.
    #[error("the answer was cut short: its {} data ends too early", .0.name())]
    Cut(Coding),
    /// It is not what the header says, or its checksum does not hold.
    #[error("the answer is damaged: its {} data cannot be unpacked", .0.name())]
    Damaged(Coding),
}

impl Coding {
    const ALL: [(&str, Self); 8] = [
        ("gzip", Self::Gzip),
        ("x-gzip", Self::Gzip),
        ("deflate", Self::Deflate),
        ("x-deflate", Self::Deflate),
        ("zlib", Self::Deflate),
        ("br", Self::Brotli),
        ("zstd", Self::Zstd),
        ("x-zstd", Self::Zstd),
    ];

    /// Returns the name that servers use.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// Reads a header's encodings in the order in which they were applied.
    ///
    /// # Errors
    ///
    /// The name of the first encoding that is not known here.
    pub(super) fn all(headers: &HeaderMap) -> Result<Vec<Self>, String> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            for name in text.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "identity" | "none")) {
                let known = Self::ALL.iter().find(|(own, _)| *own == name).map(|(_, coding)| *coding);
                codings.push(known.ok_or_else(|| shown(name, 40))?);
            }
        }
        if codings.len() > MOST_CODINGS { Err(format!("{} encodings", codings.len())) } else { Ok(codings) }
    }

    /// Tells by its first bytes the encoding of a body whose header names none.
    pub(super) fn of_unnamed(body: &[u8]) -> Option<Self> {
        match body {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Undoes encodings, the last one first. Returns what could be unpacked, and why that is not all.
pub(super) fn decoded(body: &[u8], codings: &[Coding], limit: usize) -> (Vec<u8>, Option<DecodeError>) {
    let (mut out, mut failed) = (Vec::new(), None);
    for (step, coding) in codings.iter().rev().enumerate() {
        let packed = std::mem::take(&mut out);
        let packed = if step == 0 { body } else { &packed };
        let error = unpack(*coding, packed, limit, &mut out).err();
        failed = failed.or(error);
        if out.is_empty() || failed == Some(DecodeError::TooLarge) {
            break;
        }
    }
    (out, failed)
}

fn unpack(coding: Coding, packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    match coding {
        Coding::Gzip => gunzip(packed, limit, out),
        // Many servers leave the frame out that the standard asks for.
        Coding::Deflate if is_zlib(packed) => drain(coding, flate2::bufread::ZlibDecoder::new(packed), limit, out),
        Coding::Deflate => drain(coding, flate2::bufread::DeflateDecoder::new(packed), limit, out),
        Coding::Brotli => {
            let unpacked = caught(|| unbrotli(packed, limit, out));
            unpacked.unwrap_or(Err(DecodeError::Damaged(coding)))
        }
        Coding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| DecodeError::Damaged(coding))?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|_| DecodeError::Damaged(coding))?;
            drain(coding, decoder, limit, out)
        }
    }
}

/// Unpacks one member after another; what stands behind the last one is passed over, as browsers do.
fn gunzip(mut packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    loop {
        let mut member = flate2::bufread::GzDecoder::new(packed);
        drain(Coding::Gzip, &mut member, limit, out)?;
        packed = member.into_inner();
        if Coding::of_unnamed(packed) != Some(Coding::Gzip) {
            return Ok(());
        }
    }
}

fn is_zlib(packed: &[u8]) -> bool {
    matches!(packed, [method, flags, ..] if method & 15 == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

fn drain(coding: Coding, mut from: impl Read, limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut step = vec![0; STEP];
    loop {
        let read = match from.read(&mut step) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(coding, &error)),
        };
        push(step.get(..read).unwrap_or_default(), limit, out)?;
    }
}

fn failed(coding: Coding, error: &io::Error) -> DecodeError {
    if error.kind() == ErrorKind::UnexpectedEof { DecodeError::Cut(coding) } else { DecodeError::Damaged(coding) }
}

fn push(bytes: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    if out.len() + bytes.len() > limit {
        return Err(DecodeError::TooLarge);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Unpacks brotli with windows of up to 16 MiB: the crate's own readers also take the 1 GiB of large-window brotli.
fn unbrotli(packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let new = StandardAlloc::default;
    let mut state = BrotliState::new_strict(new(), new(), new());
    let (mut left, mut at, mut total) = (packed.len(), 0, 0);
    let mut step = vec![0; STEP];
    loop {
        let (mut room, mut filled) = (STEP, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            packed,
            &mut room,
            &mut filled,
            &mut step,
            &mut total,
            &mut state,
        );
        push(step.get(..filled).unwrap_or_default(), limit, out)?;
        match result {
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(DecodeError::Cut(Coding::Brotli)),
            BrotliResult::ResultFailure => return Err(DecodeError::Damaged(Coding::Brotli)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 20;

    type Encode = fn(&[u8]) -> Vec<u8>;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    /// Bytes as brotli takes them when it compresses nothing.
    fn brotli(bytes: &[u8]) -> Vec<u8> {
        // A window of 16 bits, then metablocks: not the last, 4 nibbles of length less one, not compressed.
        let mut out = Vec::new();
        let mut first = true;
        for chunk in bytes.chunks(1 << 12) {
            let head: u32 = (1 << 19 | (chunk.len() as u32 - 1) << 3) << u32::from(first);
            out.extend_from_slice(&head.to_le_bytes()[..3]);
            out.extend_from_slice(chunk);
            first = false;
        }
        out.push(if first { 0b110 } else { 0b11 });
        out
    }

    fn codings(value: &str) -> Result<Vec<Coding>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, value.parse().unwrap());
        Coding::all(&headers)
    }

    #[test]
    fn encodings_are_known_by_all_their_names() {
        use Coding::{Brotli, Deflate, Gzip, Zstd};
        for (value, expected) in [
            ("gzip", vec![Gzip]),
            ("X-GZip", vec![Gzip]),
            ("deflate, br", vec![Deflate, Brotli]),
            ("identity", vec![]),
            ("", vec![]),
            ("identity , zstd", vec![Zstd]),
        ] {
            assert_eq!(codings(value), Ok(expected), "{value}");
        }
        assert_eq!(codings("gzip, LZMA"), Err("lzma".into()));
        assert_eq!(codings("compress"), Err("compress".into()));
        assert_eq!(codings("gzip,gzip,gzip,gzip,gzip"), Err("5 encodings".into()));
        let mut two = HeaderMap::new();
        two.append(CONTENT_ENCODING, "gzip".parse().unwrap());
        two.append(CONTENT_ENCODING, "br".parse().unwrap());
        assert_eq!(Coding::all(&two), Ok(vec![Gzip, Brotli]));
        assert_eq!(Coding::all(&HeaderMap::new()), Ok(vec![]));
    }

    #[test]
    fn every_encoding_is_undone_alone_and_over_another() {
        use Coding::{Brotli, Deflate, Gzip, Zstd};
        let text = "{\"code\":0,\"title\":\"防晒\"}".repeat(3000).into_bytes();
        let all: [(Coding, Encode); 5] =
            [(Gzip, gzip), (Deflate, zlib), (Deflate, deflate), (Brotli, brotli), (Zstd, zstd)];
        for (outer, encode_outer) in all {
            assert_eq!(decoded(&encode_outer(&text), &[outer], LIMIT), (text.clone(), None), "{outer:?}");
            for (inner, encode_inner) in all {
                let packed = encode_outer(&encode_inner(&text));
                assert_eq!(decoded(&packed, &[inner, outer], LIMIT), (text.clone(), None), "{inner:?} in {outer:?}");
            }
            let (out, error) = decoded(&encode_outer(&vec![b' '; LIMIT + 1]), &[outer], LIMIT);
            assert!(error == Some(DecodeError::TooLarge) && out.len() <= LIMIT, "{outer:?}");
            assert_eq!(decoded(&encode_outer(&vec![b' '; LIMIT]), &[outer], LIMIT).1, None, "{outer:?}");
            let packed = encode_outer(&text);
            let (out, error) = decoded(&packed[..packed.len() / 2], &[outer], LIMIT);
            assert!(matches!(error, Some(DecodeError::Cut(_) | DecodeError::Damaged(_))), "{outer:?}: {error:?}");
            assert!(text.starts_with(&out));
        }
        let members = [gzip(&text[..100]), gzip(&text[100..]), b"\0\0junk".to_vec()].concat();
        assert_eq!(decoded(&members, &[Gzip], LIMIT), (text, None));
    }

    #[test]
    fn damage_is_seen() {
        let mut packed = gzip(b"{\"code\":0}");
        let at = packed.len() - 6;
        packed[at] ^= 1;
        assert_eq!(decoded(&packed, &[Coding::Gzip], LIMIT).1, Some(DecodeError::Damaged(Coding::Gzip)));
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            assert!(decoded(b"{\"code\":0}", &[coding], LIMIT).1.is_some(), "{coding:?}");
        }
    }

    #[test]
    fn a_window_larger_than_any_body_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"{}").unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(decoded(&packed, &[Coding::Zstd], LIMIT).1, Some(DecodeError::Damaged(Coding::Zstd)));
        // Brotli's own header for a window of 30 bits.
        let packed = [0x11, 30, 0, 0, 0, 0];
        assert_eq!(decoded(&packed, &[Coding::Brotli], LIMIT).1, Some(DecodeError::Damaged(Coding::Brotli)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_unpacked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_usize..4) {
            let coding = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd][kind];
            prop_assert!(decoded(&bytes, &[coding], 1 << 12).0.len() <= 1 << 12);
        }
    }
}
