//! The notes and what belongs to their content.

use jiff::Timestamp;

use super::table;

table! {
    /// One row for each note: the best that is known of it.
    NoteRow, "notes", by Published, sorted by ["note_id"], with added;
    /// The note's id: usually 24 hex digits, whose first 8 are its creation second.
    note_id: String = "`id`, `note_id`, `noteId`",
    /// The id of the user who wrote it.
    author_id: Option<String> = "`user.userid`, `user.user_id`, `user.userId`, `user.id`",
    /// The author's name when the content was observed.
    author_nickname: Option<String> = "`user.nickname`, `user.name`",
    /// `image`, `video`, or the vendor's own word where it is neither.
    note_type: Option<String> = "`type`: `normal` is `image`",
    /// The title; null where it is blank.
    title: Option<String> = "`title`, else `display_title`",
    /// The text, with its `#…[话题]#` marks.
    description: Option<String> = "`desc`",
    /// Whether the text may be cut short: true where a search listing is all that is known.
    description_is_truncated: Option<bool> = "true for search listings",
    /// When it was published; null where no answer told.
    published_at: Option<Timestamp> = "`timestamp`, `create_time`, `time`",
    /// When it was last changed; null where no answer told.
    updated_at: Option<Timestamp> = "`update_time`, `last_update_time`; 0 is null",
    /// The place that the platform shows beside the note.
    ip_location: Option<String> = "`ip_location`",
    /// The code of the text's language.
    language: Option<String> = "`text_language_code`",
    /// How often it was liked.
    liked_count: Option<i64> = "`liked_count`, `likes`",
    /// How often it was collected.
    collected_count: Option<i64> = "`collected_count`",
    /// How often it was commented.
    comment_count: Option<i64> = "`comments_count`, `comment_count`",
    /// How often it was shared.
    share_count: Option<i64> = "`shared_count`, `share_count`",
    /// Whether any count shown was written like `1.2万` or `10+`; where the newest exact count rounds to it, that is shown.
    counts_are_approximate: Option<bool> = "the spelling of the counts",
    /// How many images the vendor listed.
    image_count: Option<i32> = "length of `images_list`",
    /// The hashtags' names in order, each once; empty where the content told none.
    hashtags: Option<Vec<String>> = "`hash_tag` and `topics`, else `tag_list`, else `#…[话题]#` in `desc`",
    /// The address of the first image; most addresses expire.
    cover_url: Option<String> = "first of `images_list`: `url`, else `url_size_large`, else `original`",
    /// The first image's width in pixels.
    cover_width: Option<i32> = "first of `images_list`: `width`",
    /// The first image's height in pixels.
    cover_height: Option<i32> = "first of `images_list`: `height`",
    /// The video's length in milliseconds.
    video_duration_ms: Option<i64> = "`video_info_v2.media.stream.*.duration`, else `video_info_v2.capa.duration` in seconds",
    /// The address of one stream of the video; most addresses expire.
    video_url: Option<String> = "`video_info_v2.media.stream.*.master_url`",
    /// The video's width in pixels.
    video_width: Option<i32> = "`video_info_v2.media.stream.*.width`, else `video_info_v2.media.video.width`",
    /// The video's height in pixels.
    video_height: Option<i32> = "`video_info_v2.media.stream.*.height`, else `video_info_v2.media.video.height`",
    /// The id of the sound.
    sound_id: Option<String> = "`native_voice_info.sound_id`",
    /// The name of the sound.
    sound_name: Option<String> = "`native_voice_info.name`",
    /// The web address: scheme, host and path, without tokens.
    share_url: Option<String> = "`share_info.link`",
    /// Whether it is pinned; of the newest listing, null where that did not tell.
    is_sticky: Option<bool> = "listings: `sticky`",
    /// The token that opens the note on the web; of the newest listing, null where that did not tell.
    xsec_token: Option<String> = "listings: `xsec_token`",
    /// Whether it is not there: stated by a code, or empty details in three runs, and no later answer shows the note.
    is_gone: Option<bool> = "detail answers",
    /// Why it is gone: `stated` (an answer says so by a code), or `empty` (nothing shown to the three newest runs that asked).
    gone_reason: Option<&'static str> = "detail answers",
    /// The kind of answer that the content is from: `detail`, `user_notes` or `search`.
    content_source: Option<&'static str> = "the answer",
    /// When the content was observed.
    content_observed_at: Option<Timestamp> = "the answer",
    /// When counts were last observed.
    counts_observed_at: Option<Timestamp> = "the newest answer that told a count",
    /// When the first answer about the note came.
    first_seen_at: Timestamp = "the answers",
    /// When the last answer about the note came.
    last_seen_at: Timestamp = "the answers",
}

table! {
    /// One row for each image of each note, of the content that is shown in `notes`.
    NoteImageRow, "note_images", by Published, sorted by ["note_id", "position"];
    /// The note.
    note_id: String = "`id`",
    /// The image's place in the vendor's list, from 0.
    position: i32 = "place in `images_list`",
    /// The platform's id of the file.
    file_id: Option<String> = "`fileid`, else `trace_id`",
    /// The address of the usual size.
    url: Option<String> = "`url`, else `url_default`, else `info_list` (`WB_DFT`, `WB_PRV`)",
    /// The address of the large size.
    large_url: Option<String> = "`url_size_large`",
    /// The address of the original.
    original_url: Option<String> = "`original`",
    /// Width in pixels.
    width: Option<i32> = "`width`",
    /// Height in pixels.
    height: Option<i32> = "`height`",
    /// When the addresses stop working.
    expires_at: Option<Timestamp> = "`t=` in the address: the second, in hex",
}

table! {
    /// One row for each hashtag of each note, of the content that is shown in `notes`.
    NoteHashtagRow, "note_hashtags", by Published, sorted by ["note_id", "position"];
    /// The note.
    note_id: String = "`id`",
    /// The place among the note's hashtags, from 0.
    position: i32 = "order of first appearance",
    /// The platform's id of the hashtag.
    hashtag_id: Option<String> = "`hash_tag[].id`, `topics[].id`, `tag_list[].id`",
    /// Its name, without `#`.
    name: Option<String> = "`hash_tag[].name`, `topics[].name`, `tag_list[].name`, else `#…[话题]#` in `desc`",
    /// `topic`, or the vendor's own word.
    kind: Option<String> = "`hash_tag[].type`, `tag_list[].type`",
}

table! {
    /// One row for each user mentioned in each note, of the content that is shown in `notes`.
    NoteMentionRow, "note_mentions", by Published, sorted by ["note_id", "position"];
    /// The note.
    note_id: String = "`id`",
    /// The place in the vendor's list, from 0.
    position: i32 = "place in `ats`",
    /// The user mentioned.
    user_id: Option<String> = "`ats[].userid`, `ats[].id`, `at_users[]` likewise",
    /// The user's name when the content was observed.
    nickname: Option<String> = "`ats[].nickname`, `ats[].name`",
}
