//! Memory is bounded, whatever the network sends: the binary's own peak is read while hostile bodies arrive.
//!
//! A case is one run at a concurrency of 64: hostile answers of one kind, of drawn sizes, among plain ones. What is
//! sound must arrive however large it is; what is hopeless is given up and told; and the run ends. It ends with sealing
//! all answers and with building the tables from the archive, so that both are measured, too.

use std::io::{ErrorKind, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use serde_json::Value;

use super::{Draws, Promise};
use crate::cli::Desk;

pub(super) const PROMISE: Promise = Promise {
    name: "memory is bounded",
    shown_by: "bombs, floods and endless answers at a concurrency of 64; the binary's peak, read while it runs",
    must_hold: "at most 256 MiB; what is sound arrives, what is hopeless is given up and told",
    ci: KINDS.len() as u64,
    long: 80,
    show,
};

#[test]
fn memory_is_bounded() {
    PROMISE.hold();
}

const LIMIT: u64 = 256 << 20;
const CONCURRENCY: u64 = 64;
/// Plain answers among the hostile ones.
const PLAIN: u64 = 8;

/// One way to be hostile.
struct Kind {
    name: &'static str,
    /// How many calls of a run are answered so, and how often each is sent.
    calls: u64,
    sends: u64,
    /// Why such a call is given up; none where its note must arrive.
    told: Option<&'static str>,
    /// Sends an answer about a note; `size` is drawn, from 0 to 1023.
    answer: fn(&mut Answer<'_>, size: u64) -> std::io::Result<()>,
}

const TOO_LARGE: Option<&str> = Some("the body is larger than 16 MiB");
const TOO_MANY: Option<&str> = Some("the body holds more than 200000 values");

const KINDS: [Kind; 12] = [
    Kind {
        name: "64 pages of 15 MB at once",
        calls: 64,
        sends: 1,
        told: None,
        answer: |to, size| to.page("", ("x", 15_000_000 - size * 1000)),
    },
    Kind { name: "a gzip bomb", calls: 6, sends: 1, told: TOO_LARGE, answer: |to, size| to.bomb(64 + size) },
    Kind {
        name: "a plain gigabyte",
        calls: 24,
        sends: 1,
        told: TOO_LARGE,
        answer: |to, size| {
            let length = 64_000_000 + size * 1_000_000;
            to.head(&format!("Content-Length: {length}"))?;
            to.repeat(b"{\"code\":0, ", length)
        },
    },
    Kind {
        name: "an endless chunked body",
        calls: 6,
        sends: 1,
        told: TOO_LARGE,
        answer: |to, size| {
            to.head("Transfer-Encoding: chunked")?;
            let length = (size as usize + 1) * 64;
            let chunk = format!("{length:x}\r\n{}\r\n", "[".repeat(length));
            to.repeat(chunk.as_bytes(), u64::MAX)
        },
    },
    Kind {
        name: "endless headers",
        calls: 4,
        sends: 3,
        told: Some("the connection broke"),
        answer: |to, size| {
            to.0.write_all(b"HTTP/1.1 200 OK\r\n")?;
            to.repeat(format!("X-{size}: {size}\r\n").as_bytes(), u64::MAX)
        },
    },
    Kind {
        name: "a huge header",
        calls: 4,
        sends: 3,
        told: Some("the connection broke"),
        answer: |to, size| {
            to.0.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ")?;
            to.repeat(b"x", 1_000_000 + size * 100_000)
        },
    },
    Kind {
        name: "deep JSON",
        calls: 8,
        sends: 1,
        told: None,
        answer: |to, size| {
            let depth = 10_000 + size as usize * 1000;
            to.page(&format!(",\"deep\":{}{}", "[".repeat(depth), "]".repeat(depth)), ("", 0))
        },
    },
    Kind {
        name: "a text of 10 MB",
        calls: 2,
        sends: 1,
        told: None,
        answer: |to, size| to.note(&"防".repeat(3_000_000 + size as usize * 300)),
    },
    Kind {
        name: "5 million values",
        calls: 4,
        sends: 1,
        told: TOO_MANY,
        answer: |to, size| {
            to.whole(&format!("{{\"code\":0,\"data\":[{}0]}}", "0,".repeat(5_000_000 + size as usize * 2000)))
        },
    },
    Kind {
        name: "objects in lists, without end",
        calls: 4,
        sends: 1,
        told: TOO_MANY,
        answer: |to, size| {
            to.whole(&format!("{{\"code\":0,\"data\":[{}0]}}", "[{\"\":0}],".repeat(500_000 + size as usize * 1000)))
        },
    },
    Kind {
        name: "bytes that are no text",
        calls: 2,
        sends: 3,
        told: Some("the body is no text"),
        answer: |to, size| {
            let length = 14_000_000 + size * 1000;
            to.head(&format!("Content-Length: {length}"))?;
            to.repeat(b"{\xff\x00", length)
        },
    },
    Kind {
        name: "the key, over and over",
        calls: 4,
        sends: 1,
        told: None,
        answer: |to, size| {
            to.page("", ("canary-key-0123456789 canary\\u002dkey\\u002d0123456789", 1_000_000 + size * 2000))
        },
    },
];

fn show(cases: u64) -> String {
    if !cfg!(target_os = "linux") {
        return "skipped: only Linux tells a process's peak".into();
    }
    let (mut most, mut arrived, mut given_up) = ((0, ""), 0, 0);
    for case in 0..cases {
        let kind = &KINDS[(case % KINDS.len() as u64) as usize];
        let place = format!("case {case}, {}", kind.name);
        let (desk, asked) = world(kind, case);
        let (code, peak) = watched(&desk, &["run", "job.toml", "-q"]);
        assert!(peak <= LIMIT, "{place}: {} MiB", peak >> 20);
        let report = crate::cli::report(&desk);
        assert_eq!(code, if kind.told.is_some() { 3 } else { 0 }, "{place}: {report:#}");
        let sound = PLAIN + if kind.told.is_some() { 0 } else { kind.calls };
        assert_eq!(report["rows"]["notes"].as_u64(), Some(sound), "{place}: {report:#}");
        let told: u64 = reasons(&report, kind.told.unwrap_or_default());
        assert_eq!(told, PLAIN + kind.calls - sound, "{place}: {report:#}");
        assert_eq!(asked.load(Ordering::SeqCst), PLAIN + kind.calls * kind.sends, "{place}");
        most = most.max((peak, kind.name));
        (arrived, given_up) = (arrived + sound, given_up + told);
    }
    format!(
        "{} MiB at most ({}); {arrived} of {arrived} sound answers arrived, {given_up} hopeless ones told",
        most.0 >> 20,
        most.1
    )
}

/// Counts the calls that were given up for a reason.
fn reasons(report: &Value, reason: &str) -> u64 {
    let given_up = report["told"]["given_up"].as_object().unwrap();
    given_up.iter().filter(|(told, _)| told.contains(reason)).map(|(_, calls)| calls.as_u64().unwrap()).sum()
}

/// Runs the binary to its end; returns its exit code and its peak, in bytes.
fn watched(desk: &Desk, words: &[&str]) -> (i32, u64) {
    let mut child = desk.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let mut peak = 0;
    loop {
        // The peak only grows, so that a look every few milliseconds misses the last few at most.
        peak = peak.max(peak_of(&child));
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), peak);
        }
        if begun.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{words:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn peak_of(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map_or(0, |peak| peak * 1024)
}

/// How the ids of plain notes begin, and those of hostile ones, which end with a drawn size.
const PLAIN_ID: &str = "65000000";
const HOSTILE_ID: &str = "65000001";

/// A job of hostile and plain calls, in a drawn order, and a server that counts what it is asked.
fn world(kind: &'static Kind, case: u64) -> (Desk, Arc<AtomicU64>) {
    let mut draws = Draws(case);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut notes: Vec<String> = (0..PLAIN).map(|at| format!("\"{PLAIN_ID}{at:016x}\"")).collect();
    for at in 0..kind.calls {
        notes.insert(
            draws.below(notes.len() as u64) as usize,
            format!("\"{HOSTILE_ID}{at:08x}{:08x}\"", draws.below(1024)),
        );
    }
    let desk = Desk::new(&format!(
        "seeds = [{{ notes = [{}] }}]\nexpand = {{ authors = false }}\n[vendors.justoneapi]\n\
         concurrency = {CONCURRENCY}\nbase_url = \"http://{address}\"\n",
        notes.join(", ")
    ));
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, count) = (stream.unwrap(), count.clone());
            std::thread::spawn(move || {
                // A client that has had enough closes the connection: no fault of this side.
                let _ = serve(kind, &mut stream, &count);
            });
        }
    });
    (desk, asked)
}

