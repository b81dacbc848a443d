use std::collections::BTreeSet;

use super::*;
use crate::model::{NoteTypeFilter, Published, Query, Sort};
use crate::sandbox::universe::{PAGE, UniverseOptions, hash};

fn universe() -> Universe {
    Universe::new(UniverseOptions::default())
}

fn query(keyword: &str) -> Query {
    Query { keyword: keyword.into(), sort: Sort::default(), note_type: NoteTypeFilter::All, published: Published::Any }
}

/// The note objects of a page of results, advertisements left out.
fn found(data: &Value) -> Vec<&Value> {
    let items = data["items"].as_array().into_iter().flatten();
    items
        .filter_map(|item| match item["model_type"].as_str() {
            Some("note") => Some(&item["note"]),
            None if item.get("id").is_some() => Some(item),
            _ => None,
        })
        .collect()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn missing<'a>(expected: &'a str, object: &Value) -> Vec<&'a str> {
    let names = names(object);
    expected.split_whitespace().filter(|name| !names.contains(name)).collect()
}

#[test]
fn templates_are_json() {
    for text in [
        include_str!("templates/search_page.json"),
        include_str!("templates/search_note.json"),
        include_str!("templates/listed_note.json"),
        include_str!("templates/detail_note.json"),
        include_str!("templates/profile.json"),
    ] {
        assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
    }
}

#[test]
fn answers_never_change() {
    let universe = universe();
    let payloads = Payloads(&universe);
    let answers = [
        payloads.search_page(&query("防晒霜"), 2),
        payloads.user_notes(0, "").unwrap(),
        payloads.detail(&universe.note_at(1)),
        payloads.profile(&universe.user_at(2)),
    ];
    assert_eq!(
        answers.map(|answer| hash(&answer.to_string())),
        [1_276_503_802_347_414_589, 17_899_253_379_200_763_684, 9_872_093_284_521_466_162, 5_967_640_270_647_330_973]
    );
}

#[test]
fn search_answers_have_every_field_of_the_vendors_sample() {
    let universe = universe();
    let page = Payloads(&universe).search_page(&query("露营"), 1);
    let expected = "ai_mode_enable can_cut cur_cut_number dqa_authorized_user_by_shared dqa_instant_sid is_broad_query \
        items query_debug_info query_intent query_type request_dqa request_dqa_instant search_dqa_new_page_exp \
        search_pull_down_opt_exp search_request_id service_status show_single_col strategy_info";
    assert_eq!(missing(expected, &page), [""; 0]);
    let expected = "advanced_widgets_groups collected collected_count comments_count corner_tag_info cover_image_index \
        debug_info_str desc extract_text_enabled geo_info has_music id images_list interaction_area last_update_time \
        liked liked_count nice_count niced note_attributes result_from shared_count tag_info timestamp type update_time \
        user widgets_context xsec_token";
    for note in found(&page) {
        assert_eq!(missing(expected, note), [""; 0]);
        let user = "followed images nickname red_id red_official_verified red_official_verify_type \
            show_red_official_verify_icon track_duration userid";
        assert_eq!(missing(user, &note["user"]), [""; 0]);
        let image = "fileid height need_load_original_image original trace_id url url_size_large width";
        assert_eq!(missing(image, &note["images_list"][0]), [""; 0]);
        assert!(note["desc"].as_str().unwrap().chars().count() <= 60);
    }
}

#[test]
fn lists_have_every_field_of_the_vendors_sample() {
    let universe = universe();
    let page = Payloads(&universe).user_notes(0, "").unwrap();
    assert_eq!(missing("has_more notes tags", &page), [""; 0]);
    let expected = "advanced_widgets_groups ats collected_count comments_count create_time cursor desc display_title \
        has_music id images_list infavs inlikes is_goods_note last_update_time level likes nice_count niced price \
        recommend share_count sticky time_desc title type user view_count widgets_context";
    for note in page["notes"].as_array().unwrap() {
        assert_eq!(missing(expected, note), [""; 0]);
        let user = "followed fstatus images nickname red_official_verify_type userid";
        assert_eq!(missing(user, &note["user"]), [""; 0]);
        assert_eq!(note["cursor"], note["id"]);
    }
}

