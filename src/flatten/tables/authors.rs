//! The authors and the labels on their profiles.

use jiff::Timestamp;

use super::table;

table! {
    /// One row for each author: a profile, else what notes show of the author.
    AuthorRow, "authors", by Nothing, sorted by ["author_id"], with added;
    /// The author's id: usually 24 hex digits, whose first 8 are the second of registration.
    author_id: String = "`userid`, `user_id`, `userId`, `id`; a profile without one: the id asked for",
    /// The number or name by which users find the author.
    red_id: Option<String> = "`red_id`",
    /// The name shown.
    nickname: Option<String> = "`nickname`, `name`",
    /// What the author says of themselves.
    description: Option<String> = "`desc`",
    /// `male` or `female`; null where unknown.
    gender: Option<&'static str> = "`gender`: 0 is male, 1 is female",
    /// The place that the author gives.
    location: Option<String> = "`location`",
    /// The place that the platform shows.
    ip_location: Option<String> = "`ip_location`",
    /// How many users follow the author.
    fans_count: Option<i64> = "`fans`, else `interactions[type=fans].count`",
    /// How many users the author follows.
    follows_count: Option<i64> = "`follows`, else `interactions[type=follows].count`",
    /// How often the author's notes were liked.
    liked_count: Option<i64> = "`liked`, else `note_num_stat.liked`",
    /// How often the author's notes were collected.
    collected_count: Option<i64> = "`collected`, else `note_num_stat.collected`",
    /// Likes and collections together, as the platform shows them.
    interaction_count: Option<i64> = "`interactions[type=interaction].count`",
    /// How many notes the author has published.
    notes_count: Option<i64> = "`ndiscovery`, else `note_num_stat.posted`",
    /// Whether the platform has verified the author.
    is_verified: Option<bool> = "`red_official_verified`, else `red_official_verify_type` above 0",
    /// As what the author is verified.
    verified_content: Option<String> = "`red_official_verify_content`",
    /// The address of the author's picture.
    avatar_url: Option<String> = "`imageb`, `images`, `image`, `avatar`",
    /// The address of the picture behind the profile.
    banner_url: Option<String> = "`banner_info.image`",
    /// The web address: scheme, host and path, without tokens.
    share_url: Option<String> = "`share_link`",
    /// When the author registered.
    registered_at: Option<Timestamp> = "the second in the id",
    /// Where the row is from: `profile`, or `note` for the user block inside a note.
    profile_source: &'static str = "the answer",
    /// When the row was observed.
    profile_observed_at: Timestamp = "the answer",
    /// When the first answer that shows the author came.
    first_seen_at: Timestamp = "the answers",
    /// When the last answer that shows the author came.
    last_seen_at: Timestamp = "the answers",
}

table! {
    /// One row for each label on the profile that is shown in `authors`.
    AuthorTagRow, "author_tags", by Nothing, sorted by ["author_id", "position"];
    /// The author.
    author_id: String = "`userid`",
    /// The place in the vendor's list, from 0.
    position: i32 = "place in `tags`",
    /// What the label is about: `location`, `profession`, or another word of the vendor's.
    kind: Option<String> = "`tags[].tag_type`",
    /// What it says.
    name: String = "`tags[].name`; labels without a name are left out",
}
