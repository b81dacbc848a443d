//! Web addresses: without the tokens that they carry, and until when they work.

use jiff::Timestamp;
use url::Url;

/// Reduces a web address to scheme, host and path: queries hold tokens and name who shared it.
pub(super) fn without_tokens(address: &str) -> Option<String> {
    let mut url = Url::parse(address.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

/// Reads when a media address stops working: its `t=` is the second, in eight hex digits.
pub(super) fn expires_at(address: &str) -> Option<Timestamp> {
    let second = address.split(['?', '&']).skip(1).find_map(|part| part.strip_prefix("t="))?;
    let second = (second.len() == 8).then(|| u32::from_str_radix(second, 16).ok())??;
    Timestamp::from_second(second.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_stays_in_a_share_address() {
        let cases = [
            (
                "https://www.xiaohongshu.com/discovery/item/698ab064000000001503876d?xsec_token=A=&xsec_source=app_share",
                Some("https://www.xiaohongshu.com/discovery/item/698ab064000000001503876d"),
            ),
            ("http://xhslink.com/a/B1c2?x#xsec_token=1", Some("http://xhslink.com/a/B1c2")),
            ("https://user:secret@example.com:8443/a/", Some("https://example.com:8443/a/")),
            ("xhsdiscover://item/1?xsec_token=1", None),
            ("javascript:alert(1)", None),
            ("www.xiaohongshu.com/explore/1", None),
        ];
        for (address, expected) in cases {
            assert_eq!(without_tokens(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn the_second_of_expiry_is_read_from_the_address() {
        let at = |address| expires_at(address).map(|time| time.to_string());
        assert_eq!(
            at("https://h/f?imageView2/2/w/576&sign=f8&t=69aede95&src=A").as_deref(),
            Some("2026-03-09T14:52:05Z")
        );
        for address in
            ["https://h/f", "https://h/f?t=", "https://h/f?t=zzzzzzzz", "https://h/f?t=69aede9", "t=69aede95"]
        {
            assert_eq!(at(address), None, "{address}");
        }
    }
}
