//! Odd notes: none loses the page.

use serde_json::{Value, json};

use super::{note, told};
use crate::flatten::fixtures::listing;
use crate::flatten::flatten;
use crate::model::{Hashtag, NoteObservation, Video};

/// Reads one note of a search page, which must not reject anything.
fn read(fields: Value) -> NoteObservation {
    let mut flat = flatten(&listing(&json!([note(fields)])));
    assert_eq!(flat.rejects, []);
    flat.notes.remove(0)
}

fn counts(note: &NoteObservation) -> [Option<i64>; 4] {
    note.counts.map(|count| count.map(|count| count.value))
}

#[test]
fn the_webs_shape_of_a_note_is_read() {
    let card = json!({
        "type": "video", "display_title": "标题", "time": 1_672_711_223_000_i64, "last_update_time": 1_672_711_224_000_i64,
        "user": {"user_id": "u1", "nick_name": "n", "avatar": "https://h/a.jpg"},
        "interact_info": {"liked_count": "1.2万", "collected_count": "7", "comment_count": "", "share_count": "10+", "sticky": true},
        "image_list": [
            {"width": 3, "height": 4, "url": "", "info_list": [
                {"image_scene": "WB_PRV", "url": "https://h/p.jpg"}, {"image_scene": "WB_DFT", "url": "https://h/d.jpg"}]},
            {"info_list": [{"image_scene": "WB_PRV", "url": "https://h/q.jpg"}]},
            {"url_pre": "https://h/r.jpg"}],
        "tag_list": [{"id": "t1", "name": "防晒", "type": "topic"}, {"id": "u9", "name": "谁", "type": "mention"}],
        "at_user_list": [{"user_id": "u9", "nickname": "谁"}],
        "video": {"capa": {"duration": 61}, "media": {"stream": {"h264": [
            {"masterUrl": "https://h/v.mp4", "duration": 61_905, "width": 720, "height": 1280}], "h265": []}}},
    });
    let flat = flatten(&listing(&json!([{"id": "n1", "model_type": "note", "xsec_token": "T=", "note_card": card}])));
    assert_eq!(told(&flat), []);
    let note = &flat.notes[0];
    let content = note.content.as_ref().unwrap();
    assert_eq!((note.note_id.as_str(), content.title.as_deref()), ("n1", Some("标题")));
    assert_eq!(counts(note), [Some(12_000), Some(7), None, Some(10)]);
    assert_eq!(note.published_at.unwrap().as_second(), 1_672_711_223);
    assert_eq!(note.updated_at.unwrap().as_second(), 1_672_711_224);
    let listing = note.listing.as_ref().unwrap();
    assert_eq!((listing.is_sticky, listing.xsec_token.as_deref()), (Some(true), Some("T=")));
    let urls: Vec<_> = content.images.iter().map(|image| image.url.as_deref().unwrap()).collect();
    assert_eq!(urls, ["https://h/d.jpg", "https://h/q.jpg", "https://h/r.jpg"]);
    assert_eq!((content.cover.url.as_deref(), content.cover.height), (Some("https://h/d.jpg"), Some(4)));
    let topic = Hashtag { id: Some("t1".into()), name: Some("防晒".into()), kind: Some("topic".into()) };
    assert_eq!(content.hashtags, [topic]);
    assert_eq!(content.mentions[0].user_id.as_ref().unwrap().as_str(), "u9");
    let url = Some("https://h/v.mp4".to_owned());
    assert_eq!(content.video, Video { duration_ms: Some(61_905), url, width: Some(720), height: Some(1280) });
    assert_eq!(flat.authors[0].profile.avatar_url.as_deref(), Some("https://h/a.jpg"));
}

