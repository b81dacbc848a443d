//! Users under pseudonyms: every column of every table asked "who is it?", and answered with a keyed hash, or null.

mod names;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use self::names::Names;
use super::Flattened;
use crate::model::{
    AuthorObservation, AuthorTag, Call, Cover, Extra, Hashtag, Image, Mention, NoteContent, NoteObservation, Profile,
    Reject, UserId, Video,
};

/// The columns that are null where users stand under pseudonyms: names, free text about a person, and addresses, for
/// the name of a picture's file holds the bits of its owner's id.
pub const WITHHELD: &[&str] = &[
    "notes.author_nickname",
    "notes.cover_url",
    "notes.video_url",
    "notes.xsec_token",
    "note_images.file_id",
    "note_images.url",
    "note_images.large_url",
    "note_images.original_url",
    "note_images.expires_at",
    "note_mentions.nickname",
    "authors.red_id",
    "authors.nickname",
    "authors.description",
    "authors.verified_content",
    "authors.avatar_url",
    "authors.banner_url",
    "authors.share_url",
    "authors.registered_at",
];

/// What is hashed in place of an id, so that two keys can be told apart. A change of how pseudonyms are made changes it.
const KEY_ITSELF: &[u8] = b"notemill pseudonyms, version 1";

/// Names users by keyed hashes (HMAC-SHA-256): the same key gives a user the same name everywhere and always.
#[derive(Clone)]
pub struct Pseudonyms(Hmac<Sha256>);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms([key])")
    }
}

impl Pseudonyms {
    /// Takes a keyed hash that has hashed nothing yet.
    pub fn new(keyed: Hmac<Sha256>) -> Self {
        Self(keyed)
    }

    /// Returns what tells the key from other keys, and nothing else of it.
    pub fn fingerprint(&self) -> String {
        crate::model::hex(&self.digest("", KEY_ITSELF))
    }

    /// Returns the pseudonym of a user.
    pub fn of(&self, user: &UserId) -> UserId {
        UserId::pseudonym(self.digest("user", user.as_str().as_bytes()))
    }

    fn digest(&self, what: &str, bytes: &[u8]) -> [u8; 12] {
        let whole = self.0.clone().chain_update(what).chain_update([0]).chain_update(bytes).finalize().into_bytes();
        let mut digest = [0; 12];
        digest.iter_mut().zip(whole).for_each(|(own, byte)| *own = byte);
        digest
    }

    /// Puts the pseudonym of whoever was asked for into what was told under pseudonyms.
    pub(super) fn hide_told(&self, mut flat: Flattened) -> Flattened {
        let call_key = self.hide_call(&mut flat);
        flat.rejects.iter_mut().for_each(|reject| reject.call_key = Arc::clone(&call_key));
        flat.authors.iter_mut().for_each(|author| author.seen.call_key = Arc::clone(&call_key));
        flat.notes.iter_mut().for_each(|note| note.seen.call_key = Arc::clone(&call_key));
        flat
    }

    /// Puts pseudonyms into what one answer tells.
    pub(super) fn hide(&self, mut flat: Flattened) -> Flattened {
        let mut of_call = Names::default();
        if let Ok(Call::UserProfile { user_id } | Call::UserNotes { user_id, .. }) =
            Call::from_params(&flat.call.params)
        {
            of_call.add_id(user_id.as_str(), self.of(&user_id).as_str());
        }
        let call_key = self.hide_call(&mut flat);
        for reject in &mut flat.rejects {
            reject.call_key = Arc::clone(&call_key);
            reject.path = of_call.in_address(&reject.path);
            reject.reason = of_call.in_address(&without_value(&reject.reason));
        }

        let mut by_position = HashMap::new();
        for author in &mut flat.authors {
            let mut names = of_call.clone();
            self.add_author(&mut names, author);
            self.hide_author(author, &names);
            author.seen.call_key = Arc::clone(&call_key);
            by_position.insert(author.seen.position, names);
        }
        for note in &mut flat.notes {
            let mut names = by_position.remove(&note.seen.position).unwrap_or_else(|| of_call.clone());
            self.add_note(&mut names, note);
            if names.are_too_many() {
                flat.rejects.push(Reject {
                    run_id: flat.call.run_id.clone(),
                    call_key: Arc::clone(&call_key),
                    path: String::new(),
                    reason: format!("the note `{}` names more users than can be looked for: no texts", note.note_id),
                    position: Some(note.seen.position.0),
                    sequence: flat.call.sequence,
                    observed_at: flat.call.observed_at,
                });
            }
            self.hide_note(note, &names);
            note.seen.call_key = Arc::clone(&call_key);
        }
        flat
    }

