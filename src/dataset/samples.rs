//! Every column of every table, with the value that a person reads in the vendors' published samples.

use jiff::Timestamp;

use super::merge::Merged;
use super::merge::rows::{hashtag_rows, image_rows, mention_rows, note_rows};
use crate::flatten::fixtures::{self, answer, detail, given_up, profile, search, user_notes};
use crate::flatten::flatten;
use crate::flatten::tables::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    NoteRow, RejectRow, SearchHitRow,
};
use crate::model::{Answer, Outcome};

fn merged(answers: &[Answer]) -> Merged {
    answers.iter().fold(Merged::default(), |mut merged, answer| {
        merged.add(flatten(answer));
        merged
    })
}

fn searched() -> Merged {
    merged(&[answer("justoneapi", search(3), fixtures::SEARCH, 1)])
}

fn detailed() -> Merged {
    merged(&[answer("justoneapi", detail("698ab064000000001503876d"), fixtures::DETAIL, 1)])
}

fn listed() -> Merged {
    merged(&[answer("justoneapi", user_notes("5c2f338a000000000701e1c6"), fixtures::USER_NOTES, 1)])
}

fn filmed() -> Merged {
    merged(&[answer("spiderhubs", user_notes("5ff0c1e2000000000100aaaa"), fixtures::SPIDERHUBS, 1)])
}

fn profiled() -> Merged {
    merged(&[answer("justoneapi", profile("5a901362e8ac2b36c99bce33"), fixtures::PROFILE, 1)])
}

fn only<T: std::fmt::Debug>(rows: Vec<T>) -> T {
    let [row] = <[T; 1]>::try_from(rows).unwrap();
    row
}

