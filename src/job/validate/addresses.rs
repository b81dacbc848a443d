//! The address of a vendor: what is called, and whether a key may travel there.

use url::{Host, Url};

/// Why an address cannot be called; it never repeats the address, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAddress {
    #[error("must be an http:// or https:// address")]
    NoAddress,
    #[error("must have no user name, password, query or fragment")]
    Extras,
    #[error("is plain HTTP to another machine: the key would travel in the clear")]
    Plain,
}

/// Takes a text as the address of a vendor.
pub(super) fn address(text: &str, allow_plain_http: bool) -> Result<Url, BadAddress> {
    let url = Url::parse(text.trim()).map_err(|_| BadAddress::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(BadAddress::NoAddress);
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Extras);
    }
    if is_plain_http_to_afar(&url) && !allow_plain_http { Err(BadAddress::Plain) } else { Ok(url) }
}

/// Tells whether a key would travel in the clear to another machine.
pub(crate) fn is_plain_http_to_afar(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_travels_in_the_clear_only_within_the_machine() {
        for text in [
            "https://api.example.com",
            "https://api.example.com/v1",
            "http://localhost:9000",
            "http://127.0.0.1:9000",
            "http://127.8.8.8",
            "http://[::1]:9000/",
        ] {
            assert!(address(text, false).is_ok(), "{text}");
        }
        for text in [
            "http://api.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "http://localhost.example.com",
            "http://0.0.0.0:9000",
        ] {
            assert_eq!(address(text, false), Err(BadAddress::Plain), "{text}");
            assert!(address(text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for text in ["", "api.example.com", "ftp://example.com", "file:///etc/passwd", "https://"] {
            assert_eq!(address(text, true), Err(BadAddress::NoAddress), "{text}");
        }
        for text in
            ["https://u:p@example.com", "https://u@example.com", "https://example.com?token=x", "https://e.com#a"]
        {
            assert_eq!(address(text, true), Err(BadAddress::Extras), "{text}");
        }
    }
}
