//! Observations: what one answer tells of notes and authors.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Count, Extra, NoteId, UserId};

/// Says what kind of answer showed a note; a later variant tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoteSource {
    /// A page of search results.
    Search,
    /// A page of a user's notes.
    UserNotes,
    /// The note in full.
    Detail,
}

impl NoteSource {
    /// Returns the word that tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::UserNotes => "user_notes",
            Self::Detail => "detail",
        }
    }
}

/// Says what kind of answer showed an author; a later variant tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AuthorSource {
    /// The user block inside a note.
    Note,
    /// The user's profile.
    Profile,
}

impl AuthorSource {
    /// Returns the word that tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Profile => "profile",
        }
    }
}

/// Says when and where something was seen. The greatest is the newest; of one answer, the first on the page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// The answer's place among all answers; what was told before there were any has none, and gets its answer's.
    #[serde(default)]
    pub sequence: i64,
    /// What the clock said when the answer came.
    pub observed_at: Timestamp,
    /// The call that was answered; shared by all that the answer shows.
    pub call_key: Arc<str>,
    /// The place among the vendor's elements, from 0.
    pub position: Reverse<u32>,
}

/// What one answer tells of one note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteObservation {
    /// The note.
    pub note_id: NoteId,
    /// The kind of answer.
    pub source: NoteSource,
    /// When and where.
    pub seen: Provenance,
    /// What the note says; none where the answer says that it is not there.
    pub content: Option<NoteContent>,
    /// Who wrote it.
    pub author_id: Option<UserId>,
    /// When it was published, as the vendor told.
    pub published_at: Option<Timestamp>,
    /// When it was last changed, as the vendor told.
    pub updated_at: Option<Timestamp>,
    /// liked, collected, comments, shared; none where not told.
    pub counts: [Option<Count>; 4],
    /// What only listings tell; none for details.
    pub listing: Option<Listing>,
    /// Whether the note is not there; none for listings, which show notes that are.
    pub is_gone: Option<bool>,
}

impl NoteObservation {
    /// Makes what a detail says that shows nothing of its note.
    pub fn without_content(note_id: NoteId, seen: Provenance) -> Self {
        Self {
            note_id,
            source: NoteSource::Detail,
            seen,
            content: None,
            author_id: None,
            published_at: None,
            updated_at: None,
            counts: [None; 4],
            listing: None,
            is_gone: None,
        }
    }
}

/// A detail that was a success and showed nothing: alone it says nothing of the note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyDetail {
    /// The note that was asked for.
    pub note_id: NoteId,
    /// The run that asked.
    pub run_id: String,
    /// When.
    pub seen: Provenance,
}

/// What only a listing tells of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Whether it is pinned.
    pub is_sticky: Option<bool>,
    /// The token that opens the note on the web.
    pub xsec_token: Option<String>,
}

/// What a note says. One observation's content wins whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteContent {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub description: Option<String>,
    /// Whether the vendor cut the text short.
    pub description_is_truncated: bool,
    /// `image`, `video`, or the vendor's own word.
    pub note_type: Option<String>,
    /// Where it was published from.
    pub ip_location: Option<String>,
    /// The language's code.
    pub language: Option<String>,
    /// The author's name at that time.
    pub author_nickname: Option<String>,
    /// The web address, without tokens.
    pub share_url: Option<String>,
    /// How many images the vendor listed; none where it told no list.
    pub image_count: Option<i32>,
    /// The images that could be read.
    pub images: Vec<Image>,
    /// The first image.
    pub cover: Cover,
    /// The video.
    pub video: Video,
    /// The sound's id.
    pub sound_id: Option<String>,
    /// The sound's name.
    pub sound_name: Option<String>,
    /// The hashtags, each once, in order.
    pub hashtags: Vec<Hashtag>,
    /// The users mentioned.
    pub mentions: Vec<Mention>,
    /// The values of the columns that the job adds, in their order.
    pub added: Vec<Option<Extra>>,
}

/// One image of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its place in the vendor's list, from 0.
    pub position: i32,
    /// The platform's id of the file.
    pub file_id: Option<String>,
    /// The address of the usual size.
    pub url: Option<String>,
    /// The address of the large size.
    pub large_url: Option<String>,
    /// The address of the original.
    pub original_url: Option<String>,
    /// Pixels across.
    pub width: Option<i32>,
    /// Pixels down.
    pub height: Option<i32>,
    /// When the addresses stop working.
    pub expires_at: Option<Timestamp>,
}

/// The picture that stands for a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Its address.
    pub url: Option<String>,
    /// Pixels across.
    pub width: Option<i32>,
    /// Pixels down.
    pub height: Option<i32>,
}

/// The video of a note; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Length in milliseconds.
    pub duration_ms: Option<i64>,
    /// The address of one stream.
    pub url: Option<String>,
    /// Pixels across.
    pub width: Option<i32>,
    /// Pixels down.
    pub height: Option<i32>,
}

/// One hashtag of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashtag {
    /// The platform's id of it.
    pub id: Option<String>,
    /// Its name, without `#`.
    pub name: Option<String>,
    /// `topic`, or the vendor's own word.
    pub kind: Option<String>,
}

/// One user mentioned in a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Its place in the vendor's list, from 0.
    pub position: i32,
    /// The user.
    pub user_id: Option<UserId>,
    /// The user's name at that time.
    pub nickname: Option<String>,
}

/// What one answer tells of one author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorObservation {
    /// The author.
    pub author_id: UserId,
    /// The kind of answer.
    pub source: AuthorSource,
    /// When and where.
    pub seen: Provenance,
    /// What it tells.
    pub profile: Profile,
}

/// The two genders that the platform tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// `female`.
    Female,
    /// `male`.
    Male,
}

impl Gender {
    /// Returns the word that tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// What is told of an author. One observation's profile wins whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The number or name by which users find the author.
    pub red_id: Option<String>,
    /// The name shown.
    pub nickname: Option<String>,
    /// What the author says of themselves.
    pub description: Option<String>,
    /// What the author says to be.
    pub gender: Option<Gender>,
    /// The place that the author gives.
    pub location: Option<String>,
    /// The place that the platform shows.
    pub ip_location: Option<String>,
    /// fans, follows, liked, collected, interactions, notes; none where not told.
    pub counts: [Option<Count>; 6],
    /// Whether the platform has verified the author.
    pub is_verified: Option<bool>,
    /// As what.
    pub verified_content: Option<String>,
    /// The address of the picture.
    pub avatar_url: Option<String>,
    /// The address of the picture behind the profile.
    pub banner_url: Option<String>,
    /// The web address, without tokens.
    pub share_url: Option<String>,
    /// The labels on the profile.
    pub tags: Vec<AuthorTag>,
    /// The values of the columns that the job adds, in their order.
    pub added: Vec<Option<Extra>>,
}

/// One label on a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorTag {
    /// Its place in the vendor's list, from 0.
    pub position: i32,
    /// The vendor's word for what it says: `location`, `profession`.
    pub kind: Option<String>,
    /// What it says.
    pub name: String,
}
