//! Observations of notes.

use std::sync::Arc;

use jiff::Timestamp;

use super::nested::nested;
use super::signed;
use crate::flatten::tables::table;
use crate::model::{Count, EmptyDetail, Hashtag, Image, Mention, NoteObservation};

nested! {
    /// One image of a note.
    ImageCell;
    /// The place in the provider's list, from 0.
    position: i32,
    /// The platform's id of the file.
    file_id: Option<String>,
    /// The URL of the usual size.
    url: Option<String>,
    /// The URL of the large size.
    large_url: Option<String>,
    /// The URL of the original.
    original_url: Option<String>,
    /// Width in pixels.
    width: Option<i32>,
    /// Height in pixels.
    height: Option<i32>,
    /// When the URLs expire.
    expires_at: Option<Timestamp>,
}

nested! {
    /// One hashtag of a note.
    HashtagCell;
    /// The platform's id of the hashtag.
    hashtag_id: Option<String>,
    /// The name, without `#`.
    name: Option<String>,
    /// `topic`, or the provider's own word.
    kind: Option<String>,
}

nested! {
    /// One user who is mentioned in a note.
    MentionCell;
    /// The place in the provider's list, from 0.
    position: i32,
    /// The user.
    user_id: Option<String>,
    /// The user's name.
    nickname: Option<String>,
}

/// Says what an answer says of a note being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It shows the note.
    Shown,
    /// It states that the note is gone.
    Gone,
    /// It shows nothing of the note that was asked for.
    Empty,
}

impl Presence {
    /// Returns the word that observations use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Gone => "gone",
            Self::Empty => "empty",
        }
    }
}

table! {
    /// One row for each time that an answer shows a note, states that it is gone, or shows nothing of the note asked for.
    ObservedNoteRow, "observed_notes", by Nothing, sorted by ["note_id", "observed_at", "source", "sequence", "position"], with added of "notes" as "added_";
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// The place among the provider's elements, from 0.
    position: i32 = "place in the provider's list",
    /// Whether the note counts: false for a place beyond the limits of the job.
    is_admitted: bool = "the run",
    /// What the clock said when the answer came.
    observed_at: Timestamp = "the answer",
    /// The call that was answered.
    call_key: Arc<str> = "the call",
    /// The run that asked.
    run_id: String = "the run",
    /// The kind of answer: `search`, `user_notes` or `detail`.
    source: &'static str = "the answer",
    /// The note.
    note_id: String = "`id`, `note_id`, `noteId`; where nothing is shown: the id asked for",
    /// `shown`, `gone` (a code says so), or `empty` (a success that shows nothing of the note).
    presence: &'static str = "the answer",
    /// The id of the user who wrote it.
    author_id: Option<String> = "`user.userid`, `user.user_id`, `user.userId`, `user.id`",
    /// The author's name.
    author_nickname: Option<String> = "`user.nickname`, `user.name`",
    /// `image`, `video`, or the provider's own word where it is neither.
    note_type: Option<String> = "`type`: `normal` is `image`",
    /// The title; null where it is blank.
    title: Option<String> = "`title`, else `display_title`",
    /// The text, with its `#…[话题]#` marks.
    description: Option<String> = "`desc`",
    /// Whether the text may be cut short; null unless the note is shown.
    description_is_truncated: Option<bool> = "true for search listings",
    /// When it was published.
    published_at: Option<Timestamp> = "`timestamp`, `create_time`, `time`",
    /// When it was last changed.
    updated_at: Option<Timestamp> = "`update_time`, `last_update_time`; 0 is null",
    /// The place that the platform shows beside the note.
    ip_location: Option<String> = "`ip_location`",
    /// The code of the text's language.
    language: Option<String> = "`text_language_code`",
    /// How often it was liked: `unit` is 1 for an exact count, 1,000 for `1.2万`, 0 for a lower bound such as `10+`.
    liked_count: Option<Count> = "`liked_count`, `likes`",
    /// How often it was collected, in the same form.
    collected_count: Option<Count> = "`collected_count`",
    /// How often it was commented, in the same form.
    comment_count: Option<Count> = "`comments_count`, `comment_count`",
    /// How often it was shared, in the same form.
    share_count: Option<Count> = "`shared_count`, `share_count`",
    /// How many images the provider listed.
    image_count: Option<i32> = "length of `images_list`",
    /// The images that could be read.
    images: Vec<ImageCell> = "`images_list`",
    /// The hashtags, each once, in order.
    hashtags: Vec<HashtagCell> = "`hash_tag` and `topics`, else `tag_list`, else `#…[话题]#` in `desc`",
    /// The users mentioned.
    mentions: Vec<MentionCell> = "`ats`, `at_users`",
    /// The URL of the first image.
    cover_url: Option<String> = "first of `images_list`: `url`, else `url_size_large`, else `original`",
    /// The first image's width in pixels.
    cover_width: Option<i32> = "first of `images_list`: `width`",
    /// The first image's height in pixels.
    cover_height: Option<i32> = "first of `images_list`: `height`",
    /// The video's length in milliseconds.
    video_duration_ms: Option<i64> = "`video_info_v2.media.stream.*.duration`, else `video_info_v2.capa.duration` in seconds",
    /// The URL of one stream of the video.
    video_url: Option<String> = "`video_info_v2.media.stream.*.master_url`",
    /// The video's width in pixels.
    video_width: Option<i32> = "`video_info_v2.media.stream.*.width`, else `video_info_v2.media.video.width`",
    /// The video's height in pixels.
    video_height: Option<i32> = "`video_info_v2.media.stream.*.height`, else `video_info_v2.media.video.height`",
    /// The id of the sound.
    sound_id: Option<String> = "`native_voice_info.sound_id`",
    /// The name of the sound.
    sound_name: Option<String> = "`native_voice_info.name`",
    /// The URL of the web page: scheme, host and path, without tokens.
    share_url: Option<String> = "`share_info.link`",
    /// Whether it is pinned; null for details.
    is_pinned: Option<bool> = "listings: `sticky`",
    /// The token that opens the note on the web; null for details.
    xsec_token: Option<String> = "listings: `xsec_token`",
}

