//! The vendors' published samples: every field with the value that a person reads in them.

use std::cmp::Reverse;

use crate::flatten::fixtures::{self, answer};
use crate::flatten::{Flattened, flatten};
use crate::model::{
    Answer, AuthorSource, AuthorTag, Count, Cover, Gender, Hashtag, Image, Listing, Mention, NoteContent,
    NoteObservation, NoteSource, Profile, UserId, Video,
};

#[expect(clippy::unnecessary_wraps, reason = "stands where a column's value stands")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "stands where a column's value stands")]
fn user(id: &str) -> Option<UserId> {
    Some(UserId::parse(id).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "stands where a column's value stands")]
fn time(text: &str) -> Option<jiff::Timestamp> {
    Some(text.parse().unwrap())
}

fn exact(values: [i64; 4]) -> [Option<Count>; 4] {
    values.map(|value| Some(Count::exact(value)))
}

fn topic(id: &str, name: &str) -> Hashtag {
    Hashtag { id: text(id), name: text(name), kind: text("topic") }
}

fn only_note(answer: &Answer) -> (NoteObservation, Flattened) {
    let flat = flatten(answer);
    assert_eq!((flat.rejects.as_slice(), flat.skipped, flat.notes.len()), ([].as_slice(), 0, 1));
    let note = flat.notes[0].clone();
    assert_eq!(note.seen.observed_at, answer.observed_at);
    assert_eq!(*note.seen.call_key, *answer.call.key());
    assert_eq!(note.seen.position, Reverse(0));
    (note, flat)
}

#[test]
fn just_ones_search_page() {
    let answer = answer("justoneapi", fixtures::search(3), fixtures::SEARCH, 0);
    let (note, flat) = only_note(&answer);
    let image = "https://sns-na-i8-a.xhscdn.com/notes_uhdr/1040g3qg31tdcat495m005ojmkj8ocr0v9fjbf2g?imageView2/2/w/";
    let expected = NoteContent {
        title: None,
        description: text(
            "#海信洗衣机 这是海信全家筒·棉花糖U7S,一款全球首创的6合1热泵洗护站,主打“衣鞋同净、分区健康洗护”。 核心亮点",
        ),
        description_is_truncated: true,
        note_type: text("image"),
        author_nickname: text("郑州卖海信电视容声冰箱团购处"),
        image_count: Some(1),
        images: vec![Image {
            position: 0,
            file_id: text("notes_uhdr/1040g3qg31tdcat495m005ojmkj8ocr0v9fjbf2g"),
            url: Some(format!("{image}60...")),
            large_url: Some(format!("{image}14...")),
            original_url: None,
            width: Some(4284),
            height: Some(5712),
            expires_at: None,
        }],
        cover: Cover { url: Some(format!("{image}60...")), width: Some(4284), height: Some(5712) },
        ..NoteContent::default()
    };
    assert_eq!(note.content, Some(expected));
    assert_eq!(note.note_id.as_str(), "69abb712000000001600a32a");
    assert_eq!(note.source, NoteSource::Search);
    assert_eq!(note.author_id, user("6276a4d10000000021026c1f"));
    assert_eq!(note.published_at, time("2026-03-07T05:26:42Z"));
    assert_eq!(note.updated_at, time("2026-03-08T09:47:41Z"));
    assert_eq!(note.counts, exact([15, 9, 25, 14]));
    assert_eq!(note.is_gone, None);
    let listing = Listing { is_sticky: None, xsec_token: text("YBtw6gvZIq7-ULy_Lt2R72ZheGwXy_ackAgZ_tUQf29go=") };
    assert_eq!(note.listing, Some(listing));

    let [hit] = flat.hits.as_slice() else { panic!("{:?}", flat.hits) };
    assert_eq!((hit.seed, hit.page, hit.position, hit.run_id.as_str()), (Some(1), 3, 0, "r1"));
    assert_eq!((hit.query.keyword.as_str(), hit.note_id.as_str()), ("洗衣机", "69abb712000000001600a32a"));

    let [author] = flat.authors.as_slice() else { panic!("{:?}", flat.authors) };
    assert_eq!((author.author_id.as_str(), author.source), ("6276a4d10000000021026c1f", AuthorSource::Note));
    let expected = Profile {
        red_id: text("1527435277"),
        nickname: text("郑州卖海信电视容声冰箱团购处"),
        is_verified: Some(false),
        avatar_url: text(
            "https://sns-avatar-qc.xhscdn.com/avatar/1040g2jo31gf10nru3s0g5ojmkj8ocr0v47fj5ro?imageView2/2/w/80/f...",
        ),
        ..Profile::default()
    };
    assert_eq!(author.profile, expected);
}

