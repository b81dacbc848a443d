//! One request to one vendor, bounded in size and in time.

use std::error::Error as _;
use std::future::Future;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use tokio::time::Instant;
use url::Url;

use super::charset::to_utf8;
use super::decode::{ACCEPTED, Coding, DecodeError, decoded};
use super::room::{Place, Room};
use super::{Key, Proxy};
use crate::model::Billed;
use crate::vendor::{KeyPlace, Request};

/// The most bytes of a body that are read, packed and unpacked.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// Sends requests to one vendor. It follows no redirect, keeps no cookie, tells no referer and retries nothing.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    key: Key,
    place: KeyPlace,
    timeout: Duration,
    room: Room,
    proxy: Option<Proxy>,
}

/// Says why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP library could not start: no TLS roots, for instance.
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
}

/// An HTTP answer, whole.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// The body, unpacked, as UTF-8 where its character set is known, and less the key.
    pub body: Vec<u8>,
    /// Where the body is large: its place in the run's room, for as long as the body is held.
    pub place: Option<Place>,
}

/// Sorts failures to get a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The request never left: DNS, connection, TLS.
    NotSent,
    /// The request left, and no whole answer came: timeout, reset, cut body.
    Broken,
    /// The body is larger than [`MAX_BODY_BYTES`].
    TooLarge,
    /// The body is whole, in a content encoding that is not known here.
    Undecodable,
}

/// A failure to get a whole answer. Its text holds no address, no query and no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened.
    pub reason: String,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
}

impl Failure {
    /// Says whether the vendor may have charged for the call.
    pub fn billed(&self) -> Billed {
        if self.kind == FailureKind::NotSent { Billed::No } else { Billed::Unknown }
    }
}