fn note(merged: &Merged) -> NoteRow {
    only(note_rows(&merged.notes().collect::<Vec<_>>()))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn observed() -> Timestamp {
    time("2026-11-22T08:00:01Z")
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What every note of one answer shares, and null for the rest.
fn blank(note_id: &str, source: &'static str) -> NoteRow {
    NoteRow {
        note_id: note_id.to_owned(),
        author_id: None,
        author_nickname: None,
        note_type: None,
        title: None,
        description: None,
        description_is_truncated: Some(false),
        published_at: None,
        updated_at: None,
        ip_location: None,
        language: None,
        liked_count: None,
        collected_count: None,
        comment_count: None,
        share_count: None,
        counts_are_approximate: Some(false),
        image_count: Some(1),
        hashtags: Some(vec![]),
        cover_url: None,
        cover_width: None,
        cover_height: None,
        video_duration_ms: None,
        video_url: None,
        video_width: None,
        video_height: None,
        sound_id: None,
        sound_name: None,
        share_url: None,
        is_sticky: None,
        xsec_token: None,
        is_gone: None,
        content_source: Some(source),
        content_observed_at: Some(observed()),
        counts_observed_at: Some(observed()),
        first_seen_at: observed(),
        last_seen_at: observed(),
    }
}

#[test]
fn notes_from_a_search() {
    let expected = NoteRow {
        author_id: text("6276a4d10000000021026c1f"),
        author_nickname: text("郑州卖海信电视容声冰箱团购处"),
        note_type: text("image"),
        description: text(
            "#海信洗衣机 这是海信全家筒·棉花糖U7S,一款全球首创的6合1热泵洗护站,主打“衣鞋同净、分区健康洗护”。 核心亮点",
        ),
        description_is_truncated: Some(true),
        published_at: Some(time("2026-03-07T05:26:42Z")),
        updated_at: Some(time("2026-03-08T09:47:41Z")),
        liked_count: Some(15),
        collected_count: Some(9),
        comment_count: Some(25),
        share_count: Some(14),
        cover_url: text(
            "https://sns-na-i8-a.xhscdn.com/notes_uhdr/1040g3qg31tdcat495m005ojmkj8ocr0v9fjbf2g?imageView2/2/w/60...",
        ),
        cover_width: Some(4284),
        cover_height: Some(5712),
        xsec_token: text("YBtw6gvZIq7-ULy_Lt2R72ZheGwXy_ackAgZ_tUQf29go="),
        ..blank("69abb712000000001600a32a", "search")
    };
    assert_eq!(note(&searched()), expected);
}

#[test]
fn notes_from_a_detail() {
    let expected = NoteRow {
        author_id: text("5cc823550000000010034c96"),
        author_nickname: text("风草"),
        note_type: text("video"),
        title: text("国潮才是永恒审美!新年写真我太想进步了"),
        description: text(
            "和@小羊崽吃了吗 在杭州街拍新年写真,也是第一次尝试这种国潮拍法,拍得特别开心!拍照动作可参考哦!#我是春节主理人[话题]# #咔嚓一张新年照[话题]# #新年写真[话题]# #国风[话题]# #拍照姿势不重样[话题]#",
        ),
        published_at: Some(time("2026-02-10T04:13:24Z")),
        ip_location: text("浙江"),
        language: text("zh"),
        liked_count: Some(689),
        collected_count: Some(247),
        comment_count: Some(84),
        share_count: Some(149),
        hashtags: Some(
            ["我是春节主理人", "咔嚓一张新年照", "新年写真", "国风", "拍照姿势不重样"].map(str::to_owned).to_vec(),
        ),
        cover_url: text(
            "https://sns-i10.rednotecdn.com/1040g00831sd37bs2lk405n684dak6j4m6ekoci0?imageView2/2/w/576/format/heif/q/58|imageMogr2/strip&redImage/frame/0/enhance/4&ap=1&sc=V_PRV&sign=f84261bfe2427b601718db89f70ebb59&t=69aede95&src=A",
        ),
        cover_width: Some(1080),
        cover_height: Some(1920),
        sound_id: text("1146600070351388223"),
        sound_name: text("风草的原声"),
        share_url: text("https://www.xiaohongshu.com/discovery/item/698ab064000000001503876d"),
        is_gone: Some(false),
        ..blank("698ab064000000001503876d", "detail")
    };
    assert_eq!(note(&detailed()), expected);
}

#[test]
fn notes_from_a_users_notes() {
    let expected = NoteRow {
        author_id: text("5c2f338a000000000701e1c6"),
        author_nickname: text("是六金呀~"),
        note_type: text("image"),
        title: text("“终于”!!让我找到“真鱼尾裙”!!!"),
        description: text(
            "162|110斤。梨形身材真的很难不爱包臀裙!!\n#笔记灵感[话题]# #鱼尾裙[话题]# #包臀裙[话题]# #纯欲风[话题]# #梨形身材[话题]# #梨形身材穿搭[话题]# #秋冬穿搭[话题]#",
        ),
        published_at: Some(time("2023-01-03T02:00:23Z")),
        liked_count: Some(1481),
        collected_count: Some(383),
        comment_count: Some(21),
        share_count: Some(46),
        hashtags: Some(
            ["笔记灵感", "鱼尾裙", "包臀裙", "纯欲风", "梨形身材", "梨形身材穿搭", "秋冬穿搭"]
                .map(str::to_owned)
                .to_vec(),
        ),
        cover_url: text(
            "https://sns-i8.rednotecdn.com/1000g0081r44dto6f20005n1f6e51roe6erg0lp8?imageView2/2/w/576/format/hei...",
        ),
        cover_width: Some(1280),
        cover_height: Some(1707),
        is_sticky: Some(true),
        ..blank("63b38c37000000001e03de92", "user_notes")
    };
    assert_eq!(note(&listed()), expected);
}

#[test]
fn notes_with_a_video() {
    let expected = NoteRow {
        author_id: text("5ff0c1e2000000000100aaaa"),
        author_nickname: text("山里的小林"),
        note_type: text("video"),
        title: text("周末去爬山"),
        description: text("山顶的风很大 #徒步[话题]# "),
        published_at: Some(time("2026-06-02T17:08:48Z")),
        updated_at: Some(time("2026-06-02T18:08:48Z")),
        ip_location: text("Guangxi"),
        liked_count: Some(12_000),
        collected_count: Some(356),
        comment_count: Some(0),
        share_count: Some(10),
        counts_are_approximate: Some(true),
        hashtags: Some(vec!["徒步".to_owned()]),
        cover_url: text(
            "https://sns-i11.rednotecdn.com/1040g00800000000000001?imageView2/2/w/576/format/heif&sign=00ff&t=6a469b20",
        ),
        cover_width: Some(1080),
        cover_height: Some(1920),
        video_duration_ms: Some(8125),
        video_url: text("http://sns-v8.rednotecdn.com/stream/110/115/01e000000000000001_115.mp4?sign=00ff&t=6a469b20"),
        video_width: Some(720),
        video_height: Some(1280),
        share_url: text("https://www.xiaohongshu.com/discovery/item/6a1f0e20000000001e00beef"),
        is_sticky: Some(true),
        ..blank("6a1f0e20000000001e00beef", "user_notes")
    };
    assert_eq!(note(&filmed()), expected);
}

#[test]
fn note_images() {
    let url = "https://sns-i10.rednotecdn.com/1040g00831sd37bs2lk405n684dak6j4m6ekoci0?imageView2/2/w/576/format/heif/q/58|imageMogr2/strip&redImage/frame/0/enhance/4&ap=1&sc=V_PRV&sign=f84261bfe2427b601718db89f70ebb59&t=69aede95&src=A";
    let original = "https://sns-i10.rednotecdn.com/1040g00831sd37bs2lk405n684dak6j4m6ekoci0?imageView2/2/w/5000/h/5000/format/heif/q/56&redImage/frame/0&ap=1&sc=V_ORG&sign=f84261bfe2427b601718db89f70ebb59&t=69aede95&src=A";
    let expected = NoteImageRow {
        note_id: "698ab064000000001503876d".to_owned(),
        position: 0,
        file_id: text("1040g00831sd37bs2lk405n684dak6j4m6ekoci0"),
        url: text(url),
        large_url: None,
        original_url: text(original),
        width: Some(1080),
        height: Some(1920),
        expires_at: Some(time("2026-03-09T14:52:05Z")),
    };
    assert_eq!(only(image_rows(&detailed().notes().collect::<Vec<_>>())), expected);
    let listed = only(image_rows(&listed().notes().collect::<Vec<_>>()));
    let large =
        "https://sns-i8.rednotecdn.com/1000g0081r44dto6f20005n1f6e51roe6erg0lp8?imageView2/2/w/1440/format/he...";
    assert_eq!(listed.large_url, text(large));
}

#[test]
fn note_hashtags() {
    let rows = hashtag_rows(&detailed().notes().collect::<Vec<_>>());
    assert_eq!(rows.len(), 5);
    let expected = NoteHashtagRow {
        note_id: "698ab064000000001503876d".to_owned(),
        position: 3,
        hashtag_id: text("5bf8bd51e9a6d80001ba932c"),
        name: text("国风"),
        kind: text("topic"),
    };
    assert_eq!(rows[3], expected);
}

#[test]
fn note_mentions() {
    let expected = NoteMentionRow {
        note_id: "698ab064000000001503876d".to_owned(),
        position: 0,
        user_id: text("5b100874f7e8b932e02cfc6d"),
        nickname: text("小羊崽吃了吗"),
    };
    assert_eq!(only(mention_rows(&detailed().notes().collect::<Vec<_>>())), expected);
}

#[test]
fn authors_from_a_profile() {
    let expected = AuthorRow {
        author_id: "5a901362e8ac2b36c99bce33".to_owned(),
        red_id: text("guting1008"),
        nickname: text("小顾小小家"),
        description: text("🧡一个117平横厅🏠\n🐰一个2岁的儿子米兜兜\n🌈一位美术老师的有趣生活\n🌻guting1008_"),
        gender: Some("female"),
        location: text("中国 广东 东莞"),
        ip_location: text("广东"),
        fans_count: Some(8456),
        follows_count: Some(265),
        liked_count: Some(49_321),
        collected_count: Some(26_386),
        interaction_count: Some(75_707),
        notes_count: Some(276),
        is_verified: Some(false),
        verified_content: None,
        avatar_url: text(
            "https://sns-avatar-qc.xhscdn.com/avatar/1040g2jo31gjkvenfjs004a1nb69m5jhjrrsug08?imageView2/2/w/540/format/webp",
        ),
        banner_url: text(
            "http://sns-avatar-qc.rednotecdn.com/user_banner/1040g2k031t8993lslm1g4a1nb69m5jhjfqpbd5g?imageView2/2/w/540/format/jpg&ap=28&sc=USR_BG&src=A",
        ),
        share_url: text("https://www.xiaohongshu.com/user/profile/5a901362e8ac2b36c99bce33"),
        registered_at: Some(time("2018-02-23T13:13:06Z")),
        profile_source: "profile",
        profile_observed_at: observed(),
        first_seen_at: observed(),
        last_seen_at: observed(),
    };
    assert_eq!(only(profiled().author_rows()), expected);
}

#[test]
fn authors_from_a_note() {
    let row = only(searched().author_rows());
    assert_eq!((row.author_id.as_str(), row.red_id), ("6276a4d10000000021026c1f", text("1527435277")));
    assert_eq!(row.nickname, text("郑州卖海信电视容声冰箱团购处"));
    assert_eq!((row.profile_source, row.is_verified), ("note", Some(false)));
    assert_eq!(row.registered_at, Some(time("2022-05-07T16:56:49Z")));
    assert_eq!((row.fans_count, row.gender, row.banner_url), (None, None, None));
}

#[test]
fn author_tags() {
    let tag = |position, kind, name: &str| AuthorTagRow {
        author_id: "5a901362e8ac2b36c99bce33".to_owned(),
        position,
        kind: text(kind),
        name: name.to_owned(),
    };
    // The vendor's first label is a picture without a name.
    let expected = [tag(1, "location", "广东东莞"), tag(2, "profession", "家居博主"), tag(3, "profession", "母婴博主")];
    assert_eq!(profiled().author_tag_rows(), expected);
}

#[test]
fn search_hits() {
    let expected = SearchHitRow {
        seed: Some(1),
        keyword: "洗衣机".to_owned(),
        sort: "time_descending",
        note_type: "image",
        published: "half_year",
        page: 3,
        position: 0,
        note_id: "69abb712000000001600a32a".to_owned(),
        observed_at: observed(),
        run_id: "r1".to_owned(),
    };
    assert_eq!(only(searched().hit_rows()), (observed(), expected));
    assert_eq!(listed().hit_rows(), []);
}

#[test]
fn note_metrics() {
    let expected = NoteMetricRow {
        note_id: "69abb712000000001600a32a".to_owned(),
        observed_at: observed(),
        source: "search",
        liked_count: Some(15),
        collected_count: Some(9),
        comment_count: Some(25),
        share_count: Some(14),
    };
    assert_eq!(only(searched().note_metric_rows()).1, expected);
}

#[test]
fn author_metrics() {
    let expected = AuthorMetricRow {
        author_id: "5a901362e8ac2b36c99bce33".to_owned(),
        observed_at: observed(),
        source: "profile",
        fans_count: Some(8456),
        follows_count: Some(265),
        liked_count: Some(49_321),
        collected_count: Some(26_386),
        interaction_count: Some(75_707),
        notes_count: Some(276),
    };
    assert_eq!(only(profiled().author_metric_rows()).1, expected);
}

#[test]
fn calls() {
    let expected = CallRow {
        run_id: "r1".to_owned(),
        call_key: r#"note_detail {"note_id":"698ab064000000001503876d"}"#.to_owned(),
        vendor: "justoneapi".to_owned(),
        endpoint: "note_detail",
        params: r#"{"note_id":"698ab064000000001503876d"}"#.to_owned(),
        observed_at: observed(),
        outcome: "ok",
        vendor_code: text("0"),
        http_status: Some(200),
        attempts: 2,
        latency_ms: 345,
        body_bytes: Some(15_790),
        billed: "yes",
        cost: 0.15,
    };
    assert_eq!(only(detailed().call_rows()).1, expected);
    let row = only(merged(&[given_up(detail("n1"), Outcome::Reject)]).call_rows()).1;
    assert_eq!((row.outcome, row.billed, row.http_status, row.body_bytes), ("reject", "unknown", None, None));
}

#[test]
fn rejects() {
    let body = fixtures::SEARCH.replace("\"liked_count\": 15", "\"liked_count\": \"abc\"");
    let merged = merged(&[answer("justoneapi", search(3), &body, 1)]);
    let expected = RejectRow {
        run_id: "r1".to_owned(),
        call_key: search(3).key(),
        path: "/data/items/0/note/liked_count".to_owned(),
        reason: "`abc` is text, but no count".to_owned(),
    };
    assert_eq!(only(merged.reject_rows()).1, expected);
    assert_eq!(note(&merged).liked_count, None);
}
