//! The proxy that calls to a vendor go through, as the environment names it.

use std::error::Error;

use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::model::shown;

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A proxy. Its credentials are sent to it, and shown to nobody.
#[derive(Clone, Debug)]
pub struct Proxy {
    variable: String,
    /// Its address, less credentials.
    address: String,
    url: SecretString,
}

/// Says that a variable names no proxy. It never holds the variable's value, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("`{variable}` in the environment is not the address of a proxy: {reason}")]
pub struct ProxyError {
    /// The environment variable.
    pub variable: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Proxy {
    /// Finds the proxy for a vendor's address, as curl does: `HTTPS_PROXY` or `HTTP_PROXY`, else `ALL_PROXY`, less what
    /// `NO_PROXY` names; each also in lower case. Calls within the machine have none. `variable` looks one up.
    pub fn read(base_url: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ProxyError> {
        let first = |upper: &str| {
            let names = [upper.to_owned(), upper.to_lowercase()];
            names.into_iter().find_map(|name| variable(&name).map(|value| (name, value.trim().to_owned())))
        };
        let own = if base_url.scheme() == "http" { "HTTP_PROXY" } else { "HTTPS_PROXY" };
        let set = [own, "ALL_PROXY"].into_iter().filter_map(first).find(|(_, value)| !value.is_empty());
        // A server's own request may come as `HTTP_PROXY` where this is set (CGI).
        let Some((name, value)) = set.filter(|_| variable("REQUEST_METHOD").is_none()) else { return Ok(None) };
        let exceptions = first("NO_PROXY").map(|(_, value)| value).unwrap_or_default();
        if is_loopback(base_url) || is_excepted(base_url, exceptions) {
            return Ok(None);
        }
        let parsed = parse(&value).map_err(|reason| ProxyError { variable: name.clone(), reason })?;
        let host = parsed.host().map(|host| host.to_string()).unwrap_or_default();
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let address = format!("{}://{}{port}", parsed.scheme(), shown(&host, 100));
        Ok(Some(Self { variable: name, address, url: SecretString::from(String::from(parsed)) }))
    }

    /// Makes it a proxy of the HTTP library.
    pub(super) fn to_reqwest(&self) -> reqwest::Result<reqwest::Proxy> {
        reqwest::Proxy::all(self.url.expose_secret())
    }

    /// Says what a failure to connect through it means.
    pub(super) fn blame(&self, error: &(dyn Error + 'static)) -> String {
        let mut causes = Vec::new();
        let mut cause = Some(error);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        let is = |word: &str| causes.iter().any(|cause| cause.contains(word));
        let innermost = causes.last().map(|cause| shown(cause, 120)).unwrap_or_default();
        if ["proxy authorization required", "credentials", "authentication"].into_iter().any(is) {
            return self.wants_credentials();
        }
        // Through a proxy, nobody else is connected to, and no other name is looked up so.
        let down = ["tcp connect error", "dns error", "operation timed out", "failed to create underlying connection"];
        if down.into_iter().any(is) {
            return format!("the {self} does not answer: {innermost}");
        }
        format!("the {self} makes no connection to the vendor: {innermost}")
    }

    /// Says that it refuses us.
    pub(super) fn wants_credentials(&self) -> String {
        format!("the {self} wants a user and a password, or others (407)")
    }
}

impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "proxy {} (set by {})", self.address, self.variable)
    }
}

fn parse(value: &str) -> Result<Url, String> {
    let schemes = || format!("it must begin with one of {}", SCHEMES.map(|scheme| format!("{scheme}://")).join(", "));
    let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    let mut url = url.map_err(|error| error.to_string())?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(schemes());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".into());
    }
    if url.scheme().starts_with("socks") && url.port().is_none() {
        // The port of SOCKS; without a port, there would be none to connect to.
        let _ = url.set_port(Some(1080));
    }
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    // The last word is the HTTP library's. Its own error may hold the address.
    reqwest::Proxy::all(url.as_str()).map_err(|_| "it cannot be used".to_owned())?;
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Returns true if `NO_PROXY` names the host.
fn is_excepted(url: &Url, exceptions: String) -> bool {
    let matcher = Matcher::builder().all("http://proxy.invalid:1").no(exceptions).build();
    url.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(base_url: &str, set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let proxy = Proxy::read(&base_url.parse().unwrap(), variable).map_err(|error| error.to_string())?;
        if let Some(proxy) = &proxy {
            assert!(!format!("{proxy:?} {proxy}").contains("secret"), "{proxy:?}");
            proxy.to_reqwest().unwrap();
        }
        Ok(proxy.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn the_variable_that_curl_would_take_names_the_proxy() {
        const VENDOR: &str = "https://api.example.com/base";
        type Set = &'static [(&'static str, &'static str)];
        let cases: &[(&str, Set, &str)] = &[
            (VENDOR, &[], ""),
            (VENDOR, &[("HTTPS_PROXY", "http://p:8080")], "proxy http://p:8080 (set by HTTPS_PROXY)"),
            (VENDOR, &[("https_proxy", "p:8080")], "proxy http://p:8080 (set by https_proxy)"),
            (VENDOR, &[("HTTP_PROXY", "http://p:8080")], ""),
            (VENDOR, &[("HTTPS_PROXY", ""), ("all_proxy", "socks5://p")], "proxy socks5://p:1080 (set by all_proxy)"),
            (VENDOR, &[("ALL_PROXY", "socks5h://u:secret@p:9")], "proxy socks5h://p:9 (set by ALL_PROXY)"),
            (VENDOR, &[("HTTPS_PROXY", "http://u:secret@[::1]:3128/")], "proxy http://[::1]:3128 (set by HTTPS_PROXY)"),
            (VENDOR, &[("HTTPS_PROXY", "http://a"), ("ALL_PROXY", "http://b")], "proxy http://a (set by HTTPS_PROXY)"),
            (VENDOR, &[("HTTPS_PROXY", "http://a"), ("NO_PROXY", "example.com")], ""),
            (VENDOR, &[("HTTPS_PROXY", "nonsense://"), ("no_proxy", "*")], ""),
            (VENDOR, &[("HTTPS_PROXY", "http://a"), ("NO_PROXY", "ample.com")], "proxy http://a (set by HTTPS_PROXY)"),
            (VENDOR, &[("HTTPS_PROXY", "http://a"), ("REQUEST_METHOD", "GET")], ""),
            ("http://10.1.2.3", &[("HTTP_PROXY", "http://a")], "proxy http://a (set by HTTP_PROXY)"),
            ("http://10.1.2.3", &[("HTTP_PROXY", "http://a"), ("NO_PROXY", "10.0.0.0/8")], ""),
            ("http://127.0.0.1:9", &[("HTTP_PROXY", "http://a"), ("ALL_PROXY", "http://a")], ""),
            ("https://localhost:9", &[("HTTPS_PROXY", "http://a")], ""),
            ("http://[::1]:9", &[("HTTP_PROXY", "http://a")], ""),
        ];
        for (base_url, set, wanted) in cases {
            assert_eq!(
                read(base_url, set),
                Ok(Some((*wanted).to_owned()).filter(|wanted| !wanted.is_empty())),
                "{set:?}"
            );
        }
    }

    #[test]
    fn what_is_not_a_proxy_is_told_with_its_variable_and_without_its_value() {
        for value in
            ["ftp://u:secret@p:1", "http://u:secret@", "http://u:secret@p:99999", "http://", "socks5://u:secret@:1"]
        {
            let told = read("https://api.example.com", &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(told.contains("`HTTPS_PROXY`") && !told.contains("secret"), "{value}: {told}");
        }
    }
}
