//! A vendor on a bare socket: quick, and able to break off anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// One call that arrived.
pub(crate) struct Call {
    /// The last parts of the path, and the parameters less the key, on one line.
    pub(crate) line: String,
    /// The last parts of the path: `search-note/v2`.
    pub(crate) what: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) key: String,
    /// How many other calls have arrived and are not answered.
    pub(crate) others: usize,
}

/// What the vendor does about it, after a while.
pub(crate) struct Act {
    pub(crate) after: Duration,
    pub(crate) reply: Reply,
}

/// What the vendor says, or how it fails to.
pub(crate) enum Reply {
    /// A status, header lines that end in `\r\n`, and a body.
    Whole(u16, String, String),
    /// The same, broken off in the middle of the body.
    Cut(String),
    /// The connection ends without a byte.
    Reset,
    /// Nothing, until the caller goes away.
    Silence,
}

type Script = dyn Fn(&Call) -> Act + Send + Sync;

/// Starts a vendor on the runtime; returns its address.
pub(crate) async fn start(script: impl Fn(&Call) -> Act + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let (script, open): (Arc<Script>, _) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&open)));
        }
    });
    base_url
}

/// Answers the calls of one connection until either side ends it.
async fn serve(mut stream: TcpStream, script: Arc<Script>, open: Arc<AtomicUsize>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(read.drain(..end).collect()).ok()?;
        let call = call(&head, open.fetch_add(1, Ordering::SeqCst))?;
        let act = script(&call);
        tokio::time::sleep(act.after).await;
        // Before the answer goes out, so that nobody can answer back while the call still counts.
        open.fetch_sub(1, Ordering::SeqCst);
        match act.reply {
            Reply::Whole(status, headers, body) => {
                let text = format!("HTTP/1.1 {status} S\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).await.ok()?;
            }
            Reply::Cut(body) => {
                let half = body.len() / 2;
                let text = format!("HTTP/1.1 200 S\r\ncontent-length: {}\r\n\r\n{}", body.len(), &body[..half]);
                stream.write_all(text.as_bytes()).await.ok()?;
                return None;
            }
            Reply::Reset => return None,
            Reply::Silence => while stream.read_buf(&mut read).await.ok()? > 0 {},
        }
    }
}

fn call(head: &str, others: usize) -> Option<Call> {
    let url = Url::parse(&format!("http://vendor{}", head.split(' ').nth(1)?)).ok()?;
    let mut params: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let key = params.remove("token").unwrap_or_default();
    let parts: Vec<&str> = url.path().rsplit('/').take(2).collect();
    let what = format!("{}/{}", parts.get(1)?, parts.first()?);
    let words: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(Call { line: format!("{what} {}", words.join(" ")), what, params, key, others })
}

impl Call {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

/// A whole JSON answer.
pub(crate) fn json(body: &serde_json::Value) -> Reply {
    Reply::Whole(200, String::new(), body.to_string())
}

/// A whole JSON answer with a code and no data.
pub(crate) fn code(code: u16) -> Reply {
    json(&serde_json::json!({ "code": code, "message": "no", "data": null }))
}
