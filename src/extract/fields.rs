//! The names under which vendors write the same thing, in one place for all readers.

use crate::json::{Node, Scalar};
use crate::model::read_count;

/// A note's id.
pub const NOTE_ID: &[&str] = &["id", "note_id", "noteId"];
/// A user's id.
pub const USER_ID: &[&str] = &["userid", "user_id", "userId", "id"];
/// The author inside a note.
pub const AUTHOR: &[&str] = &["user", "author", "user_info", "userInfo"];
/// How often a note was liked.
pub const LIKED: &[&str] = &["liked_count", "likes", "likedCount", "like_count"];
/// How often a note was collected.
pub const COLLECTED: &[&str] = &["collected_count", "collectedCount", "collect_count"];
/// How often a note was commented.
pub const COMMENTS: &[&str] = &["comments_count", "comment_count", "commentCount", "commentsCount"];
/// How often a note was shared.
pub const SHARED: &[&str] = &["shared_count", "share_count", "sharedCount", "shareCount"];
/// Where the web shape keeps a note's counts.
pub const COUNTS_INSIDE: &[&str] = &["interact_info", "interactInfo"];
/// When a note was published.
pub const PUBLISHED: &[&str] = &["timestamp", "create_time", "createTime", "time", "publish_time", "time_desc"];
/// When a note was last changed.
pub const UPDATED: &[&str] = &["update_time", "last_update_time", "lastUpdateTime", "updateTime"];
/// Whether a note is pinned.
pub const STICKY: &[&str] = &["sticky", "is_sticky", "isSticky"];
/// The note inside a wrapper.
pub const NOTE_INSIDE: &[&str] = &["note", "note_card", "noteCard", "note_info", "noteInfo"];
/// The users mentioned in a note.
pub const MENTIONS: &[&str] = &["ats", "at_users", "atUsers", "at_user_list", "atUserList"];
/// The name of a user who is mentioned.
pub const MENTION_NAME: &[&str] = &["nickname", "nick_name", "nickName", "name"];
/// Whether a note is a video or has images.
pub const NOTE_TYPE: &[&str] = &["type", "note_type", "noteType"];
/// The type of an item.
pub const MODEL_TYPE: &[&str] = &["model_type", "modelType"];

/// The name of a user.
pub const NICKNAME: &[&str] = &["nickname", "nick_name", "nickName", "name"];
/// Where the web keeps what says who somebody is.
pub const BASIC: &[&str] = &["basic_info", "basicInfo"];
/// Texts that a profile of an existing user has; which of them, differs by provider.
const PROFILE_TEXTS: &[&str] = &["red_id", "redId", "desc", "imageb", "images", "image", "avatar"];

/// Counts that the profile of an existing user may have in place of texts.
const PROFILE_COUNTS: &[&str] = &["fans", "fans_count", "fansCount"];

/// Returns true if an object says who a user is. An id alone, flags and zeros say nothing of the user.
pub fn shows_profile(object: Node<'_>) -> bool {
    let says = |object: Node<'_>| {
        let count = read_count(pick(object, PROFILE_COUNTS)).ok().flatten();
        text(object, NICKNAME).or_else(|| text(object, PROFILE_TEXTS)).is_some()
            || count.is_some_and(|count| count.value > 0)
    };
    [Some(object), pick(object, BASIC)].into_iter().flatten().any(says)
}

/// Returns the first of several fields that is there and not null.
pub fn pick<'t>(object: Node<'t>, names: &[&str]) -> Option<Node<'t>> {
    names.iter().filter_map(|name| object.get(name)).find(|value| !value.is_null())
}

/// Reads a yes or no that may be written as a boolean, a number or text.
pub fn truth<'a>(value: impl Into<Scalar<'a>>) -> Option<bool> {
    match value.into() {
        Scalar::Bool(value) => Some(value),
        Scalar::Number(number) => Some(number.as_f64()? != 0.0),
        Scalar::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Returns our word for a note's type; words that nobody knows stay what they are.
pub fn note_type(word: &str) -> &str {
    match word {
        "normal" => "image",
        _ => word,
    }
}

/// Returns text that is there and not blank.
pub fn text<'t>(object: Node<'t>, names: &[&str]) -> Option<&'t str> {
    names.iter().filter_map(|name| object.get(name)?.as_str()).find(|text| !text.trim().is_empty())
}