#[test]
fn a_place_behind_a_time_is_the_place_of_a_note_that_has_none() {
    let place = |fields: Value| read(fields).content.unwrap().ip_location;
    assert_eq!(place(json!({"id": "n1", "time_desc": "01-02 广东"})).as_deref(), Some("广东"));
    assert_eq!(place(json!({"id": "n1", "time_desc": "01-02 广东", "ip_location": "上海"})).as_deref(), Some("上海"));
    let told_twice = json!({"id": "n1", "timestamp": 1_672_711_223, "time_desc": "昨天09:09 北京"});
    assert_eq!(place(told_twice).as_deref(), Some("北京"));
    assert_eq!(place(json!({"id": "n1", "time_desc": "01-02"})), None);
}

#[test]
fn one_odd_value_costs_that_value_and_nothing_else() {
    let odd = note(json!({
        "likes": "abc", "comments_count": {"a": 1}, "share_count": 5, "timestamp": "soon", "title": [1],
        "user": {"userid": "../x", "nickname": "n"}, "images_list": [7, {"url": "https://h/1.jpg", "width": "wide"}],
        "sticky": "perhaps", "share_info": {"link": "no address"}, "hash_tag": "x", "video_info_v2": 3,
    }));
    let flat = flatten(&listing(&json!([odd, note(json!({"id": "n2"}))])));
    assert_eq!(flat.notes.len(), 2);
    let note = &flat.notes[0];
    let content = note.content.as_ref().unwrap();
    assert_eq!((counts(note), content.author_nickname.as_deref()), ([None, None, None, Some(5)], Some("n")));
    assert_eq!((content.image_count, content.images.len(), content.images[0].position), (Some(2), 1, 1));
    let expected = [
        ("/data/items/0/comments_count", "`{…}` is neither a number nor text"),
        ("/data/items/0/hash_tag", "`x` is no list"),
        ("/data/items/0/images_list/0", "`7` is no object"),
        ("/data/items/0/images_list/1/width", "`wide` is text, but no count"),
        ("/data/items/0/likes", "`abc` is text, but no count"),
        ("/data/items/0/share_info/link", "`no` is no web address"),
        ("/data/items/0/sticky", "`perhaps` is neither yes nor no"),
        ("/data/items/0/timestamp", "`soon` is no time"),
        ("/data/items/0/title", "`[…]` is no text"),
        ("/data/items/0/user/userid", "`../x` holds something other than letters, digits, `-` and `_`"),
        ("/data/items/0/video_info_v2", "`3` is no object"),
    ];
    assert_eq!(told(&flat), expected);
}

#[test]
fn titles_that_say_nothing_give_way() {
    for (fields, expected) in [
        (json!({"title": "", "display_title": "d"}), Some("d")),
        (json!({"title": " \n", "display_title": null}), None),
        (json!({"title": "t", "display_title": "d"}), Some("t")),
        (json!({"title": 2026}), Some("2026")),
    ] {
        assert_eq!(read(fields.clone()).content.unwrap().title.as_deref(), expected, "{fields}");
    }
}

