//! Parsers meet anything: the seeds of `fuzz/`, and what becomes of them when they are cut, flipped and spliced.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Draws, Promise};

#[expect(unreachable_pub, reason = "for cargo-fuzz it is a crate of its own")]
#[path = "../../../fuzz/entries.rs"]
mod entries;

pub(super) const PROMISE: Promise = Promise {
    name: "parsers read or refuse",
    shown_by: "seeds cut, flipped, spliced and filled with hostile words, and random bytes; the laws of `fuzz/entries.rs`",
    must_hold: "0 panics, 0 hangs, 0 laws broken",
    ci: 4_000,
    long: 2_000_000,
    show,
};

#[test]
fn parsers_read_or_refuse() {
    PROMISE.hold();
}

/// What leads a reader into odd corners.
const WORDS: [&[u8]; 40] = [
    b"",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"9007199254740993",
    b"9223372036854775808",
    b"99999999999999999999999",
    b"-9223372036854775808",
    b"253402300800",
    b"4102444800000",
    b"\\ud83d",
    b"\\u0000",
    b"\xff",
    b"\x00",
    b"\x1b[31m",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "1.2万".as_bytes(),
    "99999999999亿+".as_bytes(),
    "3小时前".as_bytes(),
    "9999999999周前".as_bytes(),
    "9999-12-31T23:59:59Z".as_bytes(),
    "#a[话题]#".as_bytes(),
    b"../../etc/passwd",
    b"https://u:p@\xe9\x98\xb2/?xsec_token=1#x",
    b"\"id\":",
    b"{\"note\":",
    b"[[seeds]]\n",
    b"\"\"\"",
];

fn show(cases: u64) -> String {
    let seeds: Vec<Vec<Vec<u8>>> = entries::ENTRIES.iter().map(|(name, _)| seeds(name)).collect();
    for ((name, run), seeds) in entries::ENTRIES.iter().zip(&seeds) {
        for seed in seeds {
            held(&format!("a seed of {name}"), *run, seed);
        }
    }
    let mut slowest = Duration::ZERO;
    for case in 0..cases {
        let at = case as usize % seeds.len();
        let (name, run) = entries::ENTRIES[at];
        let mut draws = Draws(case);
        let data = mutated(&seeds[at], &mut draws);
        let begun = Instant::now();
        held(&format!("case {case} of {name}"), run, &data);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(30), "one took {slowest:?}");
    format!("0 panics, 0 hangs, 0 laws broken ({} parsers, {cases} inputs)", seeds.len())
}

