//! One author: a profile, or the user block inside a note.

use super::fields::{self, BASIC, NICKNAME};
use super::object::{List, Object};
use crate::json::Node;
use crate::model::{
    AuthorObservation, AuthorSource, AuthorTag, Count, Gender, Profile, Provenance, UserId, read_count,
};

const AVATAR: &[&str] = &["imageb", "images", "image", "avatar"];

/// Reads a user's id.
pub(super) fn id(user: &Object<'_>) -> Option<UserId> {
    user.id(fields::USER_ID)
}

/// Reads a user's name.
pub(super) fn nickname(user: &Object<'_>) -> Option<String> {
    user.text(NICKNAME)
}

/// Reads the user block inside a note; none without an id.
pub fn read_stub(user: &Object<'_>, seen: Provenance) -> Option<AuthorObservation> {
    let author_id = id(user)?;
    Some(AuthorObservation { author_id, source: AuthorSource::Note, seen, profile: read(user) })
}

/// Reads a profile. Where it tells no id, it is the one asked for; where its id cannot be read, it is nobody's.
pub fn read_profile(profile: &Object<'_>, asked: &UserId, seen: Provenance) -> Option<AuthorObservation> {
    let basic = profile.child(BASIC);
    let objects = || [Some(profile), basic.as_ref()].into_iter().flatten();
    let told = objects().find_map(id);
    if told.is_none() && objects().any(|object| object.tells(fields::USER_ID)) {
        return None;
    }
    let author_id = told.unwrap_or_else(|| asked.clone());
    Some(AuthorObservation { author_id, source: AuthorSource::Profile, seen, profile: read(profile) })
}

fn read(user: &Object<'_>) -> Profile {
    let basic = user.child(BASIC);
    let text = |names: &[&str]| user.text(names).or_else(|| basic.as_ref()?.text(names));
    let truth = |names: &[&str]| user.truth(names).or_else(|| basic.as_ref()?.truth(names));
    let verify_type = || {
        let names = &["red_official_verify_type", "redOfficialVerifyType"];
        let count = user.count(names).or_else(|| basic.as_ref()?.count(names))?;
        Some(count.value > 0)
    };
    let gender = user.value(&["gender"]).or_else(|| basic.as_ref()?.value(&["gender"]));
    let banner = user.child(&["banner_info", "bannerInfo"]);
    let share = || user.child(&["share_info", "shareInfo"])?.address(&["link"]);
    Profile {
        red_id: text(&["red_id", "redId"]),
        nickname: text(NICKNAME),
        description: text(&["desc"]),
        gender: gender.and_then(gender_word),
        location: text(&["location"]),
        ip_location: text(&["ip_location", "ipLocation"]),
        counts: read_counts(user),
        is_verified: truth(&["red_official_verified", "redOfficialVerified"]).or_else(verify_type),
        verified_content: text(&["red_official_verify_content", "redOfficialVerifyContent"]),
        avatar_url: text(AVATAR),
        banner_url: banner.and_then(|banner| banner.text(&["image"])),
        share_url: user.address(&["share_link", "shareLink"]).or_else(share),
        tags: read_tags(user),
        added: Vec::new(),
    }
}

fn gender_word(value: Node<'_>) -> Option<Gender> {
    match read_count(Some(value)).ok()??.value {
        0 => Some(Gender::Male),
        1 => Some(Gender::Female),
        _ => None,
    }
}

/// Reads fans, follows, liked, collected, interactions and notes: at the top, or among the interactions in any order.
fn read_counts(user: &Object<'_>) -> [Option<Count>; 6] {
    let interactions = user.list(&["interactions"]);
    let interactions: Vec<_> = interactions.iter().flat_map(List::objects).collect();
    let interaction = |kind: &str| {
        let (_, entry) = interactions.iter().find(|(_, entry)| entry.text(&["type"]).as_deref() == Some(kind))?;
        entry.count(&["count", "i18n_count", "i18nCount"])
    };
    let statistics = user.child(&["note_num_stat", "noteNumStat"]);
    let statistic = |name: &str| statistics.as_ref()?.count(&[name]);
    [
        user.count(&["fans", "fans_count", "fansCount"]).or_else(|| interaction("fans")),
        user.count(&["follows", "follows_count", "followsCount"]).or_else(|| interaction("follows")),
        user.count(&["liked", "liked_count", "likedCount"]).or_else(|| statistic("liked")),
        user.count(&["collected", "collected_count", "collectedCount"]).or_else(|| statistic("collected")),
        interaction("interaction"),
        user.count(&["ndiscovery", "notes_count", "note_count", "noteCount"]).or_else(|| statistic("posted")),
    ]
}

/// Reads the labels; those without a name are pictures only.
fn read_tags(user: &Object<'_>) -> Vec<AuthorTag> {
    let tags = user.list(&["tags"]);
    let tags = tags.iter().flat_map(List::objects).filter_map(|(position, tag)| {
        Some(AuthorTag { position, kind: tag.text(&["tag_type", "tagType"]), name: tag.text(&["name"])? })
    });
    tags.collect()
}
