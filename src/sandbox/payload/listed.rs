//! A page of a user's notes.

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use serde_json::{Value, json};

use super::{Payloads, count, fill, last_update_time, note_type, template, widgets_context};
use crate::sandbox::universe::{Note, PAGE};

/// Says that a cursor names no note of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownCursor;

impl Payloads<'_> {
    /// Words the page that follows a cursor: the last note's id of the page before, empty for the first.
    pub(crate) fn user_notes(self, user: u32, cursor: &str) -> Result<Value, UnknownCursor> {
        let list = self.0.list_of(user);
        let from = match cursor {
            "" => 0,
            cursor => self.0.place_after(user, cursor).ok_or(UnknownCursor)?,
        };
        let rest = &list[from..];
        let shown = &rest[..rest.len().min(PAGE)];
        let notes: Vec<Value> = shown.iter().map(|number| self.listed_note(&self.0.note_at(*number))).collect();
        let mut data = json!({"notes": notes, "tags": []});
        if let Some(has_more) = self.has_more(user, rest.len() > PAGE) {
            data["has_more"] = has_more;
        }
        Ok(data)
    }

    /// Tells that there is more in the way that the user's list has: as a truth, a number, text, or not at all.
    fn has_more(self, user: u32, more: bool) -> Option<Value> {
        match self.draws("has more", user).below(6) {
            _ if user == 0 => Some(json!(more)),
            0 => Some(json!(u8::from(more))),
            1 => Some(json!(more.to_string())),
            2 => None,
            _ => Some(json!(more)),
        }
    }

    pub(super) fn listed_note(self, note: &Note) -> Value {
        let user = self.0.user_at(note.author);
        let mut draws = self.draws("listed", note.number);
        let mut payload = template(include_str!("templates/listed_note.json"));
        fill(
            &mut payload["user"],
            json!({"userid": user.id, "nickname": user.nickname, "images": self.avatar(&user, 80)}),
        );
        fill(
            &mut payload,
            json!({
                "id": note.id,
                "cursor": note.id,
                "type": note_type(note),
                "title": note.title,
                "display_title": note.title,
                "desc": note.text,
                "create_time": note.published,
                "time_desc": date(note.published),
                "last_update_time": last_update_time(note),
                "sticky": note.is_pinned,
                "likes": count::listed(note.counts.liked, &mut draws),
                "collected_count": count::listed(note.counts.collected, &mut draws),
                "comments_count": count::listed(note.counts.comments, &mut draws),
                "share_count": count::listed(note.counts.shared, &mut draws),
                "images_list": self.listed_images(note),
                "ats": self.mentions(note),
                "widgets_context": widgets_context(&user),
            }),
        );
        if let Some(video) = self.video(note) {
            payload["video_info_v2"] = video;
        }
        self.add_odd_fields(&mut payload);
        payload
    }
}

/// Writes the day in Shanghai.
fn date(second: i64) -> String {
    let zone = TimeZone::fixed(offset(8));
    Timestamp::from_second(second).map(|time| time.to_zoned(zone).date().to_string()).unwrap_or_default()
}