#[test]
fn just_ones_note_in_full() {
    let answer = answer("justoneapi", fixtures::detail("698ab064000000001503876d"), fixtures::DETAIL, 0);
    let (note, flat) = only_note(&answer);
    let file = "https://sns-i10.rednotecdn.com/1040g00831sd37bs2lk405n684dak6j4m6ekoci0?imageView2/2/w";
    let url = format!(
        "{file}/576/format/heif/q/58|imageMogr2/strip&redImage/frame/0/enhance/4&ap=1&sc=V_PRV&sign=f84261bfe2427b601718db89f70ebb59&t=69aede95&src=A"
    );
    let original = format!(
        "{file}/5000/h/5000/format/heif/q/56&redImage/frame/0&ap=1&sc=V_ORG&sign=f84261bfe2427b601718db89f70ebb59&t=69aede95&src=A"
    );
    let expected = NoteContent {
        title: text("国潮才是永恒审美!新年写真我太想进步了"),
        description: text(
            "和@小羊崽吃了吗 在杭州街拍新年写真,也是第一次尝试这种国潮拍法,拍得特别开心!拍照动作可参考哦!#我是春节主理人[话题]# #咔嚓一张新年照[话题]# #新年写真[话题]# #国风[话题]# #拍照姿势不重样[话题]#",
        ),
        description_is_truncated: false,
        note_type: text("video"),
        ip_location: text("浙江"),
        language: text("zh"),
        author_nickname: text("风草"),
        share_url: text("https://www.xiaohongshu.com/discovery/item/698ab064000000001503876d"),
        image_count: Some(1),
        images: vec![Image {
            position: 0,
            file_id: text("1040g00831sd37bs2lk405n684dak6j4m6ekoci0"),
            url: Some(url.clone()),
            large_url: None,
            original_url: Some(original),
            width: Some(1080),
            height: Some(1920),
            expires_at: time("2026-03-09T14:52:05Z"),
        }],
        cover: Cover { url: Some(url), width: Some(1080), height: Some(1920) },
        // The sample is a video without any video block.
        video: Video::default(),
        sound_id: text("1146600070351388223"),
        sound_name: text("风草的原声"),
        hashtags: vec![
            topic("696a7c83000000001b01014c", "我是春节主理人"),
            topic("696f9b5e000000001c0013e2", "咔嚓一张新年照"),
            topic("5c2372ac000000000a03c2b9", "新年写真"),
            topic("5bf8bd51e9a6d80001ba932c", "国风"),
            topic("5ad5d27781f6d13b516564e9", "拍照姿势不重样"),
        ],
        added: Vec::new(),
        mentions: vec![Mention {
            position: 0,
            user_id: user("5b100874f7e8b932e02cfc6d"),
            nickname: text("小羊崽吃了吗"),
        }],
    };
    assert_eq!(note.content, Some(expected));
    assert_eq!(note.source, NoteSource::Detail);
    assert_eq!(note.author_id, user("5cc823550000000010034c96"));
    assert_eq!(note.published_at, time("2026-02-10T04:13:24Z"));
    assert_eq!(note.updated_at, None);
    assert_eq!(note.counts, exact([689, 247, 84, 149]));
    assert_eq!((note.listing, note.is_gone), (None, Some(false)));
    assert_eq!(flat.hits, []);
    let [author] = flat.authors.as_slice() else { panic!("{:?}", flat.authors) };
    let expected = Profile {
        red_id: text("518955047"),
        nickname: text("风草"),
        is_verified: Some(false),
        avatar_url: text(
            "https://sns-avatar-qc.xhscdn.com/avatar/1040g2jo31fipps8cg66g5n684dak6j4mlhbrfio?imageView2/2/w/120/format/jpg",
        ),
        ..Profile::default()
    };
    assert_eq!((author.author_id.as_str(), &author.profile), ("5cc823550000000010034c96", &expected));
}