    /// Hides who was asked for; returns the call's new key. A cursor is hashed: who knows what a vendor wrote into it.
    fn hide_call(&self, flat: &mut Flattened) -> Arc<str> {
        let call = Call::from_params(&flat.call.params).map(|call| match call {
            Call::UserProfile { user_id } => Call::UserProfile { user_id: self.of(&user_id) },
            Call::UserNotes { user_id, via, cursor, page } => {
                let hashed =
                    |cursor: String| format!("c_{}", crate::model::hex(&self.digest("cursor", cursor.as_bytes())));
                Call::UserNotes { user_id: self.of(&user_id), via, cursor: cursor.map(hashed), page }
            }
            other => other,
        });
        if let Ok(call) = call {
            flat.call.params = call.params();
            flat.call.call_key = call.key().into();
        }
        Arc::clone(&flat.call.call_key)
    }

    fn add_author(&self, names: &mut Names, author: &AuthorObservation) {
        let pseudonym = self.of(&author.author_id);
        names.add_id(author.author_id.as_str(), pseudonym.as_str());
        for name in [&author.profile.red_id, &author.profile.nickname].into_iter().flatten() {
            names.add_nickname(name, pseudonym.as_str());
        }
        if let Some(number) = &author.profile.red_id {
            names.add_number(number);
        }
    }

    fn add_note(&self, names: &mut Names, note: &NoteObservation) {
        let Some(content) = &note.content else { return };
        let author = (note.author_id.as_ref(), content.author_nickname.as_ref());
        let mentioned = content.mentions.iter().map(|mention| (mention.user_id.as_ref(), mention.nickname.as_ref()));
        for (id, nickname) in std::iter::once(author).chain(mentioned) {
            if let Some(id) = id {
                names.add_id(id.as_str(), self.of(id).as_str());
            }
            if let Some(nickname) = nickname {
                let nobody = || UserId::pseudonym(self.digest("nickname", nickname.as_bytes()));
                names.add_nickname(nickname, id.map_or_else(nobody, |id| self.of(id)).as_str());
            }
        }
    }

    fn hide_author(&self, author: &mut AuthorObservation, names: &Names) {
        author.author_id = self.of(&author.author_id);
        let Profile { gender, location, ip_location, counts, is_verified, tags, added, .. } =
            std::mem::take(&mut author.profile);
        let tags = tags.into_iter().map(|tag| AuthorTag {
            position: tag.position,
            kind: tag.kind.and_then(|kind| names.in_word(kind)),
            name: names.in_text(&tag.name),
        });
        author.profile = Profile {
            gender,
            location,
            ip_location,
            counts,
            is_verified,
            tags: tags.collect(),
            added: added.into_iter().map(|value| names.in_value(value?)).collect(),
            ..Profile::default()
        };
    }

    fn hide_note(&self, note: &mut NoteObservation, names: &Names) {
        note.author_id = note.author_id.as_ref().map(|id| self.of(id));
        if let Some(listing) = &mut note.listing {
            listing.xsec_token = None;
        }
        let Some(content) = note.content.take() else { return };
        let shown = |text: Option<String>| text.filter(|_| !names.are_too_many());
        let text = |text: Option<String>| Some(names.in_text(&shown(text)?));
        let images = content.images.into_iter();
        let images =
            images.map(|Image { position, width, height, .. }| Image { position, width, height, ..Image::default() });
        let mentions = content.mentions.into_iter();
        let mentions = mentions.map(|Mention { position, user_id, .. }| Mention {
            position,
            user_id: user_id.map(|id| self.of(&id)),
            nickname: None,
        });
        let word = |word: Option<String>| names.in_word(shown(word)?);
        let hashtags = content.hashtags.into_iter();
        let hashtags = hashtags.map(|tag| Hashtag { id: word(tag.id), name: text(tag.name), kind: word(tag.kind) });
        // What we call a note's type names nobody, whatever somebody is called.
        let own_type = |kind: &String| ["image", "video"].contains(&kind.as_str());
        note.content = Some(NoteContent {
            title: text(content.title),
            description: text(content.description),
            sound_name: shown(content.sound_name).map(|name| names.in_sound(&name)),
            share_url: content.share_url.map(|address| names.in_address(&address)),
            author_nickname: None,
            images: images.collect(),
            cover: Cover { url: None, ..content.cover },
            video: Video { url: None, ..content.video },
            hashtags: hashtags.collect(),
            mentions: mentions.collect(),
            added: content.added.into_iter().map(|value: Option<Extra>| names.in_value(value?)).collect(),
            description_is_truncated: content.description_is_truncated,
            note_type: content.note_type.and_then(|kind| if own_type(&kind) { Some(kind) } else { word(Some(kind)) }),
            ip_location: content.ip_location,
            language: word(content.language),
            image_count: content.image_count,
            sound_id: word(content.sound_id),
        });
    }
}

/// Takes the value out of a reason: its first word may be a name.
fn without_value(reason: &str) -> String {
    match reason.strip_prefix('`').and_then(|_| reason.split_once(' ')) {
        Some((_, rest)) => format!("a value {rest}"),
        None => reason.to_owned(),
    }
}