#[test]
fn times_that_are_unset_give_way_to_the_next() {
    let published = |fields| read(fields).published_at.map(jiff::Timestamp::as_second);
    assert_eq!(published(json!({"timestamp": 0, "create_time": "1672711223"})), Some(1_672_711_223));
    assert_eq!(published(json!({"time": "2024-02-22 16:05"})), Some(1_708_589_100));
    assert_eq!(
        published(json!({"time": "1小时前"})),
        Some("2026-11-22T07:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second())
    );
    assert_eq!(published(json!({})), None);
    assert_eq!(read(json!({"update_time": 0, "last_update_time": 0})).updated_at, None);
}

#[test]
fn note_types_are_image_video_or_the_vendors_word() {
    for (word, expected) in [
        (json!("normal"), Some("image")),
        (json!("video"), Some("video")),
        (json!("live"), Some("live")),
        (json!(null), None),
    ] {
        assert_eq!(read(json!({"type": word})).content.unwrap().note_type.as_deref(), expected);
    }
}

#[test]
fn images_without_an_address_are_images() {
    let images = json!([{"url": "https://h/1.jpg", "url_size_large": "https://h/1l.jpg?t=69aede95", "width": 0},
        {"url": "", "url_size_large": "https://h/2l.jpg"}, null, {"width": 1, "height": 2}]);
    let content = read(json!({"images_list": images})).content.unwrap();
    assert_eq!(content.image_count, Some(4));
    let told: Vec<_> = content.images.iter().map(|image| (image.position, image.large_url.is_some())).collect();
    assert_eq!(told, [(0, true), (1, true), (3, false)]);
    assert_eq!(content.images[0].width, None);
    assert_eq!(content.images[0].expires_at.map(jiff::Timestamp::as_second), Some(0x69ae_de95));
    assert_eq!(read(json!({"images_list": []})).content.unwrap().image_count, Some(0));
    assert_eq!(read(json!({"images_list": null})).content.unwrap().image_count, None);
    let cover = read(json!({"cover": {"url_default": "https://h/c.jpg", "width": 5, "height": 6}})).content.unwrap();
    assert_eq!((cover.cover.url.as_deref(), cover.images.len(), cover.image_count), (Some("https://h/c.jpg"), 0, None));
}

#[test]
fn video_blocks_may_lack_any_part() {
    let video = |block| read(json!({"video_info_v2": block})).content.unwrap().video;
    for block in
        [json!(null), json!({}), json!([]), json!({"media": {"stream": {"h264": [], "h265": null, "av1": []}}})]
    {
        assert_eq!(video(block.clone()), Video::default(), "{block}");
    }
    let seconds = json!({"capa": {"duration": 62}, "media": {"video": {"duration": 61, "width": 9, "height": 8}}});
    assert_eq!(video(seconds), Video { duration_ms: Some(62_000), url: None, width: Some(9), height: Some(8) });
    let backup = json!({"media": {"stream": {"h264": [{"width": 1}], "av1": [{"backup_urls": ["", "https://h/b.mp4"], "duration": "905"}]}}});
    let expected = Video { duration_ms: Some(905), url: Some("https://h/b.mp4".into()), width: None, height: None };
    assert_eq!(video(backup), expected);
}

#[test]
fn hashtags_are_a_union_in_order_of_first_appearance() {
    let names = |fields| -> Vec<String> {
        read(fields).content.unwrap().hashtags.into_iter().filter_map(|tag| tag.name).collect()
    };
    let union = json!({
        "hash_tag": [{"id": "1", "name": "a", "type": "topic"}, {"id": "special.video", "name": "b", "type": "brand"}, {"id": "1", "name": "a again"}],
        "topics": [{"id": "3", "name": "c"}, {"name": "b"}, {"id": "1", "name": "a"}],
        "tag_list": [{"id": "4", "name": "d"}], "desc": "#e[话题]#",
    });
    assert_eq!(names(union), ["a", "b", "c"]);
    assert_eq!(names(json!({"hash_tag": [], "tag_list": [{"name": "d"}], "desc": "#e[话题]#"})), ["d"]);
    assert_eq!(names(json!({"hash_tag": null, "desc": "#e[话题]# #f[话题]# #e[话题]#"})), ["e", "f"]);
    assert_eq!(names(json!({"desc": "no marks #here"})), [""; 0]);
}

#[test]
fn ids_beyond_a_doubles_reach_are_exact() {
    let note = read(json!({"id": 9_007_199_254_740_993_i64, "user": {"id": 7_562_924_715_011_712_001_i64}}));
    assert_eq!(note.note_id.as_str(), "9007199254740993");
    assert_eq!(note.author_id.unwrap().as_str(), "7562924715011712001");
}

proptest::proptest! {
    #[test]
    fn any_value_in_any_field_keeps_the_page(field in "title|desc|user|likes|images_list|video_info_v2|hash_tag|ats|share_info|timestamp|sticky|interact_info|cover",
        value in proptest::sample::select(vec![json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!([null, [], "y"]),
            json!({}), json!({"media": 1, "stream": [], "link": {}}), json!([{"id": {}, "name": [], "info_list": 3}]), json!(true)])) {
        let flat = flatten(&listing(&json!([note(json!({field: value})), note(json!({"id": "n2"}))])));
        proptest::prop_assert_eq!(flat.notes.len(), 2);
    }
}
