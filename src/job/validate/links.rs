//! Addresses on the platform, wherever they stand in a text, and what they name.

use percent_encoding::percent_decode_str;
use url::Url;

/// What an address names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) note: Option<String>,
    pub(super) user: Option<String>,
}

/// Lists the addresses in a text that name a note or a user, in their order.
pub(super) fn links(text: &str) -> Vec<Link> {
    // An address ends at a space, a quote, or a character that addresses do not have: Chinese text and punctuation.
    let ends = |c: char| !c.is_ascii() || c.is_ascii_whitespace() || c.is_ascii_control() || "\"'<>`|\\".contains(c);
    let words = text.split(ends).map(|word| word.trim_matches(|c| "()[]{},;:!.".contains(c)));
    words.filter_map(|word| named(word, 0).or_else(|| named(&decoded(word), 0))).collect()
}

/// Takes away every layer of `%` codes.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    // A page that asks to log in, behind another one, codes an address twice.
    for _ in 0..3 {
        match percent_decode_str(&text).decode_utf8() {
            Ok(plain) if plain != text => text = plain.into_owned(),
            _ => break,
        }
    }
    text
}

/// Returns true for the language of a page, as in `/en/explore` or `/zh-CN/explore`.
fn is_language(part: &str) -> bool {
    let mut parts = part.split(['-', '_']);
    let is_letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    parts.next().is_some_and(|part| part.len() == 2 && is_letters(part))
        && parts.all(|part| (2..=4).contains(&part.len()) && is_letters(part))
}

/// Reads what an address names; none if it is not one, or names neither a note nor a user.
fn named(word: &str, depth: u32) -> Option<Link> {
    // An address may follow other text without a space.
    let lower = word.to_ascii_lowercase();
    let start = ["https://", "http://", "xhsdiscover://"].iter().filter_map(|scheme| lower.find(scheme)).min();
    let url = match start {
        Some(start) => Url::parse(&word[start..]),
        None if word.contains('/') => Url::parse(&format!("https://{word}")),
        None => return None,
    };
    let url = url.ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    if url.scheme() == "xhsdiscover" {
        let id = url.path().trim_matches('/').to_owned();
        return match host.as_str() {
            "item" => Some(Link { note: Some(id), user: None }),
            "user" => Some(Link { note: None, user: Some(id) }),
            _ => None,
        };
    }
    let is_ours = ["xiaohongshu.com", "rednote.com"]
        .iter()
        .any(|own| host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    if !is_ours || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let path: Vec<String> = url.path_segments()?.filter(|part| !part.is_empty()).map(decoded).collect();
    let path = if path.first().is_some_and(|part| is_language(part)) { &path[1..] } else { &path[..] };
    let names: Vec<String> = path.iter().map(|part| part.to_ascii_lowercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (note, user) = match names.as_slice() {
        ["explore" | "search_result" | "item" | "note", _, ..] => (Some(&path[1]), None),
        ["discovery", "item", _, ..] => (Some(&path[2]), None),
        ["user", "profile", _, _, ..] => (Some(&path[3]), Some(&path[2])),
        ["user", "profile", _] | [.., "blogger-detail", _] => (None, path.last()),
        _ => (None, None),
    };
    if note.is_some() || user.is_some() {
        return Some(Link { note: note.cloned(), user: user.cloned() });
    }
    let mut link = Link::default();
    for (name, value) in url.query_pairs() {
        match &*name {
            "noteId" | "note_id" => link.note = Some(value.into_owned()),
            "userId" | "user_id" => link.user = Some(value.into_owned()),
            // The page that asks to log in says where it was going.
            "redirectPath" if depth == 0 => {
                let value = decoded(&value);
                let origin = if value.starts_with('/') { "https://www.xiaohongshu.com" } else { "" };
                return named(&format!("{origin}{value}"), depth + 1);
            }
            _ => {}
        }
    }
    (link != Link::default()).then_some(link)
}