/// Runs one input; a panic names it and shows its bytes.
fn held(name: &str, run: fn(&[u8]), data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| run(data))).is_err() {
        let mut shown = String::new();
        data.iter().take(4_000).for_each(|byte| write!(shown, "{}", byte.escape_ascii()).unwrap());
        panic!("{name}: {shown}");
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has no seeds");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Draws a seed, changed in a few places; now and then bytes that have nothing to do with it.
fn mutated(seeds: &[Vec<u8>], draws: &mut Draws) -> Vec<u8> {
    let any = |draws: &mut Draws, end: usize| draws.below(end as u64) as usize;
    if draws.below(16) == 0 {
        return (0..draws.below(300)).map(|_| draws.below(256) as u8).collect();
    }
    let mut data = seeds[any(draws, seeds.len())].clone();
    for _ in 0..=draws.below(6) {
        let start = any(draws, data.len() + 1);
        let end = (start + any(draws, 40)).min(data.len());
        match draws.below(7) {
            0 => data.truncate(start),
            1 => drop(data.drain(start..end)),
            2 => data.iter_mut().skip(start).take(1).for_each(|byte| *byte ^= 1 << draws.below(8)),
            3 => {
                let other = &seeds[any(draws, seeds.len())];
                let from = any(draws, other.len() + 1);
                let until = (from + any(draws, 400)).min(other.len());
                drop(data.splice(start..end, other[from..until].iter().copied()));
            }
            4 => {
                let again = data[start..end].repeat(1 + any(draws, 4));
                drop(data.splice(start..start, again));
            }
            _ => {
                let word = WORDS[any(draws, WORDS.len())];
                drop(data.splice(start..end, word.iter().copied()));
            }
        }
    }
    data
}

/// Half a megabyte of each shape that could cost a reader more than its length: what doubles for twice the
/// bytes is done in a few seconds, and what squares is not.
#[test]
fn hostile_shapes_take_time_in_proportion() {
    const SIZE: usize = 1 << 19;
    let up_to = |size: usize, part: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let mut parts = (0..).map(part);
        while text.len() < size {
            text.extend(parts.next());
        }
        text
    };
    let many = |part: &dyn Fn(usize) -> String| up_to(SIZE, part);
    // What each of its bytes costs more than elsewhere, without squaring, is shorter.
    let some = |part: &dyn Fn(usize) -> String| up_to(SIZE / 8, part);
    let filled = |before: &str, part: &dyn Fn(usize) -> String, after: &str| format!("{before}{}{after}", many(part));
    let notes = |before: &str, part: &dyn Fn(usize) -> String| {
        format!("f{{\"code\":0,\"data\":{{{before}[{}]}}}}", some(part).trim_end_matches(','))
    };
    let long_name = format!("\"{}\":", "k".repeat(SIZE / 2));
    let bare = |at| format!("{{\"id\":\"n{at}\",\"likes\":1}},");
    let shapes: Vec<(&str, &str, String)> = vec![
        ("hashtags in the text", "note", filled("{\"desc\":\"", &|at| format!("#{at}[话题]#"), "\",\"id\":\"n\"}")),
        ("marks of hashtags", "note", filled("{\"desc\":\"", &|_| "[话题]#".into(), "\",\"id\":\"n\",\"title\":\"\"}")),
        ("hashes", "note", filled("{\"desc\":\"", &|_| "#".into(), "[话题]#\",\"id\":\"n\"}")),
        (
            "hashtags in a list",
            "note",
            filled("{\"hash_tag\":[", &|at| format!("{{\"id\":{at}}},"), "{}],\"id\":\"n\"}"),
        ),
        (
            "nameless hashtags",
            "note",
            filled("{\"hash_tag\":[", &|at| format!("{{\"name\":{at}}},"), "{}],\"id\":\"n\"}"),
        ),
        (
            "mentions",
            "note",
            filled("{\"ats\":[", &|at| format!("{{\"id\":{at}}},"), "{}],\"id\":\"n\",\"title\":\"\"}"),
        ),
        ("odd images", "note", filled("{\"images_list\":[", &|at| format!("{at},"), "{}],\"id\":\"n\"}")),
        ("interactions", "author", filled("{\"interactions\":[", &|at| format!("{{\"type\":{at}}},"), "{}]}")),
        ("an address", "author", filled("{\"share_link\":\"http://", &|_| "防".into(), "/\"}")),
        ("labels of an address", "author", filled("{\"share_link\":\"http://", &|_| "防.".into(), "/\"}")),
        ("folders of an address", "author", filled("{\"share_link\":\"http://h", &|_| "/a/..".into(), "\"}")),
        ("notes", "page", notes("\"notes\":", &bare)),
        ("the same note", "page", notes("\"notes\":", &|_| bare(1))),
        ("notes under a long name", "page", notes(&long_name, &bare)),
        (
            "names beside a long name",
            "page",
            format!("f{{\"code\":0,\"data\":{{{long_name}{{{}\"x\":1}}}}}}", many(&|at| format!("\"{at}\":{{}},"))),
        ),
        ("equal names", "page", filled("f{\"code\":0,\"data\":{", &|_| "\"a\":1,".into(), "\"notes\":[]}}")),
        ("quotes", "page", filled("f{", &|_| "\"".into(), "")),
        ("backslashes", "page", filled("f{\"", &|_| "\\x".into(), "")),
        ("half emoji", "page", filled("f{\"", &|_| "\\ud83d".into(), "\":1}")),
        ("cut escapes", "page", filled("f{\"", &|_| "\\u".into(), "")),
        ("brackets", "page", filled("f{\"code\":0,\"data\":", &|_| "[".into(), "")),
        ("digits", "page", filled("f{\"code\":0,\"data\":[-", &|_| "9".into(), "x]}")),
        ("words that are no numbers", "page", filled("f{\"a\":", &|_| "NaN".into(), "}")),
        ("digits of a count", "count", many(&|_| "9".into())),
        ("commas of a count", "count", many(&|_| ",".into())),
        ("dashes of a time", "time", many(&|_| "1-".into())),
        ("unknown keys", "job", some(&|at| format!("k{at} = {at}\n"))),
        ("one long key", "job", format!("{} = 1\n", many(&|_| "k".into()))),
        ("what may be keys", "job", filled("seeds = [\"", &|at| format!("sk_{at:030}\n"), "")),
        ("one long key", "vendor", format!("{} = 1\n", many(&|_| "k".into()))),
        ("base URLs", "vendor", filled("[base_urls]\n", &|at| format!("r{at} = \"x\"\n"), "")),
    ];
    for (shape, name, text) in shapes {
        let (_, run) = entries::ENTRIES.iter().find(|(own, _)| *own == name).unwrap();
        let begun = Instant::now();
        held(shape, *run, text.as_bytes());
        let took = begun.elapsed();
        println!("{name}: {shape}: {took:?}");
        assert!(took < Duration::from_secs(40), "{name}: {} bytes of {shape} took {took:?}", text.len());
    }
}
