//! The users mentioned in a note.

use super::fields;
use super::object::{List, Object};
use crate::model::Mention;

/// Reads the users mentioned; entries that name nobody are left out.
pub(super) fn read_mentions(note: &Object<'_>) -> Vec<Mention> {
    let list = note.list(fields::MENTIONS);
    let mentions = list.iter().flat_map(List::objects).map(|(position, user)| Mention {
        position,
        user_id: user.id(fields::USER_ID),
        nickname: user.text(fields::MENTION_NAME),
    });
    mentions.filter(|mention| mention.user_id.is_some() || mention.nickname.is_some()).collect()
}
