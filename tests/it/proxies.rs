//! Calls that go through a proxy: SOCKS and HTTP; and what is said of one that is down, refuses, or is no proxy at all.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use notemill::crawl::{Begin, Ended};
use notemill::fetch::Proxy;
use notemill::job::Job;
use notemill::model::Billed;

use crate::cli::Desk;
use crate::scripted::{Scripted, full, note_id};
use crate::support::World;

/// A proxy that is up until the test ends; it notes each connection that it is asked for.
struct Proxied {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxied {
    /// `serve` greets a client, and returns what it asked for; what it then returns is connected to the vendor.
    fn start(serve: impl Fn(&mut TcpStream) -> Option<(String, String)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let Some((what, vendor)) = serve(&mut client) else { continue };
                own.lock().unwrap().push(what);
                let mut vendor = TcpStream::connect(vendor).unwrap();
                let (mut from, mut to) = (client.try_clone().unwrap(), vendor.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                std::thread::spawn(move || std::io::copy(&mut vendor, &mut client));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn bytes<const N: usize>(client: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

/// Greets a SOCKS 5 client, which must know the password if there is one; returns the name that it asks for.
fn socks(client: &mut TcpStream, password: Option<&str>) -> Option<String> {
    let [_, methods] = bytes(client);
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).unwrap();
    client.write_all(&[5, if password.is_some() { 2 } else { 0 }]).unwrap();
    if let Some(password) = password {
        let [_, length] = bytes(client);
        let mut user = vec![0; length.into()];
        client.read_exact(&mut user).unwrap();
        let [length] = bytes(client);
        let mut given = vec![0; length.into()];
        client.read_exact(&mut given).unwrap();
        let is_right = given == password.as_bytes();
        client.write_all(&[1, u8::from(!is_right)]).unwrap();
        if !is_right {
            return None;
        }
    }
    let [_, _, _, kind] = bytes(client);
    let name = if kind == 3 {
        let [length] = bytes(client);
        let mut name = vec![0; length.into()];
        client.read_exact(&mut name).unwrap();
        String::from_utf8(name).unwrap()
    } else {
        format!("{:?}", bytes::<4>(client))
    };
    let _port: [u8; 2] = bytes(client);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    Some(name)
}

/// Reads the head of a request.
fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(bytes::<1>(client)[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A run of one note at an address, as the environment says.
fn through(world: &World, address: &str, set: &[(&str, String)]) -> Job {
    let id = note_id(1, 1_700_000_000);
    let mut job = world.job(&format!("seeds = [{{ notes = [\"{id}\"] }}]\n[expand]\nauthors = false\n"));
    let variable = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
    for settings in job.vendors.values_mut() {
        settings.base_url = address.parse().unwrap();
        settings.proxy = Proxy::read(&settings.base_url, variable).unwrap();
    }
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_through_socks_with_the_name_or_with_a_password() {
    let vendor = Scripted::start(full).await;
    let target = vendor.base_url.trim_start_matches("http://").to_owned();
    for (scheme, user, password) in
        [("socks5h", "", None), ("socks5h", "me:p%40ss@", Some("p@ss")), ("socks5", "", None)]
    {
        let target = target.clone();
        let proxy = Proxied::start(move |client| Some((socks(client, password)?, target.clone())));
        let world = World::new(&vendor.base_url);
        let address = if scheme == "socks5h" { "http://vendor.invalid" } else { "http://192.0.2.7" };
        let job = through(&world, address, &[("ALL_PROXY", format!("{scheme}://{user}127.0.0.1:{}", proxy.port))]);
        assert_eq!(world.run_as(&job, Begin::Continue).await, Ended::Complete, "{scheme}");
        let wanted = if scheme == "socks5h" { "vendor.invalid" } else { "[192, 0, 2, 7]" };
        assert!(!proxy.asked().is_empty() && proxy.asked().iter().all(|asked| asked == wanted), "{:?}", proxy.asked());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_down_or_refuses_is_named_with_its_variable_and_nothing_counts_as_billed() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let answers = |answer: &'static str| {
        Proxied::start(move |client| {
            head(client);
            client.write_all(answer.as_bytes()).unwrap();
            None
        })
        .port
    };
    let wants = answers("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let fails = answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let refuses = Proxied::start(|client| socks(client, Some("another")).map(|name| (name, String::new()))).port;
    let (tls, plain) = ("https://vendor.invalid", "http://192.0.2.7");
    let cases = [
        (tls, "HTTPS_PROXY", "http", closed, "does not answer"),
        (tls, "https_proxy", "http", closed, "does not answer"),
        (tls, "ALL_PROXY", "socks5h", closed, "does not answer"),
        (plain, "HTTP_PROXY", "http", closed, "does not answer"),
        (tls, "HTTPS_PROXY", "http", wants, "wants a user and a password"),
        (plain, "HTTP_PROXY", "http", wants, "wants a user and a password"),
        (tls, "ALL_PROXY", "socks5h", refuses, "wants a user and a password"),
        (tls, "HTTPS_PROXY", "http", fails, "makes no connection to the vendor"),
    ];
    for (address, variable, scheme, port, wanted) in cases {
        let world = World::new(address);
        let job = through(&world, address, &[(variable, format!("{scheme}://me:secret@127.0.0.1:{port}"))]);
        let ended = world.run_as(&job, Begin::Continue).await;
        let told = format!("{ended:?}");
        let named = format!("the proxy {scheme}://127.0.0.1:{port} (set by {variable}) {wanted}");
        assert!(told.contains(&named) && !told.contains("secret"), "{variable} {scheme}: {told}");
        assert!(world.answers().iter().all(|answer| answer.billed == Billed::No), "{told}");
    }
}

#[test]
fn what_is_no_proxy_is_two_and_the_sandbox_needs_none() {
    let desk = Desk::new("seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 2 }]\n");
    let set =
        [("HTTPS_PROXY", "gopher://me:secret@proxy:70"), ("HTTP_PROXY", "x y"), ("ALL_PROXY", "http://127.0.0.1:1")];
    let output = desk.command(&["run", "job.toml"]).envs(set).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("`HTTPS_PROXY`") && text.contains("hint: ") && !text.contains("secret"), "{text}");
    assert!(!desk.path("data").exists(), "nothing is begun");
    let output = desk.command(&["run", "job.toml", "--sandbox", "-q"]).envs(set).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
