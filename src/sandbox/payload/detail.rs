//! A note in full.

use serde_json::{Value, json};

use super::{Payloads, count, fill, last_update_time, note_type, template};
use crate::sandbox::universe::{Note, Sound, Topic, User};

impl Payloads<'_> {
    /// Words a note in full, inside the list that the vendor puts around it.
    pub(crate) fn detail(self, note: &Note) -> Value {
        let payload = self.full_note(note);
        let stub = payload["user"].clone();
        json!([{"user": stub, "note_list": [payload], "comment_list": [], "track_id": "", "model_type": "note"}])
    }

    /// Words a video note as the version for videos does: the note stands in the list itself. An image note is nothing.
    pub(crate) fn video_detail(self, note: &Note) -> Value {
        if note.is_video { json!([self.full_note(note)]) } else { json!([]) }
    }

    fn full_note(self, note: &Note) -> Value {
        let user = self.0.user_at(note.author);
        let mut payload = template(include_str!("templates/detail_note.json"));
        let mut stub = payload["user"].take();
        fill(
            &mut stub,
            json!({
                "id": user.id,
                "userid": user.id,
                "red_id": user.red_id,
                "name": user.nickname,
                "nickname": user.nickname,
                "image": self.avatar(&user, 120),
            }),
        );
        payload["user"] = stub;
        self.add_content(&mut payload, note, &user);
        self.add_shares(&mut payload, note, &user);
        self.add_odd_fields(&mut payload);
        payload
    }

    /// Words a note that is not there, in the list that the vendor puts around nothing.
    pub(crate) fn no_detail() -> Value {
        json!([{"user": {}, "note_list": [], "comment_list": [], "track_id": "", "model_type": "note"}])
    }

    fn add_content(self, payload: &mut Value, note: &Note, user: &User) {
        let mut draws = self.draws("detailed", note.number);
        let mut context = json!({
            "video": note.is_video,
            "origin_video_key": "",
            "flags": {"sound_track": note.sound.is_some()},
            "author_id": user.id,
            "author_name": user.nickname,
            "q_task_id": "",
            "video_rec_bar_info": "",
        });
        if let Some(sound) = &note.sound {
            let sound = self.sound(sound, user);
            context["note_sound_info"] = sound.clone();
            payload["native_voice_info"] = sound;
        }
        fill(
            payload,
            json!({
                "id": note.id,
                "type": note_type(note),
                "title": note.title,
                "desc": note.text,
                "time": note.published,
                "last_update_time": last_update_time(note),
                "sticky": note.is_pinned,
                "liked_count": count::detailed(note.counts.liked, &mut draws),
                "collected_count": count::detailed(note.counts.collected, &mut draws),
                "comments_count": count::detailed(note.counts.comments, &mut draws),
                "shared_count": count::detailed(note.counts.shared, &mut draws),
                "images_list": self.detailed_images(note),
                "topics": note.topics.iter().take(1).map(topic).collect::<Vec<_>>(),
                "ats": self.mentions(note),
                "widgets_context": context.to_string(),
            }),
        );
        // Some have their tags in the text alone, and their place not at all.
        if !draws.once_in(10) {
            payload["hash_tag"] = note.topics.iter().map(hash_tag).collect();
        }
        if note.place.is_some() || draws.once_in(2) {
            payload["ip_location"] = json!(note.place.unwrap_or_default());
        }
        if let Some(video) = self.video(note) {
            payload["video_info_v2"] = video;
        }
    }

    fn sound(self, sound: &Sound, user: &User) -> Value {
        let file = self.draws("sound", user.number).hex(32);
        json!({
            "sound_id": sound.id,
            "name": sound.name,
            "desc": format!("@{}创作的原声", user.nickname),
            "duration": sound.duration,
            "url": format!("http://sns-v10.sandbox.invalid/audio/1/{file}_0.wav"),
            "subtitle": sound.name,
            "sound_bg_music_type": 3,
            "md5sum": file,
            "use_count": 1,
            "cover": self.avatar(user, 120),
            "creator": user.id,
            "optimize_exp_in_use_count": 0,
        })
    }

    fn add_shares(self, payload: &mut Value, note: &Note, user: &User) {
        let (id, kind, token) = (&note.id, note_type(note), self.xsec_token(note.number));
        let text: String = note.text.split("[话题]#").next().unwrap_or_default().chars().take(120).collect();
        let title = format!("@{} 发了一篇笔记", user.nickname);
        let page = format!("https://www.xiaohongshu.com/discovery/item/{id}?xsec_source=app_share");
        let program = json!({
            "path": format!("pages/main/note/index?xsec_source=app_share&id={id}&type={kind}&xsec_token={token}"),
            "title": title,
            "share_title": title,
            "desc": text,
            "webpage_url": page,
            "thumb": self.cover(note, 540),
        });
        fill(&mut payload["mini_program_info"], program.clone());
        fill(&mut payload["qq_mini_program_info"], program);
        fill(
            &mut payload["share_info"],
            json!({
                "link": format!("{page}&type={kind}&author_share=1&xsec_token={token}"),
                "title": note.title,
                "content": text,
                "image": self.cover(note, 360),
                "wechat_share_desc": format!("@{} 的笔记\n{}人分享", user.nickname, note.counts.shared),
            }),
        );
    }

    /// Lists the people whom a note mentions; details and listings word them alike, some without `userid`.
    pub(super) fn mentions(self, note: &Note) -> Vec<Value> {
        let mention = |number: &u32| {
            let user = self.0.user_at(*number);
            let mut mention = json!({
                "id": user.id,
                "name": user.nickname,
                "nickname": user.nickname,
                "followed": false,
                "level": {"image": ""},
                "red_official_verified": user.is_verified,
                "red_official_verify_type": u8::from(user.is_verified),
                "show_red_official_verify_icon": false,
                "track_duration": 0,
            });
            if number.is_multiple_of(2) {
                mention["userid"] = json!(user.id);
            }
            mention
        };
        note.mentions.iter().map(mention).collect()
    }
}

fn hash_tag(topic: &Topic) -> Value {
    json!({
        "id": topic.id,
        "name": topic.name,
        "type": "topic",
        "link": format!("xhsdiscover://rn/sns-discover/topic/normal?id={}&page_source=note_feed.click_new_big", topic.id),
        "record_count": 0,
        "record_unit": "",
        "record_emoji": "",
        "current_score": 0,
        "bizId": "",
        "tag_hint": "",
    })
}

fn topic(topic: &Topic) -> Value {
    json!({
        "id": topic.id,
        "name": topic.name,
        "image": "http://ci.sandbox.invalid/topic@r_120w_120h.jpg",
        "link": format!("xhsdiscover://topic/v2/{}?page_source=note_feed.click_new_big", topic.id),
        "business_type": 0,
        "activity_online": false,
        "style": 0,
        "discuss_num": 0,
    })
}
