//! Observations of authors.

use std::sync::Arc;

use jiff::Timestamp;

use super::nested::nested;
use super::signed;
use crate::flatten::tables::table;
use crate::model::{AuthorObservation, AuthorTag, CallRecord, Count, Gender};

nested! {
    /// One label of a profile.
    TagCell;
    /// The place in the provider's list, from 0.
    position: i32,
    /// What the label is about: `location`, `profession`, or another word of the provider's.
    kind: Option<String>,
    /// The text of the label.
    name: String,
}

table! {
    /// One row for each time that an answer shows an author.
    ObservedAuthorRow, "observed_authors", by Nothing, sorted by ["author_id", "observed_at", "source", "sequence", "position"], with added of "authors" as "added_";
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// The place among the provider's elements, from 0.
    position: i32 = "place in the provider's list",
    /// Whether the author counts: false for a note beyond the limits of the job.
    is_admitted: bool = "the run",
    /// What the clock said when the answer came.
    observed_at: Timestamp = "the answer",
    /// The call that was answered.
    call_key: Arc<str> = "the call",
    /// The run that asked.
    run_id: String = "the run",
    /// The kind of answer: `profile`, or `note` for the user block inside a note.
    source: &'static str = "the answer",
    /// The author's id.
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
    /// How many users follow the author: `unit` is 1 for an exact count, 1,000 for `1.2万`, 0 for a lower bound such as `10+`.
    fans_count: Option<Count> = "`fans`, else `interactions[type=fans].count`",
    /// How many users the author follows, in the same form.
    following_count: Option<Count> = "`follows`, else `interactions[type=follows].count`",
    /// How often the author's notes were liked, in the same form.
    liked_count: Option<Count> = "`liked`, else `note_num_stat.liked`",
    /// How often the author's notes were collected, in the same form.
    collected_count: Option<Count> = "`collected`, else `note_num_stat.collected`",
    /// Likes and collections together, in the same form.
    interaction_count: Option<Count> = "`interactions[type=interaction].count`",
    /// How many notes the author has published, in the same form.
    notes_count: Option<Count> = "`ndiscovery`, else `note_num_stat.posted`",
    /// Whether the platform has verified the author.
    is_verified: Option<bool> = "`red_official_verified`, else `red_official_verify_type` above 0",
    /// As what the author is verified.
    verified_content: Option<String> = "`red_official_verify_content`",
    /// The URL of the author's picture.
    avatar_url: Option<String> = "`imageb`, `images`, `image`, `avatar`",
    /// The URL of the picture behind the profile.
    banner_url: Option<String> = "`banner_info.image`",
    /// The URL of the web page: scheme, host and path, without tokens.
    share_url: Option<String> = "`share_link`",
    /// The labels of the profile.
    tags: Vec<TagCell> = "`tags`; labels without a name are left out",
}

impl ObservedAuthorRow {
    pub(super) fn of(author: AuthorObservation, call: &CallRecord, is_admitted: bool) -> Self {
        let AuthorObservation { author_id, source, seen, profile } = author;
        let [fans_count, following_count, liked_count, collected_count, interaction_count, notes_count] =
            profile.counts;
        let tag = |tag: AuthorTag| TagCell { position: tag.position, kind: tag.kind, name: tag.name };
        Self {
            sequence: seen.sequence,
            position: signed(seen.position.0),
            is_admitted,
            observed_at: seen.observed_at,
            call_key: seen.call_key,
            run_id: call.run_id.clone(),
            source: source.as_str(),
            author_id: author_id.into(),
            red_id: profile.red_id,
            nickname: profile.nickname,
            description: profile.description,
            gender: profile.gender.map(Gender::as_str),
            location: profile.location,
            ip_location: profile.ip_location,
            fans_count,
            following_count,
            liked_count,
            collected_count,
            interaction_count,
            notes_count,
            is_verified: profile.is_verified,
            verified_content: profile.verified_content,
            avatar_url: profile.avatar_url,
            banner_url: profile.banner_url,
            share_url: profile.share_url,
            tags: profile.tags.into_iter().map(tag).collect(),
            added: profile.added,
        }
    }
}
