//! Every column of `notes`, with the value that a person reads in the vendors' samples.

use super::*;

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
        is_gone: Some(false),
        gone_reason: None,
        content_source: Some(source),
        content_observed_at: Some(observed()),
        counts_observed_at: Some(observed()),
        first_seen_at: observed(),
        last_seen_at: observed(),
        added: Vec::new(),
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
        gone_reason: None,
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
