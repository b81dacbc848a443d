//! Addresses on the platform, wherever they stand in a text, and what they name.

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
    words.filter_map(|word| named(word, 0)).collect()
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
    let path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let (note, user) = match path.as_slice() {
        ["explore" | "search_result" | "item" | "note", id, ..] | ["discovery", "item", id, ..] => (Some(*id), None),
        ["user", "profile", user, note, ..] => (Some(*note), Some(*user)),
        ["user", "profile", user] | [.., "blogger-detail", user] => (None, Some(*user)),
        _ => (None, None),
    };
    if note.is_some() || user.is_some() {
        return Some(Link { note: note.map(str::to_owned), user: user.map(str::to_owned) });
    }
    let mut link = Link::default();
    for (name, value) in url.query_pairs() {
        match &*name {
            "noteId" | "note_id" => link.note = Some(value.into_owned()),
            "userId" | "user_id" => link.user = Some(value.into_owned()),
            // The page that asks to log in says where it was going.
            "redirectPath" if depth == 0 => {
                let origin = if value.starts_with('/') { "https://www.xiaohongshu.com" } else { "" };
                return named(&format!("{origin}{value}"), depth + 1);
            }
            _ => {}
        }
    }
    (link != Link::default()).then_some(link)
}
