//! The kinds of faults, and what each must lead to.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use notemill::model::{Billed, Endpoint, Outcome};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::super::Draws;
use crate::hostile::{Act, chunks, http};

type Answering = Box<dyn Fn(&[u8]) -> Vec<Act> + Send + Sync>;

/// Where the fault is.
pub(super) enum Fault {
    /// In what comes in place of the right answer to one call.
    Answer(Answering),
    /// At the beginning of each connection.
    Connection(Vec<Act>),
    /// In what comes in place of a TLS handshake.
    Tls(Vec<Act>),
    /// In the vendor's address.
    Address(String),
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Fine,
    Gone(Billed),
    /// Passes, and costs nothing.
    Passing,
    /// Passes, and may have been billed.
    Maybe,
    /// Nobody said what it means.
    Unnamed,
    Throttled,
    Stopped,
    Refused,
    Rejected,
    /// The request never left.
    Unreached,
}

impl Class {
    /// Outcome, attempts and bill of a call that meets it once, or always.
    pub(super) fn leads_to(self, always: bool, endpoint: Endpoint) -> (Outcome, u32, Billed) {
        match self {
            Self::Fine => (Outcome::Ok, 1, Billed::Yes),
            // Of a list it is the end.
            Self::Gone(billed) if matches!(endpoint, Endpoint::SearchNotes | Endpoint::UserNotes) => {
                (Outcome::Empty, 1, billed)
            }
            Self::Gone(billed) => (Outcome::Gone, 1, billed),
            Self::Rejected => (Outcome::Reject, 1, Billed::No),
            _ if !always => (Outcome::Ok, 2, Billed::Yes),
            Self::Passing => (Outcome::Retry, 5, Billed::No),
            Self::Maybe => (Outcome::Retry, 3, Billed::Unknown),
            Self::Unnamed => (Outcome::Unknown, 2, Billed::Unknown),
            Self::Throttled | Self::Stopped | Self::Refused | Self::Unreached => unreachable!("they end the run"),
        }
    }
}

pub(super) struct Kind {
    pub(super) name: String,
    pub(super) class: Class,
    /// Whether the vendor's own books bill a call that meets it.
    pub(super) billed: bool,
    /// A part of the reason that is told.
    pub(super) reason: &'static str,
    pub(super) fault: Fault,
    /// Whether the vendor stops talking, so that only the timeout helps.
    pub(super) hangs: bool,
    /// How long the vendor asks to wait.
    pub(super) waits: Duration,
    /// The vendor that it is about; none for any.
    pub(super) vendor: Option<&'static str>,
}

fn kind(name: &str, class: Class, reason: &'static str, fault: Fault) -> Kind {
    let billed =
        matches!(class, Class::Fine | Class::Maybe | Class::Gone(Billed::Yes)) || matches!(class, Class::Unnamed);
    let (hangs, waits, vendor) = (false, Duration::ZERO, None);
    Kind { name: name.to_owned(), class, billed, reason, fault, hangs, waits, vendor }
}

fn answer(acts: impl Fn(&[u8]) -> Vec<Act> + Send + Sync + 'static) -> Fault {
    Fault::Answer(Box::new(acts))
}