impl Client {
    /// Makes a client for a vendor at an address. `room` is shared by all clients of a run.
    pub fn new(
        base_url: &Url,
        key: Key,
        place: KeyPlace,
        timeout: Duration,
        room: Room,
        proxy: Option<Proxy>,
    ) -> Result<Self, ClientError> {
        let plain = base_url.scheme() == "http";
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED))]))
            .retry(reqwest::retry::never())
            .https_only(!plain)
            // A connection of its own for each call: what breaks one breaks no other, and see `Room`.
            .http1_only()
            // Well before the timeout of the whole call, so that one that never left is known as that.
            .connect_timeout((timeout / 2).min(Duration::from_secs(20)))
            .user_agent(concat!("notemill/", env!("CARGO_PKG_VERSION")));
        let http = |error: reqwest::Error| ClientError::Http(error.without_url());
        // The library would read the environment, too: there is one proxy, and who calls says which.
        builder = builder.no_proxy();
        if let Some(proxy) = &proxy {
            builder = builder.proxy(proxy.to_reqwest().map_err(http)?);
        } else if plain {
            // Without TLS, no roots need be read.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(http)?;
        Ok(Self { http, base_url: base_url.clone(), key, place, timeout, room, proxy })
    }

    /// Sends a request and reads the whole answer, with the time that it took.
    pub async fn send(&self, request: &Request) -> (Result<HttpAnswer, Failure>, Duration) {
        let mut clock = Clock { begun: Instant::now(), timeout: self.timeout, waited: Duration::ZERO };
        let answer = self.exchange(request, &mut clock).await;
        (answer, clock.begun.elapsed().saturating_sub(clock.waited))
    }

    async fn exchange(&self, request: &Request, clock: &mut Clock) -> Result<HttpAnswer, Failure> {
        let sent = self.http.get(self.url(request)).headers(self.headers()).send();
        let mut response = clock.within(sent).await?.map_err(|error| self.failure(error))?;
        let status = response.status().as_u16();
        if let Some(proxy) = self.proxy.as_ref().filter(|_| status == 407 && self.base_url.scheme() == "http") {
            // The proxy's own answer: without TLS there is no tunnel that would tell the two apart.
            let reason = format!("cannot connect: {}", proxy.wants_credentials());
            return Err(Failure { kind: FailureKind::NotSent, reason, status: Some(status) });
        }
        let retry_after = retry_after(response.headers());
        let (mut body, mut place) = (Vec::new(), None);
        let cut = |error| Failure { status: Some(status), ..self.failure(error) };
        let packing = Packing::of(response.headers());
        let is_told = response.headers().contains_key(CONTENT_LENGTH);
        let (mut broke, mut end) = (false, None);
        loop {
            let chunk = clock.within(response.chunk()).await.and_then(|chunk| {
                chunk.map_err(|error| {
                    broke = is_from_network(&error);
                    cut(error)
                })
            });
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(failure) if is_told || broke => {
                    end = Some(failure);
                    break;
                }
                Err(failure) => return Err(failure),
            };
            let length = body.len() + chunk.len();
            if length > MAX_BODY_BYTES {
                return Err(too_large(status));
            }
            if place.is_none() && length > self.room.free() {
                place = Some(clock.aside(self.room.enter()).await);
                // In one step: what grows by and by leaves holes behind that the allocator keeps.
                body.reserve_exact(MAX_BODY_BYTES - body.len());
            }
            body.extend_from_slice(&chunk);
        }
        let body = match self.unpacked(body, &packing, status, &mut place, clock, end.is_some()).await {
            Ok(body) => to_utf8(body, &packing.content_type),
            Err(failure) => return Err(end.unwrap_or(failure)),
        };
        match end {
            // All that was paid for is here: only its length, or its end, was told wrong.
            Some(failure) if !is_whole(&body) => Err(failure),
            _ if body.len() > MAX_BODY_BYTES => Err(too_large(status)),
            _ => Ok(HttpAnswer { status, retry_after, body: self.key.scrub(body), place }),
        }
    }

    /// Undoes the encodings of a body. One that broke off, `is_cut`, is unpacked as far as it goes.
    async fn unpacked(
        &self,
        body: Vec<u8>,
        packing: &Packing,
        status: u16,
        place: &mut Option<Place>,
        clock: &mut Clock,
        is_cut: bool,
    ) -> Result<Vec<u8>, Failure> {
        let fails = |kind, reason| Err(Failure { kind, reason, status: Some(status) });
        let codings = match packing.of_body(&body) {
            Ok(codings) if codings.is_empty() => return Ok(body),
            Ok(codings) => codings,
            Err(name) if (200..300).contains(&status) => {
                let reason = format!("the answer is compressed with `{name}`, which is not one of {ACCEPTED}");
                return fails(FailureKind::Undecodable, reason);
            }
            // The status says what follows.
            Err(_) => return Ok(Vec::new()),
        };
        let limit = if place.is_some() { MAX_BODY_BYTES } else { self.room.free() };
        let (mut out, mut error) = decoded(&body, &codings, limit);
        if error == Some(DecodeError::TooLarge) && place.is_none() {
            // No decoder waits for a place: its window may be as large as a body. So it is unpacked from the start again.
            drop(out);
            *place = Some(clock.aside(self.room.enter()).await);
            (out, error) = decoded(&body, &codings, MAX_BODY_BYTES);
        }
        match error {
            None => Ok(out),
            Some(DecodeError::TooLarge) => Err(too_large(status)),
            // It is not packed after all.
            Some(_) if packing.names_none() || (out.is_empty() && std::str::from_utf8(&body).is_ok()) => Ok(body),
            Some(DecodeError::Cut(_)) if is_cut => Ok(out),
            Some(error) => fails(FailureKind::Broken, error.to_string()),
        }
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        // It holds the key.
        let error = error.without_url();
        let failure = failure(&error);
        match &self.proxy {
            Some(proxy) if error.is_connect() => {
                Failure { reason: format!("cannot connect: {}", proxy.blame(&error)), ..failure }
            }
            _ => failure,
        }
    }

    /// Puts the address together; the key is added here, last, and nowhere else.
    fn url(&self, request: &Request) -> Url {
        let mut url = self.base_url.clone();
        let path = format!("{}{}", url.path().trim_end_matches('/'), request.path);
        url.set_path(&path);
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in &request.query {
            query.append_pair(name, value);
        }
        if let Some(name) = &self.place.query {
            query.append_pair(name, self.key.expose());
        }
        drop(query);
        url
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(name) = &self.place.header {
            let value = HeaderValue::from_str(&format!("{}{}", self.place.prefix, self.key.expose()));
            if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// What an answer's headers say of the form of its body.
struct Packing {
    /// The encodings in the order in which they were applied, or the name of one that is not known here.
    codings: Result<Vec<Coding>, String>,
    content_type: String,
}

impl Packing {
    fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self { codings: Coding::all(headers), content_type: content_type.unwrap_or_default().into_owned() }
    }

    fn names_none(&self) -> bool {
        self.codings.as_ref().is_ok_and(Vec::is_empty)
    }

    /// Returns the encodings of a body: those that the headers name, or what its first bytes tell if they name none.
    ///
    /// What is called packed and is plain JSON is not packed. An error is the name of an encoding that is not known here.
    fn of_body(&self, body: &[u8]) -> Result<Vec<Coding>, &str> {
        match &self.codings {
            Ok(named) if named.is_empty() => Ok(Coding::of_unnamed(body).into_iter().collect()),
            _ if is_whole(body) => Ok(Vec::new()),
            Ok(named) => Ok(named.clone()),
            Err(_) if is_page(body) => Ok(Vec::new()),
            Err(name) => Err(name),
        }
    }
}

fn too_large(status: u16) -> Failure {
    let reason = format!("the body is larger than {} MiB", MAX_BODY_BYTES >> 20);
    Failure { kind: FailureKind::TooLarge, reason, status: Some(status) }
}

/// Tells whether a body is text that begins as HTML or JSON does.
fn is_page(body: &[u8]) -> bool {
    std::str::from_utf8(body)
        .is_ok_and(|text| text.trim_start_matches('\u{feff}').trim_start().starts_with(['<', '{', '[']))
}

/// The time that a call may take, less what it waits for on our side.
struct Clock {
    begun: Instant,
    timeout: Duration,
    waited: Duration,
}

impl Clock {
    /// Awaits what the vendor does, until the timeout.
    async fn within<T>(&self, doing: impl Future<Output = T>) -> Result<T, Failure> {
        let done = tokio::time::timeout_at(self.begun + self.timeout + self.waited, doing).await;
        done.map_err(|_| {
            let reason = format!("no whole answer within {} s", self.timeout.as_secs_f32());
            Failure { kind: FailureKind::Broken, reason, status: None }
        })
    }

    /// Awaits what happens on our side, while the clock stands.
    async fn aside<T>(&mut self, doing: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = doing.await;
        self.waited += begun.elapsed();
        done
    }
}

/// Tells whether a body is an object or a list of JSON to its end: no part of one is.
fn is_whole(body: &[u8]) -> bool {
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"{[".contains(byte));
    begins && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Tells whether the connection broke, and not a checksum of what came over it.
fn is_from_network(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<hyper::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn failure(error: &reqwest::Error) -> Failure {
    let kind = if error.is_connect() || error.is_builder() { FailureKind::NotSent } else { FailureKind::Broken };
    let what = match kind {
        FailureKind::NotSent => "cannot connect",
        _ if error.is_timeout() => "no answer in time",
        _ if error.is_body() || error.is_decode() => "the answer was cut short",
        _ => "the connection broke before an answer",
    };
    // The innermost cause says it best ("connection refused"); the ones between repeat each other.
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Failure { kind, reason: format!("{what}: {}", crate::model::shown(&cause.to_string(), 120)), status: None }
}

/// Reads `Retry-After`: seconds, or a date against the answer's own clock. What makes no sense is no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let now = headers.get(reqwest::header::DATE).and_then(|value| date(value.to_str().ok()?));
    Some(date(text)?.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::vendor::builtin;

    fn client(vendor: &str, base: &str) -> Client {
        let place = builtin(vendor).unwrap().key;
        Client::new(
            &base.parse().unwrap(),
            Key::new("a+b/c=d").unwrap(),
            place,
            Duration::from_secs(5),
            Room::new(1),
            None,
        )
        .unwrap()
    }

    #[test]
    fn the_key_travels_where_the_description_says_and_nowhere_else() {
        let request = Request { path: "/x".into(), query: vec![("keyword".into(), "防&晒".into())] };
        let justone = client("justoneapi", "http://127.0.0.1:9/base/");
        assert_eq!(
            justone.url(&request).as_str(),
            "http://127.0.0.1:9/base/x?keyword=%E9%98%B2%26%E6%99%92&token=a%2Bb%2Fc%3Dd"
        );
        assert!(justone.headers().is_empty());
        let spider = client("spiderhubs", "http://127.0.0.1:9");
        assert!(!spider.url(&request).as_str().contains("a%2Bb"));
        assert_eq!(spider.headers()["authorization"], "Bearer a+b/c=d");
        for shown in [format!("{justone:?}"), format!("{spider:?}"), format!("{:?}", spider.headers())] {
            assert!(!shown.contains("a+b/c=d") && !shown.contains("a%2Bb"), "{shown}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("date", "Sun, 22 Nov 2026 10:00:00 GMT".parse().unwrap());
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 22 Nov 2026 10:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(read("Sunday, 22-Nov-26 10:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(read("Sun Nov 22 10:01:30 2026"), Some(Duration::from_secs(90)));
        assert_eq!(read("Sun, 22 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-5", "1.5", "soon", "100000000000000000000"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[tokio::test]
    async fn a_port_where_nothing_listens_is_not_sent_and_not_billed() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = client("justoneapi", &format!("http://127.0.0.1:{port}"));
        let (answer, _) = client.send(&Request { path: "/x".into(), query: Vec::new() }).await;
        let failure = answer.unwrap_err();
        assert_eq!((failure.kind, failure.billed()), (FailureKind::NotSent, Billed::No));
        assert!(failure.reason.starts_with("cannot connect"), "{}", failure.reason);
    }

    #[tokio::test]
    async fn a_wait_for_room_does_not_count_towards_the_timeout() {
        use std::io::{Read as _, Write as _};

        const LENGTH: usize = 2 << 20;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
            stream.write_all(&vec![b'x'; LENGTH]).unwrap();
        });
        let (room, timeout) = (Room::new(1), Duration::from_secs(1));
        let mut places = Vec::new();
        while let Some(place) = room.enter().now_or_never() {
            places.push(place);
        }
        let place = builtin("justoneapi").unwrap().key;
        let client = Client::new(&base.parse().unwrap(), Key::new("k").unwrap(), place, timeout, room, None).unwrap();
        let request = Request { path: "/x".into(), query: Vec::new() };
        let later = async {
            tokio::time::sleep(timeout + Duration::from_millis(200)).await;
            drop(places);
        };
        let ((answer, took), ()) = tokio::join!(client.send(&request), later);
        assert_eq!(answer.unwrap().body.len(), LENGTH);
        assert!(took < timeout, "{took:?} is the vendor's time alone");
        served.join().unwrap();
    }
}