#[test]
fn details_have_every_field_of_the_vendors_sample() {
    let universe = universe();
    let notes = (0..300).map(|number| universe.note_at(number));
    let full =
        |note: &Note| note.is_video && !note.topics.is_empty() && !note.mentions.is_empty() && note.place.is_some();
    let details: Vec<Value> = notes.filter(full).map(|note| Payloads(&universe).detail(&note)).collect();
    let detail = details.iter().find(|detail| detail[0]["note_list"][0].get("hash_tag").is_some()).unwrap();
    assert_eq!(missing("comment_list model_type note_list track_id user", &detail[0]), [""; 0]);
    let note = &detail[0]["note_list"][0];
    let expected = "api_upgrade ats biz_map collected collected_count comment_prompt_config comments_count \
        content_trans_info cooperate_binds countdown desc enable_brand_lottery enable_co_produce enable_fls_bridge_cards \
        enable_fls_related_cards feedback_info foot_tags function_switch goods_info has_co_produce has_music \
        has_related_goods hash_tag head_tags id images_list in_censor ip_location last_update_time liked liked_count \
        liked_users long_press_share_info may_have_red_packet media_save_config mini_program_info model_type \
        native_voice_info need_next_step need_product_review note_text_press_options privacy qq_mini_program_info \
        red_envelope_note seeded seeded_count share_code_flag share_info shared_count sticky text_language_code time \
        title topics type use_water_color user view_count widgets_context widgets_groups";
    assert_eq!(missing(expected, note), [""; 0]);
    for (expected, place) in [
        (
            "followed fstatus id image level name nickname red_id red_official_verified red_official_verify_type \
          show_red_official_verify_icon track_duration userid",
            "/user",
        ),
        ("bizId current_score id link name record_count record_emoji record_unit tag_hint type", "/hash_tag/0"),
        ("activity_online business_type discuss_num id image link name style", "/topics/0"),
        (
            "height index latitude longitude need_load_original_image original scale_to_large text_intention trace_id url \
          url_multi_level width fileid origin_img",
            "/images_list/0",
        ),
        (
            "followed id level name nickname red_official_verified red_official_verify_type show_red_official_verify_icon \
          track_duration",
            "/ats/0",
        ),
        ("desc path share_title thumb title user_name webpage_url", "/mini_program_info"),
        ("desc path share_title thumb title user_name webpage_url", "/qq_mini_program_info"),
        (
            "block_private_msg content function_entries guide_audited image is_star link show_wechat_tag title \
          wechat_share_desc",
            "/share_info",
        ),
        (
            "cover desc duration md5sum name optimize_exp_in_use_count sound_bg_music_type sound_id subtitle url use_count",
            "/native_voice_info",
        ),
    ] {
        assert_eq!(missing(expected, note.pointer(place).unwrap()), [""; 0], "{place}");
    }
}

#[test]
fn profiles_have_every_field_of_the_vendors_sample() {
    let universe = universe();
    let profile = Payloads(&universe).profile(&universe.user_at(0));
    let expected = "avatar_like_status avatar_pendant banner_info blocked blocking brand_account_info buyer_info collected \
        collected_book_num collected_brand_num collected_movie_num collected_notes_num collected_poi_num \
        collected_product_num collected_tags_num community_rule_url default_collection_tab desc desc_at_users fans follows \
        fstatus gender hula_tabs identity_deeplink identity_label_migrated imageb images interactions ip_location \
        is_login_user_pro_account is_recommend_level_illegal level liked location location_jump nboards ndiscovery nickname \
        note_num_stat real_name_deep_target real_name_info recommend_info recommend_info_icon red_club_info red_id \
        red_official_verified red_official_verify_base_info red_official_verify_content red_official_verify_type \
        remark_name result sec_account_deeplink share_info share_info_v2 share_link show_extra_info_button tab_public \
        tab_visible tags user_desc_info user_role_type user_widget_switch userid zhong_tong_bar_info";
    assert_eq!(missing(expected, &profile), [""; 0]);
}

#[test]
fn answers_are_as_large_as_real_ones() {
    let universe = universe();
    let payloads = Payloads(&universe);
    let mean = |sizes: Vec<usize>| sizes.iter().sum::<usize>() / sizes.len();
    let details = mean((0..200).map(|at| payloads.detail(&universe.note_at(at)).to_string().len()).collect());
    assert!((9_000..18_000).contains(&details), "a detail has {details} bytes");
    let page = payloads.search_page(&query("露营"), 1);
    let found = mean(found(&page).iter().map(|note| note.to_string().len()).collect());
    assert!((2_500..6_000).contains(&found), "a search item has {found} bytes");
    let profiles = mean((0..50).map(|at| payloads.profile(&universe.user_at(at)).to_string().len()).collect());
    assert!((4_500..8_000).contains(&profiles), "a profile has {profiles} bytes");
}

/// Reads a count as a person would: the least that it may stand for, and one more than the most.
fn range(count: &Value) -> std::ops::Range<u64> {
    let Value::String(text) = count else { return count.as_u64().unwrap()..count.as_u64().unwrap() + 1 };
    if let Some(number) = text.strip_suffix("万") {
        let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
        let least = whole.parse::<u64>().unwrap() * 10_000 + tenths.parse::<u64>().unwrap() * 1000;
        return least..least + 1000;
    }
    match text.strip_suffix("千+").map(|number| number.parse::<u64>().unwrap() * 1000) {
        Some(least) => least..least + 1000,
        None => match text.strip_suffix('+').map(|number| number.parse::<u64>().unwrap()) {
            Some(least) => least..least + if least >= 100 { 100 } else { 10 },
            None => text.parse().unwrap()..text.parse::<u64>().unwrap() + 1,
        },
    }
}

