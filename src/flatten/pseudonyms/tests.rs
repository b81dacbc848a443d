//! Names in texts: every name of a telling length goes, whatever it is made of, and nothing else does.

use hmac::{Hmac, KeyInit as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::names::Names;
use super::*;
use crate::flatten::fixtures::{self, answer};
use crate::flatten::tables::{AddedColumn, ColumnType, Outline, dictionary};
use crate::flatten::{Recipe, flatten};
use crate::model::Answer;

fn keyed(key: &str) -> Pseudonyms {
    Pseudonyms::new(Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap())
}

fn pseudonyms() -> Pseudonyms {
    keyed("0123456789abcdef")
}

const ONE: &str = "u_111111111111111111111111";
const TWO: &str = "u_222222222222222222222222";

/// Names of one user, and of a second.
fn names(id: &str, nicknames: &[&str], others: &[&str]) -> Names {
    let mut names = Names::default();
    names.add_id(id, ONE);
    names.add_number(id);
    for name in nicknames {
        names.add_nickname(name, ONE);
    }
    for name in others {
        names.add_nickname(name, TWO);
    }
    names
}

/// Shows a text with short words in the place of the pseudonyms.
fn brief(text: &str) -> String {
    text.replace(ONE, "1ST").replace(TWO, "2ND")
}

#[test]
fn the_pseudonym_of_an_id_is_for_good() {
    let id = UserId::parse("5c2f338a000000000701e1c6").unwrap();
    // HMAC-SHA-256 of "user", a zero byte and the id, by another program: a dataset's pseudonyms outlive this one.
    assert_eq!(pseudonyms().of(&id).as_str(), "u_fe12cdecf9727420de22e5ec");
    assert_eq!(pseudonyms().of(&id), pseudonyms().of(&id));
    assert_ne!(pseudonyms().of(&id), keyed("0123456789abcdeF").of(&id));
    assert_ne!(pseudonyms().fingerprint(), keyed("0123456789abcdeF").fingerprint());
    assert_eq!(pseudonyms().of(&id).created_at(), None, "a pseudonym tells no time of registration");
    assert_eq!(format!("{:?}", pseudonyms()), "Pseudonyms([key])");
}

#[test]
fn names_are_found_where_people_and_vendors_write_them() {
    let cases: &[(&[&str], &[&str], &str, &str)] = &[
        (&["小顾小小家"], &[], "我是小顾小小家,@小顾小小家 [@小顾小小家]", "我是1ST,@1ST [@1ST]"),
        (&["小顾小小家"], &[], "5C2F338A000000000701e1c6的小顾", "1ST的小顾"),
        (&["Anna"], &[], "ANNA, hannah, anna_2 and @annabel", "1ST, hannah, 1ST_2 and @[user]"),
        // A prefix of another: the longer one wins, and a name within a name is gone with it.
        (&["团子酱"], &["团子酱汁"], "团子酱汁和团子酱", "2ND和1ST"),
        (&["小团子酱"], &["团子酱汁"], "小团子酱汁", "1ST"),
        // A common word of one character, a year, an empty name, and one of signs: names after an `@` alone.
        (&["是"], &["的"], "我是学生 @是 的 @的", "我是学生 @1ST 的 @2ND"),
        (&["2026"], &[], "2026年的@2026", "2026年的@1ST"),
        (&["", " ", "\u{3000}"], &[], " a @ b ", " a @ b "),
        (&["。。。"], &["..."], "嗯。。。... @。。。 @...", "嗯。。。... @1ST @2ND"),
        (&["13800138000"], &[], "加13800138000哦", "加1ST哦"),
        // What means something to a regular expression means nothing here.
        (&["(.*)+[a-z]{2}$"], &["\\d\\w|^"], "x(.*)+[a-z]{2}$ abcd @\\d\\w|^", "x1ST abcd @2ND"),
        // Somebody whom nothing names; what is cut short; an address of mail.
        (&["小红"], &[], "@路人甲 你好,@小 ＠谁 a@b.com", "@[user] 你好,@[user] ＠[user] a@[user]"),
        // As JSON within a text, and in an address.
        (&["小\"红\"薯"], &[], r#"{"n":"小\"红\"薯","u":"\u5c0f\"\u7ea2\"\u85af"}"#, r#"{"n":"1ST","u":"1ST"}"#),
        (&["小红薯"], &[], "x?name=%E5%B0%8F%E7%BA%A2%e8%96%AF&y", "x?name=1ST&y"),
    ];
    for (one, two, text, expected) in cases {
        let names = names("5c2f338a000000000701e1c6", one, two);
        assert_eq!(brief(&names.in_text(text)), *expected, "{one:?} {two:?} in {text}");
    }
}

#[test]
fn a_short_id_is_no_part_of_a_word_and_addresses_lose_ids_alone() {
    let names = names("u1", &["discovery"], &[]);
    assert_eq!(brief(&names.in_text("u1, u12, au1, u1_")), "1ST, u12, au1, 1ST_");
    assert_eq!(brief(&names.in_address("https://h/discovery/u1/n")), "https://h/discovery/1ST/n");
}

#[test]
fn a_sound_is_named_after_whoever_made_it() {
    let names = names("u1", &["小红薯", "是"], &[]);
    let cases = [
        ("小红薯的原声", "1ST的原声"),
        ("@小红薯创作的原声", "1ST创作的原声"),
        ("是的原声", "1ST的原声"),
        ("风草的原声", "[user]的原声"),
        ("a b, c的原声", "[user]的原声"),
        ("小夜曲", "小夜曲"),
    ];
    for (name, expected) in cases {
        assert_eq!(brief(&names.in_sound(name)), expected, "{name}");
    }
}

#[test]
fn added_values_lose_names_numbers_and_addresses() {
    let mut names = names("123456789", &["小红薯"], &[]);
    names.add_number("000987654");
    let text = |text: &str| Extra::Text(text.into());
    let json = |value: serde_json::Value| Extra::Json(value.to_string());
    let cases = [
        (
            text("小红薯 at https://h/avatar/1040g?x=1 和 xhsdiscover://user/1\"x"),
            Some(text("1ST at [address] 和 [address]\"x")),
        ),
        (
            json(json!({"小红薯": ["123456789", 123_456_789, 5], "u": {"images": "http://a/b", "ok": true}})),
            Some(json(json!({"1ST": ["1ST", null, 5], "u": {"images": "[address]", "ok": true}}))),
        ),
        (
            text("p?id=67d3f82c000000001369b924&xsec_token=YBx2jDDIoJSClYq8fd4PDWk=&1040g00830twi3esnr2r5po4hb3yjeuz"),
            Some(text("p?id=67d3f82c000000001369b924&[token]&[token]")),
        ),
        (Extra::Whole(123_456_789), None),
        (Extra::Whole(987_654), None),
        (Extra::Whole(5), Some(Extra::Whole(5))),
        (Extra::Number(crate::model::Float(123_456_789.0)), None),
        (Extra::Truth(true), Some(Extra::Truth(true))),
    ];
    for (value, expected) in cases {
        let found = names.in_value(value.clone()).map(|found| match found {
            Extra::Text(text) => Extra::Text(brief(&text)),
            Extra::Json(text) => Extra::Json(brief(&text)),
            other => other,
        });
        assert_eq!(found, expected, "{value:?}");
    }
}

fn hidden(answer: &Answer, outline: Outline) -> Flattened {
    Recipe::new(outline, Some(pseudonyms())).flatten(answer)
}

/// Everything that names a user in an answer as it was read.
fn identities(flat: &Flattened) -> Vec<String> {
    let profiles = flat.authors.iter().flat_map(|author| {
        let Profile { red_id, nickname, avatar_url, banner_url, .. } = author.profile.clone();
        [Some(author.author_id.to_string()), red_id, nickname, avatar_url, banner_url]
    });
    let mentions = flat.notes.iter().filter_map(|note| note.content.as_ref()).flat_map(|content| &content.mentions);
    let mentions =
        mentions.flat_map(|mention| [mention.user_id.as_ref().map(UserId::to_string), mention.nickname.clone()]);
    profiles.chain(mentions).flatten().collect()
}

#[test]
fn the_samples_name_nobody() {
    let calls = [
        ("justoneapi", fixtures::search(1), fixtures::SEARCH),
        ("justoneapi", fixtures::detail("698ab064000000001503876d"), fixtures::DETAIL),
        ("justoneapi", fixtures::user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES),
        ("spiderhubs", fixtures::user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS),
        ("justoneapi", fixtures::profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE),
    ];
    let whole = |path: &str| AddedColumn { path: path.into(), kind: ColumnType::Json };
    // The whole objects as columns: what no column of ours holds must name nobody either.
    let outline = Outline {
        notes: [("whole".to_owned(), whole(""))].into(),
        authors: [("whole".to_owned(), whole(""))].into(),
        ..Outline::default()
    };
    for (vendor, call, body) in calls {
        let answer = answer(vendor, call, body, 0);
        let plain = flatten(&answer);
        let who = identities(&plain);
        assert!(who.len() >= 2, "{who:?}");
        let shown = serde_json::to_string(&hidden(&answer, outline.clone())).unwrap();
        for name in who {
            assert!(!shown.contains(&name), "{name} in {shown}");
        }
    }
}

#[test]
fn calls_and_rejects_name_nobody() {
    let user = "5c2f338a000000000701e1c6";
    let profile =
        json!({"code": 0, "data": {"userid": "69abb712000000001600a32a", "nickname": "小红薯", "fans": "小红薯"}});
    let answer = Answer {
        call: Call::UserNotes {
            user_id: UserId::parse(user).unwrap(),
            via: Some("v".into()),
            cursor: Some(format!("{{\"u\":\"{user}\"}}")),
            page: 2,
        },
        ..answer("justoneapi", fixtures::profile(user), &profile.to_string(), 0)
    };
    let pseudonym = pseudonyms().of(&UserId::parse(user).unwrap());
    let flat = hidden(&answer, Outline::default());
    assert!(
        flat.call
            .call_key
            .starts_with(&format!("user_notes {{\"user_id\":\"{pseudonym}\",\"via\":\"v\",\"cursor\":\"c_"))
    );
    assert!(!flat.call.params.contains(user), "{}", flat.call.params);

    let answer = fixtures::answer("justoneapi", fixtures::profile(user), &profile.to_string(), 0);
    let told = flatten(&answer).rejects;
    assert!(told.iter().any(|reject| reject.reason.contains("小红薯")) && told.iter().any(|r| r.reason.contains(user)));
    let flat = hidden(&answer, Outline::default());
    let reasons: Vec<&str> = flat.rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!(reasons, [&format!("does not show the user asked for, `{pseudonym}`"), "a value is text, but no count"]);
    assert!(flat.rejects.iter().all(|reject| reject.call_key == flat.call.call_key));
}

#[test]
fn a_vendors_own_words_and_ids_name_nobody() {
    let user = json!({"userid": "5c2f338a000000000701e1c6", "nickname": "video", "red_id": "94210000000"});
    let note =
        |kind: &str, tag: Value| json!({"id": "n1", "title": "t", "type": kind, "user": user, "hash_tag": [tag]});
    let of = |kind: &str, tag: Value| {
        let flat = hidden(&fixtures::listing(&json!([note(kind, tag)])), Outline::default());
        let NoteContent { note_type, hashtags, .. } = flat.notes[0].content.clone().unwrap();
        (note_type, hashtags[0].clone())
    };
    let tag = |id: &str, kind: &str| json!({"id": id, "name": "防晒", "type": kind});
    let (kind, plain) = of("video", tag("5b1b25d5", "topic"));
    assert_eq!(
        (kind.as_deref(), plain.id.as_deref(), plain.kind.as_deref()),
        (Some("video"), Some("5b1b25d5"), Some("topic"))
    );
    let (kind, named) = of("94210000000", tag("5c2f338a000000000701e1c6", "94210000000"));
    assert_eq!((kind, named.id, named.kind, named.name), (None, None, None, plain.name));

    let profile = json!({"code": 0, "data": {"userid": "5c2f338a000000000701e1c6", "nickname": "小红薯啊", "red_id": "94210000000",
        "tags": [{"name": "a", "tag_type": "94210000000"}, {"name": "b", "tag_type": "location"}]}});
    let answer = answer("justoneapi", fixtures::profile("5c2f338a000000000701e1c6"), &profile.to_string(), 0);
    let tags = hidden(&answer, Outline::default()).authors[0].profile.tags.clone();
    assert_eq!(tags.iter().map(|tag| tag.kind.as_deref()).collect::<Vec<_>>(), [None, Some("location")]);
}

#[test]
fn a_note_with_more_names_than_anybody_writes_shows_no_text() {
    let ats: Vec<_> =
        (0..3000).map(|at| json!({"userid": format!("user{at}"), "nickname": format!("nick{at}")})).collect();
    let note = json!({"id": "n1", "title": "nick2999", "desc": "d", "user": {"userid": "u1"}, "ats": ats});
    let flat = hidden(&fixtures::listing(&json!([note])), Outline::default());
    let content = flat.notes[0].content.as_ref().unwrap();
    assert_eq!((&content.title, &content.description, content.mentions.len()), (&None, &None, 3000));
    assert_eq!(flat.rejects.len(), 1);
    assert!(flat.rejects[0].reason.starts_with("the note `n1` names more users"), "{:?}", flat.rejects);
}

#[test]
fn every_withheld_column_is_one() {
    let tables = dictionary();
    for name in WITHHELD {
        let (table, column) = name.split_once('.').unwrap();
        let table = tables.iter().find(|own| own.name == table).unwrap();
        assert!(table.columns.iter().any(|own| own.name == column && own.nullable), "{name}");
    }
}

/// Tells whether a name stands in a text as a word of its own; another way than the one that is tested.
fn stands_in(text: &str, name: &str, anywhere: bool) -> bool {
    let (text, name): (Vec<char>, Vec<char>) =
        (text.to_lowercase().chars().collect(), name.to_lowercase().chars().collect());
    let is_word = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
    (0..text.len()).any(|at| {
        let rest = &text[at..];
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        rest.starts_with(&name)
            && (anywhere
                || !(is_word(before) && is_word(name.first()) || is_word(rest.get(name.len())) && is_word(name.last())))
    })
}

proptest! {
    #[test]
    fn no_text_keeps_a_name_and_a_text_without_names_stays(
        ids in prop::collection::vec("[0-9a-f]{8,12}", 1..3),
        nicknames in prop::collection::vec("[ab1防晒.*+?()|\\[\\]\\\\^$ @🧡]{0,6}", 0..5),
        words in prop::collection::vec((0_usize..8, "[ab1防晒.@ ]{0,3}"), 0..12),
    ) {
        let mut names = Names::default();
        for id in &ids { names.add_id(id, ONE); }
        for name in &nicknames { names.add_nickname(name, TWO); }
        let text: String = words.iter().flat_map(|(pick, other)| {
            let named = ids.iter().chain(&nicknames).nth(*pick).map_or("", String::as_str);
            let mark = if pick % 2 == 0 { "@" } else { "" };
            [mark, named, other.as_str()]
        }).collect();

        let out = names.in_text(&text);
        // Whoever stood there was a word, and still is.
        let rest = out.replace(ONE, "U").replace(TWO, "U").replace("[user]", "U");
        for id in &ids {
            prop_assert!(!stands_in(&rest, id, true), "{id} of {text:?} in {out:?}");
        }
        for name in nicknames.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            prop_assert!(!stands_in(&rest, &format!("@{name}"), false), "@{name} of {text:?} in {out:?}");
            let letters = name.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
            if letters >= 2 {
                prop_assert!(!stands_in(&rest, name, false), "{name} of {text:?} in {out:?}");
            }
        }
        let plain: String = text.chars().filter(|c| "防.+ ".contains(*c)).collect();
        prop_assert_eq!(Names::default().in_text(&plain), plain);
    }

    #[test]
    fn any_text_with_any_names_is_read(name in "\\PC{0,12}", text in "\\PC{0,60}") {
        let names = names("5c2f338a", &[&name], &[]);
        let _ = (names.in_text(&text), names.in_sound(&text), names.in_value(Extra::Text(text.clone())));
        if name.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count() >= 2 {
            let out = names.in_text(&format!("一{name}"));
            prop_assert!(!out.contains(name.trim()), "{out:?}");
        }
    }
}