impl From<Image> for ImageCell {
    fn from(image: Image) -> Self {
        let Image { position, file_id, url, large_url, original_url, width, height, expires_at } = image;
        Self { position, file_id, url, large_url, original_url, width, height, expires_at }
    }
}

impl From<ImageCell> for Image {
    fn from(cell: ImageCell) -> Self {
        let ImageCell { position, file_id, url, large_url, original_url, width, height, expires_at } = cell;
        Self { position, file_id, url, large_url, original_url, width, height, expires_at }
    }
}

impl From<HashtagCell> for Hashtag {
    fn from(cell: HashtagCell) -> Self {
        Self { id: cell.hashtag_id, name: cell.name, kind: cell.kind }
    }
}

impl From<Hashtag> for HashtagCell {
    fn from(tag: Hashtag) -> Self {
        Self { hashtag_id: tag.id, name: tag.name, kind: tag.kind }
    }
}

impl From<Mention> for MentionCell {
    fn from(mention: Mention) -> Self {
        let Mention { position, user_id, nickname } = mention;
        Self { position, user_id: user_id.map(String::from), nickname }
    }
}

impl ObservedNoteRow {
    pub(super) fn of(note: NoteObservation, run_id: &str, is_admitted: bool) -> Self {
        let NoteObservation {
            note_id,
            source,
            seen,
            content,
            author_id,
            published_at,
            updated_at,
            counts,
            listing,
            ..
        } = note;
        let presence = if content.is_some() { Presence::Shown } else { Presence::Gone };
        let description_is_truncated = content.as_ref().map(|content| content.description_is_truncated);
        let content = content.unwrap_or_default();
        let listing = listing.unwrap_or_default();
        let [liked_count, collected_count, comment_count, share_count] = counts;
        Self {
            sequence: seen.sequence,
            position: signed(seen.position.0),
            is_admitted,
            observed_at: seen.observed_at,
            call_key: seen.call_key,
            run_id: run_id.to_owned(),
            source: source.as_str(),
            note_id: note_id.into(),
            presence: presence.as_str(),
            author_id: author_id.map(String::from),
            author_nickname: content.author_nickname,
            note_type: content.note_type,
            title: content.title,
            description: content.description,
            description_is_truncated,
            published_at,
            updated_at,
            ip_location: content.ip_location,
            language: content.language,
            liked_count,
            collected_count,
            comment_count,
            share_count,
            image_count: content.image_count,
            images: content.images.into_iter().map(ImageCell::from).collect(),
            hashtags: content.hashtags.into_iter().map(HashtagCell::from).collect(),
            mentions: content.mentions.into_iter().map(MentionCell::from).collect(),
            cover_url: content.cover.url,
            cover_width: content.cover.width,
            cover_height: content.cover.height,
            video_duration_ms: content.video.duration_ms,
            video_url: content.video.url,
            video_width: content.video.width,
            video_height: content.video.height,
            sound_id: content.sound_id,
            sound_name: content.sound_name,
            share_url: content.share_url,
            is_pinned: listing.is_sticky,
            xsec_token: listing.xsec_token,
            added: content.added,
        }
    }

    pub(super) fn of_empty(empty: EmptyDetail) -> Self {
        let EmptyDetail { note_id, run_id, seen } = empty;
        let nothing = NoteObservation::without_content(note_id, seen);
        Self { presence: Presence::Empty.as_str(), ..Self::of(nothing, &run_id, true) }
    }
}