/// Answers one request and closes the connection.
fn serve(kind: &Kind, stream: &mut TcpStream, asked: &AtomicU64) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        request.push(byte[0]);
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let text = String::from_utf8_lossy(&request);
    let id = text.split("noteId=").nth(1).unwrap().split(['&', ' ']).next().unwrap();
    let mut to = Answer(stream, id);
    match id.strip_prefix(HOSTILE_ID) {
        Some(rest) => (kind.answer)(&mut to, u64::from_str_radix(&rest[8..], 16).unwrap()),
        None => to.note("防晒霜"),
    }
}

/// An answer on its way, about a note.
struct Answer<'a>(&'a mut TcpStream, &'a str);

impl Answer<'_> {
    fn head(&mut self, fields: &str) -> std::io::Result<()> {
        write!(self.0, "HTTP/1.1 200 OK\r\nConnection: close\r\n{fields}\r\n\r\n")
    }

    fn whole(&mut self, body: &str) -> std::io::Result<()> {
        self.head(&format!("Content-Length: {}", body.len()))?;
        self.0.write_all(body.as_bytes())
    }

    /// Sends so many bytes of a word, again and again.
    fn repeat(&mut self, word: &[u8], mut length: u64) -> std::io::Result<()> {
        let block = word.repeat(65_536_usize.div_ceil(word.len().max(1)));
        while length > 0 {
            let part = length.min(block.len() as u64);
            self.0.write_all(&block[..part as usize])?;
            length -= part;
        }
        Ok(())
    }

    /// A sound answer that shows the note.
    fn note(&mut self, text: &str) -> std::io::Result<()> {
        self.whole(&self.shown("", text))
    }

    /// A sound answer with a field of its own, and a text made of so many bytes of a word that no table has.
    fn page(&mut self, field: &str, (word, length): (&str, u64)) -> std::io::Result<()> {
        let length = length / (word.len() as u64).max(1) * word.len() as u64;
        let (begin, end) = ("{\"odd\":\"", format!("\",{}", &self.shown(field, "防晒霜")[1..]));
        self.head(&format!("Content-Length: {}", begin.len() as u64 + length + end.len() as u64))?;
        self.0.write_all(begin.as_bytes())?;
        self.repeat(word.as_bytes(), length)?;
        self.0.write_all(end.as_bytes())
    }

    fn shown(&self, field: &str, text: &str) -> String {
        let note = format!(
            "{{\"id\":\"{}\",\"title\":\"t\",\"desc\":\"{text}\",\"type\":\"normal\",\"user\":{{\"userid\":\"u1\"}}}}",
            self.1
        );
        format!("{{\"code\":0,\"data\":[{{\"note_list\":[{note}]}}]{field}}}")
    }

    /// So many MB of zeros, a thousandth of them on the wire.
    fn bomb(&mut self, megabytes: u64) -> std::io::Result<()> {
        let mut block = Vec::with_capacity(1 << 20);
        let mut deflate = Compress::new(Compression::best(), false);
        // A full flush lets go of what came before, so that the block may stand any number of times.
        deflate.compress_vec(&vec![b' '; 1_000_000], &mut block, FlushCompress::Full).unwrap();
        self.head("Content-Encoding: gzip")?;
        self.0.write_all(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")?;
        self.repeat(&block, block.len() as u64 * megabytes)?;
        self.0.write_all(b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00")
    }
}
