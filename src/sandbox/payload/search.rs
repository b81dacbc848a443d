//! A page of search results.

use serde_json::{Value, json};

use super::{Payloads, count, fill, last_update_time, note_type, template, widgets_context};
use crate::model::Query;
use crate::sandbox::universe::{Draws, Note, Slot, hash};

/// Listings of a search cut the text here.
const SHOWN_CHARS: usize = 60;

const HOSTILE_IDS: &[&str] =
    &["../x", "..%2F..%2Fetc%2Fpasswd", "a=b&c=d", "a b", "a\u{0}b", "-rf", "CON", ".", "=1+1"];

impl Payloads<'_> {
    /// Words a page of results; past the end the items are an empty list or not there at all.
    pub(crate) fn search_page(self, query: &Query, page: u32) -> Value {
        let slots = self.0.results(query, page);
        let mut draws = Draws::new(self.0.seed(), "search page", hash(&query.keyword) ^ u64::from(page));
        let mut data = template(include_str!("templates/search_page.json"));
        data["search_request_id"] = json!(draws.hex(16));
        data["dqa_instant_sid"] = json!(draws.token(10));
        if !slots.is_empty() || draws.once_in(2) {
            data["items"] = slots.into_iter().map(|slot| self.item(slot)).collect();
        }
        data
    }

    /// Words a page of results as the newer version does: the notes alone, and what is no note beside them.
    pub(crate) fn newer_search_page(self, query: &Query, page: u32) -> Value {
        let mut draws = Draws::new(self.0.seed(), "newer search page", hash(&query.keyword) ^ u64::from(page));
        let tells_shares = !draws.once_in(4);
        let (mut notes, mut ads, mut queries) = (Vec::new(), Vec::new(), Vec::new());
        for slot in self.0.results(query, page) {
            match slot {
                Slot::Note(number) | Slot::Bare(number) => {
                    notes.push(self.newer_found_note(&self.0.note_at(number), tells_shares));
                }
                Slot::Ad(_) => ads.push(self.item(slot)["ads"].take()),
                Slot::Suggestions(_) => queries.push(self.item(slot)["rec_query"].take()),
                Slot::Popular(_) | Slot::Null => {}
                Slot::Hostile(_) => notes.push(self.item(slot)["note"].take()),
            }
        }
        json!({
            "api_info": {"code": 10_200, "message": "成功", "search_id": draws.token(21)},
            "total": notes.len(),
            "has_more": !self.0.results(query, page.saturating_add(1)).is_empty(),
            "notes": notes,
            "ads": ads,
            "recommend_queries": queries,
        })
    }

    /// Words a found note without token and place; on some pages no note's shares are known, and 0 stands for them.
    fn newer_found_note(self, note: &Note, tells_shares: bool) -> Value {
        let user = self.0.user_at(note.author);
        let shares = if tells_shares { note.counts.shared } else { 0 };
        let mut payload = json!({
            "id": note.id,
            "title": note.title,
            "desc": note.text.chars().take(SHOWN_CHARS).collect::<String>(),
            "type": note_type(note),
            "user": {
                "userid": user.id,
                "nickname": user.nickname,
                "red_id": user.red_id,
                "images": self.avatar(&user, 80),
                "red_official_verified": user.is_verified,
                "followed": false,
            },
            "liked_count": note.counts.liked,
            "comments_count": note.counts.comments,
            "collected_count": note.counts.collected,
            "shared_count": shares,
            "liked": false,
            "collected": false,
            "niced": false,
            "has_music": false,
            "images_list": self.listed_images(note),
            "timestamp": note.published,
            "last_update_time": last_update_time(note),
            "tags": [],
            "geo_info": {"distance": ""},
        });
        self.add_odd_fields(&mut payload);
        payload
    }

    fn item(self, slot: Slot) -> Value {
        match slot {
            Slot::Note(number) => json!({"model_type": "note", "note": self.found_note(&self.0.note_at(number))}),
            Slot::Bare(number) => self.found_note(&self.0.note_at(number)),
            Slot::Ad(draw) => {
                let mut note = self.found_note(&self.0.note_at(0));
                // No detail is there for it: whoever asks has paid for an advertisement.
                note["id"] = json!(format!("69000000000000ad{:08x}", draw as u32));
                json!({"model_type": "ads", "ads": {"model_type": "note", "note": note, "title": "推广"}})
            }
            Slot::Suggestions(draw) => json!({"model_type": "rec_query", "rec_query": {
                "id": format!("{draw:016x}#{}", self.0.now()),
                "xsec_token": format!("YB{draw:x}="),
                "title": "相关搜索",
                "source": 1,
                "queries": [{"id": "1", "name": "推荐", "search_word": "推荐"}, {"id": "2", "name": "平价", "search_word": "平价"}],
            }}),
            Slot::Popular(draw) => json!({"model_type": "hot_query", "hot_query": {
                "id": format!("{draw:016x}"),
                "title": "大家都在搜",
                "queries": [{"name": "热门", "search_word": "热门", "cover": ""}],
            }}),
            Slot::Null => Value::Null,
            Slot::Hostile(draw) => {
                let mut note = self.found_note(&self.0.note_at(0));
                let at = (draw % (HOSTILE_IDS.len() as u64 + 3)) as usize;
                note["id"] = match (HOSTILE_IDS.get(at), at - at.min(HOSTILE_IDS.len())) {
                    (Some(id), _) => json!(id),
                    (None, 0) => json!("a".repeat(200)),
                    (None, 1) => json!(""),
                    (None, _) => json!(137_728_697_860_969_105_i64),
                };
                json!({"model_type": "note", "note": note})
            }
        }
    }

    fn found_note(self, note: &Note) -> Value {
        let user = self.0.user_at(note.author);
        let mut draws = self.draws("found", note.number);
        let mut payload = template(include_str!("templates/search_note.json"));
        fill(
            &mut payload["user"],
            json!({
                "userid": user.id,
                "red_id": user.red_id,
                "nickname": user.nickname,
                "images": self.avatar(&user, 80),
            }),
        );
        payload["interaction_area"]["text"] = count::listed_text(note.counts.liked);
        payload["corner_tag_info"][0]["text"] = json!(draws.token(300));
        fill(
            &mut payload,
            json!({
                "id": note.id,
                "type": note_type(note),
                "desc": note.text.chars().take(SHOWN_CHARS).collect::<String>(),
                "timestamp": note.published,
                "update_time": note.updated * 1000,
                "last_update_time": last_update_time(note),
                "xsec_token": self.xsec_token(note.number),
                "liked_count": count::listed(note.counts.liked, &mut draws),
                "collected_count": count::listed(note.counts.collected, &mut draws),
                "comments_count": count::listed(note.counts.comments, &mut draws),
                "shared_count": count::listed(note.counts.shared, &mut draws),
                "images_list": self.listed_images(note),
                "widgets_context": widgets_context(&user),
            }),
        );
        if !note.title.is_empty() || draws.once_in(2) {
            payload["title"] = json!(note.title);
        }
        self.add_odd_fields(&mut payload);
        payload
    }
}
