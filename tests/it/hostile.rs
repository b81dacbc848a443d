//! A vendor that speaks HTTP, or anything else: it reads requests and does whatever a test wants with the connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scripted::Asked;

/// One thing that the vendor does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Reads so many bytes.
    Read(usize),
    /// Writes bytes.
    Send(Vec<u8>),
    /// Writes bytes one by one, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Says nothing more, and keeps the connection open.
    Hang,
    /// Ends the connection in good order.
    Close,
    /// Breaks the connection off.
    Reset,
}

type Greeting = dyn Fn(u64) -> Vec<Act> + Send + Sync;
type Script = dyn Fn(&Asked) -> Vec<Act> + Send + Sync;

/// A hostile vendor that is up until the runtime ends.
#[derive(Clone)]
pub(crate) struct Hostile {
    /// Its address, without a scheme: `127.0.0.1:4711`.
    pub(crate) address: String,
    connections: Arc<AtomicU64>,
    log: Arc<Mutex<Vec<Asked>>>,
    greeting: Arc<Greeting>,
    script: Arc<Script>,
}

impl Hostile {
    /// Starts a vendor that follows a script for each request.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::start_with(|_| Vec::new(), script).await
    }

    /// Starts a vendor that first does something with each connection, by its number from 1.
    pub(crate) async fn start_with(
        greeting: impl Fn(u64) -> Vec<Act> + Send + Sync + 'static,
        script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = Self {
            address: listener.local_addr().unwrap().to_string(),
            connections: Arc::default(),
            log: Arc::default(),
            greeting: Arc::new(greeting),
            script: Arc::new(script),
        };
        let own = vendor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream));
            }
        });
        vendor
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections came.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Every request so far, on a line each, less the key's parameter.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(Asked::line).collect()
    }

    async fn serve(self, mut stream: TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        if !act(&mut stream, (self.greeting)(number)).await {
            return;
        }
        while let Some(head) = request(&mut stream).await {
            let asked = self.note(&head);
            if !act(&mut stream, (self.script)(&asked)).await {
                return;
            }
        }
    }

    fn note(&self, head: &str) -> Asked {
        let target = head.split(' ').nth(1).unwrap_or_default();
        let url = url::Url::parse(&format!("http://vendor{target}")).unwrap();
        let mut asked = Asked::new(url.path(), url.query_pairs().into_owned().collect());
        let mut log = self.log.lock().unwrap();
        asked.before = log.iter().filter(|earlier| earlier.line() == asked.line()).count();
        log.push(asked.clone());
        asked
    }
}

/// Reads the head of one request; none when the client is gone.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Does some things in order; tells whether the connection goes on.
async fn act(stream: &mut TcpStream, acts: Vec<Act>) -> bool {
    for act in acts {
        let done = match act {
            Act::Read(bytes) => stream.read_exact(&mut vec![0; bytes]).await.map(|_| ()),
            Act::Send(bytes) => stream.write_all(&bytes).await,
            Act::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
            Act::Hang => {
                std::future::pending::<()>().await;
                Ok(())
            }
            Act::Close => {
                // Bytes that nobody read would turn the end into a reset.
                let _ = stream.shutdown().await;
                let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut Vec::new())).await;
                return false;
            }
            Act::Reset => {
                stream.set_zero_linger().unwrap();
                return false;
            }
        };
        if done.is_err() {
            return false;
        }
    }
    true
}

async fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        tokio::time::sleep(pause).await;
        stream.write_all(&[*byte]).await?;
    }
    Ok(())
}

/// Words an HTTP answer; its length is told unless the headers tell something about it.
pub(crate) fn http(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers_told: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut head = format!("HTTP/1.1 {status} Told\r\n{}", headers_told.concat());
    let is_told = |(name, _): &(&str, &str)| ["content-length", "transfer-encoding", "connection"].contains(name);
    if !headers.iter().any(is_told) {
        head = format!("{head}content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// A body in chunks, and what ends it.
pub(crate) fn chunks(body: &[u8], size: usize, end: &str) -> Vec<u8> {
    let chunks = body.chunks(size).map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    [chunks.collect::<Vec<_>>().concat(), end.as_bytes().to_vec()].concat()
}
