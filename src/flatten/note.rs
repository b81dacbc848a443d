//! One note, in any of the vendors' shapes.

use std::collections::BTreeMap;

use super::added::read_added;
use super::author;
use super::hashtags::read_hashtags;
use super::images::read_images;
use super::mentions::read_mentions;
use super::object::Object;
use super::tables::AddedColumn;
use super::video::read_video;
use crate::json::Node;
use crate::model::{Listing, NoteContent, NoteId, NoteObservation, NoteSource, Provenance, place_after_time};
use crate::vendor::fields;

const TOKEN: &[&str] = &["xsec_token", "xsecToken"];
const SHARE: &[&str] = &["share_info", "shareInfo"];

/// Reads one note. `wrapper` is the element that holds it, which may carry its token.
pub(super) fn read_note(
    note: &Object<'_>,
    wrapper: Node<'_>,
    note_id: &NoteId,
    source: NoteSource,
    seen: Provenance,
    added: &BTreeMap<String, AddedColumn>,
) -> NoteObservation {
    let now = seen.observed_at;
    let inside = note.child(fields::COUNTS_INSIDE);
    let count = |names| note.count(names).or_else(|| inside.as_ref()?.count(names));
    let user = note.child(fields::AUTHOR);
    let listing = (source != NoteSource::Detail).then(|| Listing {
        is_sticky: note.truth(fields::STICKY).or_else(|| inside.as_ref()?.truth(fields::STICKY)),
        xsec_token: note.text(TOKEN).or_else(|| fields::text(wrapper, TOKEN).map(str::to_owned)),
    });
    NoteObservation {
        note_id: note_id.clone(),
        source,
        content: Some(NoteContent { added: read_added(added, note, now), ..read_content(note, user.as_ref(), source) }),
        author_id: user.as_ref().and_then(author::id),
        published_at: note.time(fields::PUBLISHED, now),
        updated_at: note.time(fields::UPDATED, now),
        counts: [fields::LIKED, fields::COLLECTED, fields::COMMENTS, fields::SHARED].map(count),
        listing,
        is_gone: (source == NoteSource::Detail).then_some(false),
        seen,
    }
}

fn read_content(note: &Object<'_>, user: Option<&Object<'_>>, source: NoteSource) -> NoteContent {
    let sound = note.child(&["native_voice_info", "nativeVoiceInfo"]);
    let images = read_images(note);
    NoteContent {
        title: note.text(&["title", "display_title", "displayTitle"]),
        description: note.text(&["desc"]),
        description_is_truncated: source == NoteSource::Search,
        note_type: note.text(fields::NOTE_TYPE).map(|word| fields::note_type(&word).to_owned()),
        ip_location: note.text(&["ip_location", "ipLocation"]).or_else(|| place_beside_time(note)),
        language: note.text(&["text_language_code", "textLanguageCode"]),
        author_nickname: user.and_then(author::nickname),
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
