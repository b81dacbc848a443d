//! Notes and users as people name them: ids, or texts with an address in them.

use super::keywords::visible;
use super::links::{Link, links};
use super::lists::Named;
use crate::model::{NoteId, UserId, shown};

/// Why a text names nothing, and what to do about it.
pub(crate) type Refused = (String, Option<String>);

/// How a kind of thing is named.
struct Kind {
    name: &'static str,
    /// Finds its id in an address.
    of: fn(&Link) -> Option<&str>,
    /// Says where its id is to be found.
    advice: &'static str,
}

const NOTE: Kind = Kind {
    name: "note",
    of: |link| link.note.as_deref(),
    advice: "open the note in a browser: its id is the last part of the address, \
             as in https://www.xiaohongshu.com/explore/698ab064000000001503876d",
};
const USER: Kind = Kind {
    name: "user",
    of: |link| link.user.as_deref(),
    advice: "open the user's profile in a browser: the id is the last part of the address, \
             as in https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6",
};

/// Takes a note's id, or the id out of a text with a note's address.
pub(crate) fn note(text: &str) -> Result<NoteId, Refused> {
    let id = id(text, &NOTE)?;
    NoteId::parse(&id).map_err(|error| (format!("`{}` is not a note id: it {error}", shown(&id, 60)), None))
}

/// Takes a user's id, or the id out of a text with the address of a profile.
pub(crate) fn user(text: &str) -> Result<UserId, Refused> {
    let id = id(text, &USER)?;
    UserId::parse(&id).map_err(|error| (format!("`{}` is not a user id: it {error}", shown(&id, 60)), None))
}

/// Returns true if a text is 24 hex digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns true if a text names one of what a list names.
pub(super) fn is_named(text: &str, named: Named) -> bool {
    match named {
        Named::Keywords => true,
        Named::Users => user(text).is_ok(),
        Named::Notes => note(text).is_ok(),
    }
}

/// Finds an id that stands alone, before punctuation, or before other words such as a title.
fn leading(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().filter(|word| is_id(word) && !text.contains('/'))?;
    let behind = text.trim_start_matches(|c: char| !c.is_alphanumeric()).strip_prefix(first)?;
    // `ID-2` and `ID.jpg` are names of something else.
    let ends = behind.chars().next().is_none_or(|c| !c.is_alphanumeric() && !"-_.@".contains(c));
    (ends && !words.any(is_id)).then_some(first)
}

fn id(text: &str, kind: &Kind) -> Result<String, Refused> {
    let (name, text) = (kind.name, visible(text));
    if let Some(id) = leading(&text) {
        return Ok(id.to_ascii_lowercase());
    }
    let found = links(&text);
    let mut ids: Vec<&str> = found.iter().filter_map(kind.of).collect();
    ids.dedup();
    match ids.as_slice() {
        [id] if is_id(id) => return Ok(id.to_ascii_lowercase()),
        [id] => {
            let message =
                format!("the address `{}` has no {name} id: `{}` {}", shown(&text, 80), shown(id, 40), why(id));
            return Err((message, Some(kind.advice.to_owned())));
        }
        [_, _, ..] => {
            let message = format!("`{}` names several {name}s", shown(&text, 80));
            return Err((message, Some("write each as an entry of its own".to_owned())));
        }
        [] => {}
    }
    if ["xhslink.com", "xhslink.cn"].iter().any(|host| text.to_ascii_lowercase().contains(host)) {
        let message = format!("`{}` is a short link, and does not tell the {name}'s id", shown(&text, 60));
        return Err((message, Some("open it in a browser, and copy the address that it leads to".to_owned())));
    }
    if let Some(other) = found.iter().find_map(|link| [&NOTE, &USER].into_iter().find(|kind| (kind.of)(link).is_some()))
    {
        let message = format!("`{}` is the address of a {}, not of a {name}", shown(&text, 60), other.name);
        return Err((message, Some(format!("put it under `{}s`", other.name))));
    }
    if text.contains('/') {
        return Err((format!("`{}` is not a {name}'s address", shown(&text, 60)), Some(kind.advice.to_owned())));
    }
    if text.is_empty() {
        return Err((format!("a {name} id is empty"), None));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let (why, advice) = if is_rounded(&text) {
        let advice = "a spreadsheet rounded it: format the column as text, and paste the ids again";
        ("was a number to a spreadsheet, and lost its digits".to_owned(), advice)
    } else if name == "user" && is_number && (5..=12).contains(&text.len()) {
        ("looks like a red_id (小红书号), which the app shows and providers do not take".to_owned(), kind.advice)
    } else if name == "user" && text.len() == 29 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        ("looks like the disguised id that comments show in place of a user's".to_owned(), kind.advice)
    } else if name == "user"
        && !is_number
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        (format!("{}, and a red_id (小红书号) or nickname cannot be asked for", why(&text)), kind.advice)
    } else {
        (why(&text), kind.advice)
    };
    Err((format!("`{}` is not a {name} id: it {why}", shown(&text, 60)), Some(advice.to_owned())))
}