#[test]
fn just_ones_page_of_a_users_notes() {
    let answer = answer("justoneapi", fixtures::user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 0);
    let (note, flat) = only_note(&answer);
    let file = "https://sns-i8.rednotecdn.com/1000g0081r44dto6f20005n1f6e51roe6erg0lp8?imageView2/2/w";
    let names = ["笔记灵感", "鱼尾裙", "包臀裙", "纯欲风", "梨形身材", "梨形身材穿搭", "秋冬穿搭"];
    let expected = NoteContent {
        title: text("“终于”!!让我找到“真鱼尾裙”!!!"),
        description: text(
            "162|110斤。梨形身材真的很难不爱包臀裙!!\n#笔记灵感[话题]# #鱼尾裙[话题]# #包臀裙[话题]# #纯欲风[话题]# #梨形身材[话题]# #梨形身材穿搭[话题]# #秋冬穿搭[话题]#",
        ),
        note_type: text("image"),
        author_nickname: text("是六金呀~"),
        image_count: Some(1),
        images: vec![Image {
            position: 0,
            file_id: text("1000g0081r44dto6f20005n1f6e51roe6erg0lp8"),
            url: Some(format!("{file}/576/format/hei...")),
            large_url: Some(format!("{file}/1440/format/he...")),
            original_url: None,
            width: Some(1280),
            height: Some(1707),
            expires_at: None,
        }],
        cover: Cover { url: Some(format!("{file}/576/format/hei...")), width: Some(1280), height: Some(1707) },
        hashtags: names.map(|name| Hashtag { id: None, name: text(name), kind: text("topic") }).to_vec(),
        ..NoteContent::default()
    };
    assert_eq!(note.content, Some(expected));
    assert_eq!(note.source, NoteSource::UserNotes);
    assert_eq!(note.author_id, user("5c2f338a000000000701e1c6"));
    assert_eq!(note.published_at, time("2023-01-03T02:00:23Z"));
    assert_eq!(note.updated_at, None);
    assert_eq!(note.counts, exact([1481, 383, 21, 46]));
    assert_eq!(note.listing, Some(Listing { is_sticky: Some(true), xsec_token: None }));
    assert_eq!((flat.hits.len(), flat.authors.len()), (0, 1));
}

#[test]
fn spiderhubs_page_of_a_users_notes() {
    let answer = answer("spiderhubs", fixtures::user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 0);
    let (note, flat) = only_note(&answer);
    let content = note.content.unwrap();
    let stream = "http://sns-v8.rednotecdn.com/stream/110/115/01e000000000000001_115.mp4?sign=00ff&t=6a469b20";
    let video = Video { duration_ms: Some(8125), url: text(stream), width: Some(720), height: Some(1280) };
    assert_eq!(content.video, video);
    assert_eq!((content.title, content.note_type), (text("周末去爬山"), text("video")));
    assert_eq!(content.ip_location, text("Guangxi"));
    assert_eq!(content.share_url, text("https://www.xiaohongshu.com/discovery/item/6a1f0e20000000001e00beef"));
    assert_eq!(content.hashtags, [Hashtag { id: None, name: text("徒步"), kind: text("topic") }]);
    assert_eq!(content.images[0].expires_at, time("2026-07-02T17:08:48Z"));
    let mention = Mention { position: 0, user_id: user("5ff0c1e2000000000100bbbb"), nickname: text("阿木") };
    assert_eq!(content.mentions, [mention]);
    assert_eq!(note.published_at, time("2026-06-02T17:08:48Z"));
    assert_eq!(note.updated_at, time("2026-06-02T18:08:48Z"));
    let count = |value, unit| Some(Count { value, unit });
    assert_eq!(note.counts, [count(12_000, 1000), count(356, 1), count(0, 1), count(10, 0)]);
    assert_eq!(note.listing, Some(Listing { is_sticky: Some(true), xsec_token: None }));
    assert_eq!(flat.authors[0].profile.is_verified, Some(true));
}

#[test]
fn just_ones_profile() {
    let flat = flatten(&answer("justoneapi", fixtures::profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 0));
    assert_eq!((flat.rejects.as_slice(), flat.notes.as_slice()), ([].as_slice(), [].as_slice()));
    let [author] = flat.authors.as_slice() else { panic!("{:?}", flat.authors) };
    let tag = |position, kind, name: &str| AuthorTag { position, kind: text(kind), name: name.to_owned() };
    let expected = Profile {
        red_id: text("guting1008"),
        nickname: text("小顾小小家"),
        description: text("🧡一个117平横厅🏠\n🐰一个2岁的儿子米兜兜\n🌈一位美术老师的有趣生活\n🌻guting1008_"),
        gender: Some(Gender::Female),
        location: text("中国 广东 东莞"),
        ip_location: text("广东"),
        counts: [8456, 265, 49_321, 26_386, 75_707, 276].map(|value| Some(Count::exact(value))),
        is_verified: Some(false),
        verified_content: None,
        avatar_url: text(
            "https://sns-avatar-qc.xhscdn.com/avatar/1040g2jo31gjkvenfjs004a1nb69m5jhjrrsug08?imageView2/2/w/540/format/webp",
        ),
        banner_url: text(
            "http://sns-avatar-qc.rednotecdn.com/user_banner/1040g2k031t8993lslm1g4a1nb69m5jhjfqpbd5g?imageView2/2/w/540/format/jpg&ap=28&sc=USR_BG&src=A",
        ),
        share_url: text("https://www.xiaohongshu.com/user/profile/5a901362e8ac2b36c99bce33"),
        tags: vec![tag(1, "location", "广东东莞"), tag(2, "profession", "家居博主"), tag(3, "profession", "母婴博主")],
        added: Vec::new(),
    };
    assert_eq!((author.author_id.as_str(), author.source), ("5a901362e8ac2b36c99bce33", AuthorSource::Profile));
    assert_eq!(author.profile, expected);
}
