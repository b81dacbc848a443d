//! Keywords, users and notes as people write them: words, ids, addresses from a browser.

use url::Url;

use crate::model::{IdError, NoteId, UserId, shown};

/// Why a text names nothing, and what to do about it.
pub(super) type Refused = (String, Option<String>);

/// Takes a keyword, trimmed.
pub(super) fn keyword(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() {
        Err(("a keyword is empty".to_owned(), None))
    } else if text.chars().count() > 200 {
        Err((format!("the keyword `{}` is longer than 200 characters", shown(text, 20)), None))
    } else if text.contains(char::is_control) {
        Err((format!("the keyword `{}` holds a control character", shown(text, 40)), None))
    } else {
        Ok(text.to_owned())
    }
}

/// Takes a note's id, or the id out of a note's address.
pub(super) fn note(text: &str) -> Result<NoteId, Refused> {
    id(text, "note", NoteId::parse)
}

/// Takes a user's id, or the id out of a profile's address.
pub(super) fn user(text: &str) -> Result<UserId, Refused> {
    id(text, "user", UserId::parse)
}

fn id<T>(text: &str, wanted: &str, parse: fn(&str) -> Result<T, IdError>) -> Result<T, Refused> {
    let text = text.trim();
    if text.contains("xhslink.com") {
        let message = format!("`{}` is a short link, and does not tell the {wanted}'s id", shown(text, 60));
        return Err((message, Some("open it in a browser, and copy the address that it leads to".to_owned())));
    }
    if !text.contains('/') {
        return parse(text).map_err(|error| (format!("`{}` is no {wanted} id: it {error}", shown(text, 60)), None));
    }
    let forms = match wanted {
        "note" => "https://www.xiaohongshu.com/explore/ID",
        _ => "https://www.xiaohongshu.com/user/profile/ID",
    };
    match in_address(text) {
        Some((named, id)) if named == wanted => parse(&id)
            .map_err(|error| (format!("the address `{}` has no {wanted} id: it {error}", shown(text, 60)), None)),
        Some((named, _)) => {
            let message = format!("`{}` is the address of a {named}, not of a {wanted}", shown(text, 60));
            Err((message, Some(format!("put it under `{named}s`"))))
        }
        None => Err((format!("`{}` is no {wanted}'s address", shown(text, 60)), Some(format!("such as {forms}")))),
    }
}

/// Finds what an address on the platform names, and its id.
fn in_address(text: &str) -> Option<(&'static str, String)> {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) }.ok()?;
    let host = url.host_str()?;
    if !matches!(url.scheme(), "http" | "https") || (host != "xiaohongshu.com" && !host.ends_with(".xiaohongshu.com")) {
        return None;
    }
    let path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    match path.as_slice() {
        ["explore", id] | ["discovery", "item", id] => Some(("note", (*id).to_owned())),
        ["user", "profile", id] => Some(("user", (*id).to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_out_of_addresses() {
        for text in [
            "698ab064000000001503876d",
            " 698ab064000000001503876d ",
            "https://www.xiaohongshu.com/explore/698ab064000000001503876d",
            "https://www.xiaohongshu.com/explore/698ab064000000001503876d?xsec_token=AB&source=web",
            "http://xiaohongshu.com/discovery/item/698ab064000000001503876d/",
            "www.xiaohongshu.com/explore/698ab064000000001503876d#top",
        ] {
            assert_eq!(note(text).map(String::from), Ok("698ab064000000001503876d".to_owned()), "{text}");
        }
        let profile = "https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6?m=1";
        assert_eq!(user(profile).map(String::from), Ok("5c2f338a000000000701e1c6".to_owned()));
    }

    #[test]
    fn what_names_nothing_says_why() {
        let cases = [
            ("", "is empty"),
            ("a b", "holds something other than"),
            ("http://xhslink.com/a/9XyZ", "is a short link"),
            ("66 复制打开 xhslink.com/o/9XyZ", "is a short link"),
            (
                "https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6",
                "the address of a user, not of a note",
            ),
            ("https://example.com/explore/698ab064000000001503876d", "is no note's address"),
            ("https://xiaohongshu.com.example.com/explore/698ab064000000001503876d", "is no note's address"),
            ("https://www.xiaohongshu.com/explore/a%2Fb", "holds something other than"),
            ("../../etc/passwd", "is no note's address"),
        ];
        for (text, expected) in cases {
            let (message, _) = note(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn keywords_are_trimmed_and_bounded() {
        assert_eq!(keyword(" 防晒 霜\t"), Ok("防晒 霜".to_owned()));
        assert_eq!(keyword(&"防".repeat(200)).map(|text| text.len()), Ok(600));
        for text in ["", " \t ", "a\nb", "a\u{1b}[31m", &"防".repeat(201)] {
            assert!(keyword(text).is_err(), "{text:?}");
        }
    }
}
