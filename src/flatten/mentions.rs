//! The users mentioned in a note.

use super::object::{List, Object};
use crate::model::Mention;
use crate::vendor::fields;

/// Reads the users mentioned; entries that name nobody are left out.
pub(super) fn read_mentions(note: &Object<'_>) -> Vec<Mention> {
    let list = note.list(&["ats", "at_users", "atUsers", "at_user_list", "atUserList"]);
    let mentions = list.iter().flat_map(List::objects).map(|(position, user)| Mention {
        position,
        user_id: user.id(fields::USER_ID),
        nickname: user.text(&["nickname", "nick_name", "nickName", "name"]),
    });
    mentions.filter(|mention| mention.user_id.is_some() || mention.nickname.is_some()).collect()
}
