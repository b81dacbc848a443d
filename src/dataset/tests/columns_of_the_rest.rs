//! Every column of the other tables, with the value that a person reads in the vendors' samples.

use super::*;
use crate::flatten::fixtures::given_up;
use crate::flatten::tables::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    RejectRow, SearchHitRow,
};

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
    assert_eq!(only(detailed().image_rows()), expected);
    let listed = only(listed().image_rows());
    let large =
        "https://sns-i8.rednotecdn.com/1000g0081r44dto6f20005n1f6e51roe6erg0lp8?imageView2/2/w/1440/format/he...";
    assert_eq!(listed.large_url, text(large));
}

#[test]
fn note_hashtags() {
    let rows = detailed().hashtag_rows();
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
    assert_eq!(only(detailed().mention_rows()), expected);
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
        added: Vec::new(),
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
    assert_eq!(only(searched().hit_rows()), expected);
    assert_eq!(listed().hit_rows(), []);
}

#[test]
fn note_metrics() {
    let expected = NoteMetricRow {
        note_id: "69abb712000000001600a32a".to_owned(),
        observed_at: observed(),
        source: "search",
        sequence: observed().as_microsecond(),
        liked_count: Some(15),
        collected_count: Some(9),
        comment_count: Some(25),
        share_count: Some(14),
        is_approximate: false,
    };
    assert_eq!(only(searched().note_metric_rows()), expected);
}

#[test]
fn author_metrics() {
    let expected = AuthorMetricRow {
        author_id: "5a901362e8ac2b36c99bce33".to_owned(),
        observed_at: observed(),
        source: "profile",
        sequence: observed().as_microsecond(),
        fans_count: Some(8456),
        follows_count: Some(265),
        liked_count: Some(49_321),
        collected_count: Some(26_386),
        interaction_count: Some(75_707),
        notes_count: Some(276),
        is_approximate: false,
    };
    assert_eq!(only(profiled().author_metric_rows()), expected);
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
        sequence: observed().as_microsecond(),
        outcome: "ok",
        vendor_code: text("0"),
        http_status: Some(200),
        attempts: 2,
        latency_ms: 345,
        body_bytes: Some(15_790),
        billed: "yes",
        cost: 0.15,
    };
    assert_eq!(only(detailed().call_rows()), expected);
    let row = only(merged(&[given_up(detail("n1"), Outcome::Reject)]).call_rows());
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
    assert_eq!(only(merged.reject_rows()), expected);
    assert_eq!(note(&merged).liked_count, None);
}