/// Sends bytes and closes.
fn last(acts: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Fault {
    answer(move |body| vec![Act::Send(acts(body)), Act::Close])
}

/// Sends one whole HTTP answer with a body of its own.
fn whole(status: u64, headers: &[(&'static str, &str)], body: &'static str) -> Fault {
    let headers: Vec<(&'static str, String)> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    answer(move |_| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        vec![Act::Send(http(status as u16, &headers, body.as_bytes()))]
    })
}

const HTML: &str = "<!doctype html><html><body>try again later</body></html>";

/// Every kind; `elsewhere` is the address of another server.
pub(super) fn kinds(draws: &mut Draws, elsewhere: &str) -> Vec<Kind> {
    let mut all = before_the_request(draws);
    all.extend(heads());
    all.extend(bodies(draws));
    all.extend(statuses(draws, elsewhere));
    all.extend(codes(draws));
    all
}

fn before_the_request(draws: &mut Draws) -> Vec<Kind> {
    use Class::{Maybe, Unreached};
    let one_of = |draws: &mut Draws, from: u64, to: u64| (from + draws.below(to - from)) as usize;
    let label = "n".repeat(one_of(draws, 64, 200));
    let garbage: Vec<u8> = (0..one_of(draws, 6, 400)).map(|_| draws.below(256) as u8).collect();
    let plain = http(400, &[], HTML.as_bytes());
    let begun = one_of(draws, 1, 40);
    vec![
        kind("a name that does not resolve", Unreached, "", Fault::Address(format!("http://{label}.example"))),
        kind("a port where nobody listens", Unreached, "", Fault::Address(format!("http://{}", silent_port()))),
        kind("plain text for TLS", Unreached, "", Fault::Tls(vec![Act::Send(plain), Act::Close])),
        kind("closed in the handshake", Unreached, "", Fault::Tls(vec![Act::Read(begun), Act::Close])),
        kind("reset in the handshake", Unreached, "", Fault::Tls(vec![Act::Read(begun), Act::Reset])),
        kind("garbage for TLS", Unreached, "", Fault::Tls(vec![Act::Send([vec![0], garbage].concat()), Act::Close])),
        kind("closed before the request", Maybe, "", Fault::Connection(vec![Act::Close])),
        kind("reset before the request", Maybe, "", Fault::Connection(vec![Act::Reset])),
        kind("closed in the request", Maybe, "", Fault::Connection(vec![Act::Read(begun), Act::Close])),
        kind("reset in the request", Maybe, "", Fault::Connection(vec![Act::Read(begun), Act::Reset])),
    ]
}

fn heads() -> Vec<Kind> {
    use Class::{Fine, Maybe, Unnamed};
    const BROKE: &str = "the connection broke before an answer";
    let after = |head: &'static str| last(move |body| [head.as_bytes(), body].concat());
    let early =
        |head: &'static str| answer(move |body| vec![Act::Send([head.as_bytes(), &http(200, &[], body)].concat())]);
    let mut hung = kind("not one byte", Maybe, "no whole answer within", answer(|_| vec![Act::Hang]));
    hung.hangs = true;
    vec![
        hung,
        kind("closed after the request", Maybe, BROKE, answer(|_| vec![Act::Close])),
        kind("reset after the request", Maybe, BROKE, answer(|_| vec![Act::Reset])),
        kind("another protocol", Maybe, BROKE, after("220 smtp ready\r\n\r\n")),
        kind("half a status line", Maybe, BROKE, last(|_| b"HTTP/1.1 2".to_vec())),
        kind("a status that is no number", Maybe, BROKE, after("HTTP/1.1 abc OK\r\n\r\n")),
        kind("a version that nobody knows", Maybe, BROKE, after("HTTP/7.3 200 OK\r\n\r\n")),
        kind("garbage for a header", Maybe, BROKE, after("HTTP/1.1 200 OK\r\n\0\u{1}\u{7f}\r\n\r\n")),
        kind(
            "an endless header",
            Maybe,
            BROKE,
            answer(|_| vec![Act::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Act::Send(vec![b'a'; 4 << 20]), Act::Close]),
        ),
        kind(
            "too many headers",
            Maybe,
            BROKE,
            last(|_| ["HTTP/1.1 200 OK\r\n", &"x: 1\r\n".repeat(2000), "\r\n"].concat().into_bytes()),
        ),
        kind("a length that is no number", Maybe, BROKE, after("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n")),
        kind("two lengths", Maybe, BROKE, after("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 50\r\n\r\n")),
        kind("HTTP/1.0", Fine, "", after("HTTP/1.0 200 OK\r\n\r\n")),
        kind("100 first", Fine, "", early("HTTP/1.1 100 Continue\r\n\r\n")),
        kind("103 first", Fine, "", early("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")),
        kind(
            "another protocol, politely",
            Unnamed,
            "",
            last(|_| b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec()),
        ),
        kind(
            "two answers at once",
            Fine,
            "",
            answer(|body| vec![Act::Send([http(200, &[], body), http(200, &[], b"{\"code\":100}")].concat())]),
        ),
    ]
}

fn bodies(draws: &mut Draws) -> Vec<Kind> {
    use Class::{Fine, Maybe, Passing, Unnamed};
    const CUT: &str = "the answer was cut short";
    let share = 1 + draws.below(98) as usize;
    let part = move |body: &[u8]| body[..(body.len() * share / 100).max(1)].to_vec();
    let length = |body: &[u8], more: isize| (body.len() as isize + more).to_string();
    let chunked = |chunks: Vec<u8>| http(200, &[("transfer-encoding", "chunked")], &chunks);
    let as_gzip = |bytes: &[u8]| http(200, &[("content-encoding", "gzip")], bytes);
    let open = |body: &[u8]| http(200, &[("connection", "close")], body);
    let more = 1 + draws.below(500) as isize;
    let flip = draws.below(1000) as usize;
    let mut silent = kind(
        "headers, then nothing",
        Maybe,
        "no whole answer within",
        answer(move |body| vec![Act::Send(http(200, &[("content-length", &length(body, 0))], b"")), Act::Hang]),
    );
    let mut drip = kind(
        "a byte now and then",
        Maybe,
        "no whole answer within",
        answer(move |body| {
            let head = http(200, &[("content-length", &length(body, 0))], b"");
            vec![Act::Send(head), Act::Drip(body.to_vec(), Duration::from_millis(50)), Act::Hang]
        }),
    );
    (silent.hangs, drip.hangs) = (true, true);
    vec![
        silent,
        drip,
        kind(
            "cut, with its length",
            Maybe,
            CUT,
            last(move |body| http(200, &[("content-length", &length(body, 0))], &part(body))),
        ),
        kind("cut, without length", Maybe, "is cut short", last(move |body| open(&part(body)))),
        kind("whole, without length", Fine, "", last(move |body| open(body))),
        kind(
            "reset in the body",
            Maybe,
            "",
            answer(move |body| {
                vec![Act::Send(http(200, &[("content-length", &length(body, 0))], &part(body))), Act::Reset]
            }),
        ),
        kind(
            "a length that is too long",
            Fine,
            "",
            last(move |body| http(200, &[("content-length", &length(body, more))], body)),
        ),
        kind(
            "a length that is too short",
            Maybe,
            "is cut short",
            last(move |body| {
                let length = (body.len() * share / 100).max(1).to_string();
                http(200, &[("content-length", &length)], body)
            }),
        ),
        kind("chunks", Fine, "", answer(move |body| vec![Act::Send(chunked(chunks(body, 7, "0\r\n\r\n")))])),
        kind("a chunk of a bad size", Fine, "", last(move |body| chunked(chunks(body, 7, "zz\r\n")))),
        kind(
            "a chunk of an endless size",
            Fine,
            "",
            last(move |body| chunked(chunks(body, 7, "fffffffffffffffff\r\n"))),
        ),
        kind("chunks without an end", Fine, "", last(move |body| chunked(chunks(body, 7, "")))),
        kind("cut in a chunk", Maybe, CUT, last(move |body| chunked([b"ffff\r\n", &part(body)[..]].concat()))),
        kind("whole, and cut in a chunk", Fine, "", last(move |body| chunked([b"ffff\r\n", body].concat()))),
        kind("gzip", Fine, "", answer(move |body| vec![Act::Send(as_gzip(&gzip(body)))])),
        kind(
            "damaged gzip",
            Maybe,
            "the answer is damaged: its gzip data",
            answer(move |body| {
                let mut bytes = gzip(body);
                let at = 15 + flip % body.len();
                bytes[at] ^= 1;
                vec![Act::Send(as_gzip(&bytes))]
            }),
        ),
        kind("cut gzip", Maybe, CUT, answer(move |body| vec![Act::Send(as_gzip(&part(&gzip(body))))])),
        kind("called gzip, and plain", Fine, "", answer(move |body| vec![Act::Send(as_gzip(body))])),
        kind("gzip, called plain", Fine, "", answer(move |body| vec![Act::Send(http(200, &[], &gzip(body)))])),
        kind(
            "deflate without its frame",
            Fine,
            "",
            answer(move |body| vec![Act::Send(http(200, &[("content-encoding", "deflate")], &stored(body)))]),
        ),
        kind(
            "called br, and plain",
            Fine,
            "",
            answer(|body| vec![Act::Send(http(200, &[("content-encoding", "br")], body))]),
        ),
        kind(
            "JSON called HTML, with a mark",
            Fine,
            "",
            answer(|body| {
                vec![Act::Send(http(200, &[("content-type", "text/html")], &["\u{feff} ".as_bytes(), body].concat()))]
            }),
        ),
        kind("HTML with 200", Passing, "is no JSON", whole(200, &[], HTML)),
        kind("a word with 200", Passing, "is no JSON", whole(200, &[], "busy")),
        kind("nothing with 200", Maybe, "is empty", whole(200, &[], "")),
        kind("blanks with 200", Maybe, "is empty", whole(200, &[], " \r\n\t ")),
        kind("JSON of another kind", Unnamed, "HTTP 200", whole(200, &[], "{\"ok\":true}")),
        kind("a list", Unnamed, "HTTP 200", whole(200, &[], "[1,2,3]")),
    ]
}

fn statuses(draws: &mut Draws, elsewhere: &str) -> Vec<Kind> {
    use Class::{Fine, Maybe, Passing, Refused, Rejected, Stopped, Throttled, Unnamed};
    let mut one_of = |all: &[u64]| all[draws.below(all.len() as u64) as usize];
    let away = format!("http://{elsewhere}/api?token=x");
    let redirect = one_of(&[301, 302, 303, 307, 308]);
    let throttle = |name: &str, headers: &[(&'static str, &str)], seconds: u64| {
        let mut kind = kind(name, Throttled, "", whole(429, headers, HTML));
        kind.waits = Duration::from_secs(seconds);
        kind
    };
    let now = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
    vec![
        kind("204", Maybe, "is empty", answer(|_| vec![Act::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())])),
        kind("304", Passing, "HTTP 304", answer(|_| vec![Act::Send(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec())])),
        kind("a redirect", Passing, "HTTP 3", whole(redirect, &[("location", &away)], "")),
        kind(
            "a redirect with HTML",
            Passing,
            "HTTP 3",
            whole(redirect, &[("location", &away), ("refresh", "0; url=/")], HTML),
        ),
        kind(
            "a bad call",
            Rejected,
            "HTTP 4",
            whole(one_of(&[400, 404, 405, 406, 410, 413, 414, 422, 451]), &[], HTML),
        ),
        kind("a refused key", Refused, "HTTP 40", whole(one_of(&[401, 403]), &[("www-authenticate", "Basic")], HTML)),
        kind("no money", Stopped, "HTTP 402", whole(402, &[], "pay")),
        kind("too early", Passing, "HTTP 4", whole(one_of(&[408, 425]), &[], HTML)),
        kind("a server's failure", Passing, "HTTP 5", whole(one_of(&[500, 501, 502, 503, 504, 520, 599]), &[], HTML)),
        kind("a server's failure, soon over", Passing, "HTTP 503", whole(503, &[("retry-after", "3600")], HTML)),
        kind("a right answer with 500", Fine, "", answer(|body| vec![Act::Send(http(500, &[], body))])),
        kind("a right answer with 404", Fine, "", answer(|body| vec![Act::Send(http(404, &[], body))])),
        kind("a status beyond all", Unnamed, "HTTP 7", whole(one_of(&[700, 799]), &[], HTML)),
        throttle("429 with seconds", &[("retry-after", "1")], 1),
        throttle("429 with a date", &[now, ("retry-after", "Sun, 22 Nov 2026 10:00:01 GMT")], 1),
        throttle("429 with a date that is over", &[now, ("retry-after", "Sun, 22 Nov 2020 10:00:01 GMT")], 0),
        throttle("429 with nonsense", &[("retry-after", "-1; soon")], 0),
        throttle("429 with bytes", &[("retry-after", "\u{1f512}")], 0),
        throttle("429 alone", &[], 0),
    ]
}

/// Every business code: as a number or as text, under HTTP 200 or under a status of its own.
fn codes(draws: &mut Draws) -> Vec<Kind> {
    use Billed::{No, Yes};
    use Class::{Fine, Gone, Maybe, Passing, Refused, Rejected, Stopped, Throttled, Unnamed};
    let justoneapi = [
        (0, 200, Fine),
        (201, 201, Gone(Yes)),
        (404, 404, Gone(No)),
        (301, 301, Passing),
        (500, 500, Passing),
        (503, 503, Passing),
        (302, 302, Throttled),
        (303, 303, Stopped),
        (601, 402, Stopped),
        (602, 402, Stopped),
        (100, 401, Refused),
        (600, 403, Refused),
        (400, 400, Rejected),
        (777, 500, Unnamed),
    ];
    let spiderhubs = [
        (200, 200, Fine),
        (400, 400, Rejected),
        (401, 401, Refused),
        (402, 402, Stopped),
        (403, 403, Refused),
        (404, 404, Rejected),
        (422, 422, Rejected),
        (429, 429, Throttled),
        (500, 500, Passing),
        (503, 503, Passing),
        (999, 500, Unnamed),
    ];
    let inner = [(200, Fine), (-510_000, Gone(Yes)), (-510_001, Gone(Yes)), (300_013, Maybe), (-1, Maybe)];
    let mut all = Vec::new();
    let mut add = |vendor: &'static str, code: i64, class: Class, status: u64, place: &'static str| {
        let as_text = draws.below(2) == 0;
        let status = if draws.below(2) == 0 { 200 } else { status };
        let word = if as_text { json!(code.to_string()) } else { json!(code) };
        let name = format!("{vendor} {place} {word} under {status}");
        let fault = answer(move |body| {
            let mut answer: Value = serde_json::from_slice(body).unwrap();
            *answer.pointer_mut(place).unwrap() = word.clone();
            if !matches!(class, Fine) && place == "/code" {
                answer["data"] = Value::Null;
                answer["message"] = json!("the vendor's words");
            }
            vec![Act::Send(http(status as u16, &[], answer.to_string().as_bytes()))]
        });
        let mut kind =
            kind(&name, class, if place == "/code" { "the vendor's words" } else { "the platform answered" }, fault);
        kind.vendor = Some(vendor);
        all.push(kind);
    };
    for (code, status, class) in justoneapi {
        add("justoneapi", code, class, status, "/code");
    }
    for (code, status, class) in spiderhubs {
        add("spiderhubs", code, class, status, "/code");
    }
    for (code, class) in inner {
        add("spiderhubs", code, class, 200, "/data/code");
    }
    all
}

/// An address that is taken, and where nobody listens.
fn silent_port() -> SocketAddr {
    static TAKEN: LazyLock<TcpSocket> = LazyLock::new(|| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket
    });
    TAKEN.local_addr().unwrap()
}

/// Bytes as deflate takes them when it compresses nothing.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
}

/// Bytes as gzip, not compressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let crc = !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    let length = bytes.len() as u32;
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    [&head[..], &stored(bytes), &crc.to_le_bytes(), &length.to_le_bytes()].concat()
}