#[test]
fn all_endpoints_tell_the_same_of_a_note() {
    let universe = universe();
    let payloads = Payloads(&universe);
    let (mut checked, mut texts) = (0, 0);
    for keyword in ["防晒霜", "露营", "猫"] {
        for page in 1..=11 {
            for note in found(&payloads.search_page(&query(keyword), page)) {
                let fact = universe.note(note["id"].as_str().unwrap()).unwrap();
                let author = universe.user_at(fact.author);
                let detail = &payloads.detail(&fact)[0]["note_list"][0];
                let listed = &payloads.listed_note(&fact);
                for (told, time) in [(note, "timestamp"), (detail, "time"), (listed, "create_time")] {
                    assert_eq!(told["id"], json!(fact.id));
                    assert_eq!(told[time], json!(fact.published));
                    assert_eq!(told["type"], json!(if fact.is_video { "video" } else { "normal" }));
                    assert_eq!(
                        (&told["user"]["userid"], &told["user"]["nickname"]),
                        (&json!(author.id), &json!(author.nickname))
                    );
                    assert_eq!(told["images_list"].as_array().unwrap().len(), fact.images as usize);
                    assert_eq!(told["images_list"][0]["fileid"], note["images_list"][0]["fileid"]);
                    assert_eq!(told["images_list"][0]["width"], note["images_list"][0]["width"]);
                    let counts = fact.counts;
                    for (names, count) in [
                        (["liked_count", "likes"], counts.liked),
                        (["collected_count", ""], counts.collected),
                        (["comments_count", ""], counts.comments),
                        (["shared_count", "share_count"], counts.shared),
                    ] {
                        let told = names.iter().find_map(|name| told.get(name)).unwrap();
                        assert!(range(told).contains(&count), "{told} is not {count}");
                        texts += usize::from(told.is_string());
                    }
                }
                assert!(detail["desc"].as_str().unwrap().starts_with(note["desc"].as_str().unwrap()));
                assert_eq!((&detail["desc"], &detail["title"]), (&listed["desc"], &listed["title"]));
                assert_eq!(detail.get("video_info_v2"), listed.get("video_info_v2"));
                assert_eq!(detail["sticky"], listed["sticky"]);
                checked += 1;
            }
        }
    }
    assert!(checked > 100 && texts > 20, "{checked} notes, {texts} counts as text");
}

#[test]
fn walking_a_list_shows_each_note_once() {
    let universe = universe();
    let payloads = Payloads(&universe);
    for (user, id) in universe.user_ids().iter().enumerate().take(60) {
        let (mut cursor, mut walked) = (String::new(), Vec::new());
        loop {
            let page = payloads.user_notes(user as u32, &cursor).unwrap();
            let notes = page["notes"].as_array().unwrap();
            let Some(last) = notes.last() else {
                assert!(
                    page.get("has_more").is_none_or(|more| [json!(false), json!(0), json!("false")].contains(more))
                );
                break;
            };
            assert!(notes.len() == PAGE || page["has_more"] != json!(true));
            cursor = last["cursor"].as_str().unwrap().to_owned();
            walked.extend(notes.iter().map(|note| note["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(walked, universe.notes_of(id).iter().map(|note| note.id.clone()).collect::<Vec<_>>());
    }
    assert_eq!(payloads.user_notes(0, "nowhere"), Err(listed::UnknownCursor));
}

#[test]
fn a_walk_goes_on_after_a_note_that_left_the_list_meanwhile() {
    let day = |day| Universe::new(UniverseOptions { day, ..UniverseOptions::default() });
    let ids = |data: &Value| -> Vec<String> {
        data["notes"].as_array().unwrap().iter().map(|note| note["id"].as_str().unwrap().to_owned()).collect()
    };
    let (first, later) = (day(0), day(30));
    let mut left = 0;
    for (user, id) in (0..).zip(first.user_ids()) {
        let listed: Vec<Note> = later.notes_of(&id);
        for note in first.notes_of(&id).iter().filter(|note| !note.is_pinned) {
            let after = ids(&Payloads(&later).user_notes(user, &note.id).unwrap());
            let older = listed.iter().filter(|other| !other.is_pinned && other.published < note.published);
            assert_eq!(after, older.take(PAGE).map(|older| older.id.clone()).collect::<Vec<_>>());
            left += usize::from(listed.iter().all(|other| other.id != note.id));
        }
    }
    assert!(left > 20, "{left} have left a list");
    // It is a place in the list of its own author alone.
    let other = first.notes_of(&first.user_ids()[1]).remove(0);
    assert_eq!(Payloads(&later).user_notes(0, &other.id), Err(listed::UnknownCursor));
}

#[test]
fn odd_universes_are_odd() {
    let universe = Universe::new(UniverseOptions { odd: true, ..UniverseOptions::default() });
    let payloads = Payloads(&universe);
    let pages: Vec<String> = (0..20).map(|at| payloads.search_page(&query(&at.to_string()), 1).to_string()).collect();
    let text = pages.concat();
    for odd in ["\\u001b", "\u{202e}", "::error::", "\"../x\"", "\"id\":137728697860969105"] {
        assert!(text.contains(odd), "no {odd:?}");
    }
}
