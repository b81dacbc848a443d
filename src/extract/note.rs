//! One note, in any of the vendors' shapes.

use jiff::Timestamp;

use super::author;
use super::fields;
use super::hashtags::read_hashtags;
use super::images::read_images;
use super::mentions::read_mentions;
use super::object::Object;
use super::video::read_video;
use crate::json::Node;
use crate::model::{
    Count, Listing, NoteContent, NoteId, NoteObservation, NoteSource, Provenance, UserId, place_after_time,
};

const TOKEN: &[&str] = &["xsec_token", "xsecToken"];
const SHARE: &[&str] = &["share_info", "shareInfo"];

/// What the crawl decides by: everything that a note says of itself besides its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its author.
    pub author_id: Option<UserId>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// `image`, `video`, or the provider's own word.
    pub note_type: Option<String>,
    /// Liked, collected, comments, shared.
    pub counts: [Option<Count>; 4],
    /// Whether it is pinned to the top of its author's notes.
    pub is_sticky: Option<bool>,
}

impl Facts {
    /// Reads them off a note; words like `1小时前` count back from `now`.
    pub fn read(note: &Object<'_>, now: Timestamp) -> Self {
        let inside = note.child(fields::COUNTS_INSIDE);
        let count = |names| note.count(names).or_else(|| inside.as_ref()?.count(names));
        Self {
            author_id: note.child(fields::AUTHOR).as_ref().and_then(author::id),
            published_at: note.time(fields::PUBLISHED, now),
            updated_at: note.time(fields::UPDATED, now),
            note_type: note.text(fields::NOTE_TYPE).map(|word| fields::note_type(&word).to_owned()),
            counts: [fields::LIKED, fields::COLLECTED, fields::COMMENTS, fields::SHARED].map(count),
            is_sticky: note.truth(fields::STICKY).or_else(|| inside.as_ref()?.truth(fields::STICKY)),
        }
    }

    /// Returns the values of the counts.
    pub fn count_values(&self) -> [Option<i64>; 4] {
        self.counts.map(|count| count.map(|count| count.value))
    }
}

/// Reads one note. `wrapper` is the element that holds it, which may carry its token.
pub fn read_note(
    note: &Object<'_>,
    wrapper: Node<'_>,
    note_id: &NoteId,
    source: NoteSource,
    facts: Facts,
    seen: Provenance,
) -> NoteObservation {
    let listing = (source != NoteSource::Detail).then(|| Listing {
        is_sticky: facts.is_sticky,
        xsec_token: note.text(TOKEN).or_else(|| fields::text(wrapper, TOKEN).map(str::to_owned)),
    });
    NoteObservation {
        note_id: note_id.clone(),
        source,
        content: Some(read_content(note, facts.note_type, source)),
        author_id: facts.author_id,
        published_at: facts.published_at,
        updated_at: facts.updated_at,
        counts: facts.counts,
        listing,
        is_gone: (source == NoteSource::Detail).then_some(false),
        seen,
    }
}

fn read_content(note: &Object<'_>, note_type: Option<String>, source: NoteSource) -> NoteContent {
    let sound = note.child(&["native_voice_info", "nativeVoiceInfo"]);
    let images = read_images(note);
    NoteContent {
        title: note.text(&["title", "display_title", "displayTitle"]),
        description: note.text(&["desc"]),
        description_is_truncated: source == NoteSource::Search,
        note_type,
        ip_location: note.text(&["ip_location", "ipLocation"]).or_else(|| place_beside_time(note)),
        language: note.text(&["text_language_code", "textLanguageCode"]),
        author_nickname: note.child(fields::AUTHOR).as_ref().and_then(author::nickname),
        share_url: share_url(note),
        image_count: images.count,
        images: images.all,
        cover: images.cover,
        video: read_video(note),
        sound_id: sound.as_ref().and_then(|sound| sound.text(&["sound_id", "soundId"])),
        sound_name: sound.as_ref().and_then(|sound| sound.text(&["name"])),
        hashtags: read_hashtags(note),
        mentions: read_mentions(note),
        added: Vec::new(),
    }
}

/// Reads the place that some listings write behind the time of publication: `01-02 广东`.
fn place_beside_time(note: &Object<'_>) -> Option<String> {
    let mut times = fields::PUBLISHED.iter().filter_map(|name| note.value(&[name])?.as_str());
    times.find_map(place_after_time).map(str::to_owned)
}

fn share_url(note: &Object<'_>) -> Option<String> {
    let info = note.child(SHARE);
    let inside = info.as_ref().and_then(|info| info.address(&["link"]));
    inside.or_else(|| note.address(&["share_link", "shareLink"]))
}
