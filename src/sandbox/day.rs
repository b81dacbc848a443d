//! Reports at `/day`, beside the providers' own paths, which day a sandbox shows: runs take their clock from it.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

/// The path.
pub(super) const PATH: &str = "/day";
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read at most.
const MOST: u64 = 4096;

/// Returns the body that reports a day.
pub(super) fn report(day: u32) -> Value {
    json!({ "sandbox": "notemill", "day": day })
}

/// Asks the sandbox at an address which day it shows.
///
/// # Errors
///
/// Nothing answers there, or something else than a sandbox of notemill does.
pub fn day_of(address: &Url) -> io::Result<u32> {
    let other = || io::Error::new(io::ErrorKind::InvalidData, "what answers there is not a sandbox of notemill");
    let (host, port) = address.host_str().zip(address.port_or_known_default()).ok_or_else(other)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let socket = (bare, port).to_socket_addrs()?.next().ok_or_else(other)?;
    let mut stream = TcpStream::connect_timeout(&socket, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body.trim()).map_err(|_| other())?;
    let day = body["day"].as_u64().filter(|_| body["sandbox"] == "notemill");
    day.and_then(|day| u32::try_from(day).ok()).ok_or_else(other)
}