/// Says why a text is not 24 hex digits.
fn why(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        format!("has {} digits, not 24", text.len())
    } else {
        "holds something other than the hex digits 0-9 and a-f".to_owned()
    }
}

/// Returns true for what spreadsheets make of long numbers: `6.98E+23`.
fn is_rounded(text: &str) -> bool {
    let Some((number, power)) = text.split_once("E+").or_else(|| text.split_once("e+")) else { return false };
    number.parse::<f64>().is_ok() && power.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE_ID: &str = "698ab064000000001503876d";
    const USER_ID: &str = "5c2f338a000000000701e1c6";

    #[test]
    fn ids_are_taken_out_of_every_form_of_address() {
        for text in [
            "NOTE",
            " NOTE\u{200b} ",
            "698AB064000000001503876D",
            "NOTE，",
            "“NOTE”",
            "NOTE\t防晒霜测评",
            "https%3A%2F%2Fwww.xiaohongshu.com%2Fexplore%2FNOTE%3Fa%3Db",
            "https%253A%252F%252Fwww.xiaohongshu.com%252Fexplore%252FNOTE",
            "https://www.xiaohongshu.com/login?redirectPath=https%253A%252F%252Fwww.xiaohongshu.com%252Fexplore%252FNOTE%253Fa%253Db",
            "https://www.xiaohongshu.com/login?redirectPath=%252Fexplore%252FNOTE",
            "https://www.xiaohongshu.com/en/explore/NOTE",
            "https://www.rednote.com/zh-CN/discovery/item/NOTE",
            "https://www.xiaohongshu.com/%65xplore/NOTE",
            "HTTPS://WWW.XIAOHONGSHU.COM/EXPLORE/NOTE",
            "https://www.xiaohongshu.com/explore/NOTE",
            "https://www.xiaohongshu.com/explore/NOTE?xsec_token=AB&source=web",
            "http://xiaohongshu.com/discovery/item/NOTE/",
            "www.xiaohongshu.com/explore/NOTE#top",
            "xiaohongshu.com/explore/NOTE",
            "https://www.xiaohongshu.com/user/profile/USER/NOTE?xsec_token=AB=",
            "https://www.xiaohongshu.com/search_result/NOTE?xsec_token=AB=",
            "https://www.rednote.com/explore/NOTE",
            "https://rednote.com/discovery/item/NOTE",
            "HTTPS://WWW.XIAOHONGSHU.COM/explore/698AB064000000001503876D",
            "xhsdiscover://item/NOTE?type=video",
            "https://www.xiaohongshu.com/discovery/item/NOTE，",
            "（https://www.xiaohongshu.com/discovery/item/NOTE）。",
            "\"https://www.xiaohongshu.com/explore/NOTE\",",
            "看看这个https://www.xiaohongshu.com/explore/NOTE！太好了",
            "77 【标题 - 某人 | 小红书】 😆 AbC 😆 https://www.xiaohongshu.com/discovery/item/NOTE?source=webshare&xsec_token=AB=",
            "66 某人发布了一篇小红书笔记，快来看吧！ http://xhslink.com/a/AbC https://www.xiaohongshu.com/explore/NOTE 复制本条信息",
            "https://www.xiaohongshu.com/login?redirectPath=https%3A%2F%2Fwww.xiaohongshu.com%2Fexplore%2FNOTE%3Fa%3Db",
            "https://www.xiaohongshu.com/404?noteId=NOTE&source=x",
            "https://www.xiaohongshu.com/explore/NOTE https://www.xiaohongshu.com/discovery/item/NOTE",
        ] {
            let text = text.replace("NOTE", NOTE_ID).replace("USER", USER_ID);
            assert_eq!(note(&text).map(String::from), Ok(NOTE_ID.to_owned()), "{text}");
        }
        for text in [
            "USER",
            "https://www.xiaohongshu.com/user/profile/USER?m=1",
            "https://www.rednote.com/user/profile/USER",
            "https://www.xiaohongshu.com/user/profile/USER/NOTE",
            "xhsdiscover://user/USER",
            "https://www.xiaohongshu.com/User/Profile/USER",
            "https://www.xiaohongshu.com/en/user/profile/USER",
            "https%3A%2F%2Fwww.xiaohongshu.com%2Fuser%2Fprofile%2FUSER",
            "USER 某人",
            "某人的小红书主页：https://www.xiaohongshu.com/user/profile/USER?xhsshare=CopyLink，快来看",
            "https://pgy.xiaohongshu.com/solar/pre-trade/blogger-detail/USER",
        ] {
            let text = text.replace("NOTE", NOTE_ID).replace("USER", USER_ID);
            assert_eq!(user(&text).map(String::from), Ok(USER_ID.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_names_no_note_says_why_and_what_to_do() {
        let cases = [
            ("", "is empty", ""),
            ("a b", "other than the hex digits", "explore/"),
            ("698ab064000000001503876", "has 23 digits, not 24", "explore/"),
            ("698ab064000000001503876dd", "has 25 digits, not 24", "explore/"),
            ("698ab064000000001503876d 698ab064000000001503876e", "other than the hex digits", "explore/"),
            ("698ab064000000001503876d.jpg", "other than the hex digits", "explore/"),
            ("标题 698ab064000000001503876d", "other than the hex digits", "explore/"),
            ("6.98E+23", "lost its digits", "format the column as text"),
            ("http://xhslink.com/a/9XyZ", "is a short link", "open it in a browser"),
            ("http://xhslink.cn/o/9XyZ", "is a short link", "open it in a browser"),
            ("66 复制打开 xhslink.com/o/9XyZ", "is a short link", "open it in a browser"),
            (
                "https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6",
                "the address of a user, not of a note",
                "put it under `users`",
            ),
            ("https://example.com/explore/698ab064000000001503876d", "is not a note's address", "explore/"),
            ("https://xiaohongshu.com.example.com/explore/698ab064000000001503876d", "is not a note's address", ""),
            ("https://www.xiaohongshu.com/explore/698ab0640000000015", "has 18 digits, not 24", "explore/"),
            ("https://www.xiaohongshu.com/explore/a%2Fb", "other than the hex digits", "explore/"),
            ("https://www.xiaohongshu.com/explore", "is not a note's address", "explore/"),
            (
                "https://www.xiaohongshu.com/explore/698ab064000000001503876d https://www.xiaohongshu.com/explore/698ab064000000001503876e",
                "names several notes",
                "an entry of its own",
            ),
            ("../../etc/passwd", "is not a note's address", ""),
        ];
        for (text, why, advice) in cases {
            let (message, hint) = note(text).unwrap_err();
            assert!(message.contains(why) && hint.unwrap_or_default().contains(advice), "{text}: {message}");
        }
    }

    #[test]
    fn what_names_no_user_says_why_and_what_to_do() {
        for (text, why, advice) in [
            ("123456789", "looks like a red_id", "user/profile/"),
            ("95012345678", "looks like a red_id", "user/profile/"),
            ("some_red_id", "a red_id (小红书号) or nickname cannot be asked for", "user/profile/"),
            ("a4fd0ab8351e8b58ffbd0e8c23eae", "the disguised id that comments show", "user/profile/"),
            ("阿草", "other than the hex digits", "user/profile/"),
            ("https://xhslink.cn/m/AbC", "is a short link", "open it in a browser"),
            (
                "https://www.xiaohongshu.com/explore/698ab064000000001503876d",
                "the address of a note, not of a user",
                "put it under `notes`",
            ),
        ] {
            let (message, hint) = user(text).unwrap_err();
            assert!(message.contains(why) && hint.unwrap_or_default().contains(advice), "{text}: {message}");
        }
    }
}
