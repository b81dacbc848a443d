//! Calls: what is asked of a vendor, in words that belong to no vendor.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forgotten::STAND_IN;
use super::{NoteId, UserId};

/// Names one of the four things that can be asked of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// One page of notes for a keyword.
    SearchNotes,
    /// One note in full.
    NoteDetail,
    /// One user's profile.
    UserProfile,
    /// One page of a user's notes.
    UserNotes,
}

impl Endpoint {
    /// Every endpoint, in the order in which reports show them.
    pub const ALL: [Self; 4] = [Self::SearchNotes, Self::UserNotes, Self::NoteDetail, Self::UserProfile];

    /// Returns the name that job files, tables and reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SearchNotes => "search_notes",
            Self::NoteDetail => "note_detail",
            Self::UserProfile => "user_profile",
            Self::UserNotes => "user_notes",
        }
    }

    /// Finds an endpoint by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == name)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word as job files and tables write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Orders the results of a search.
    Sort {
        /// The vendor's own ranking.
        #[default]
        General = "general",
        /// Most liked first.
        PopularityDescending = "popularity_descending",
        /// Newest first.
        TimeDescending = "time_descending",
        /// Most commented first.
        CommentDescending = "comment_descending",
        /// Most collected first.
        CollectDescending = "collect_descending",
    }
}

words! {
    /// Narrows a search to a type of note.
    NoteTypeFilter {
        /// Videos and images.
        #[default]
        All = "all",
        /// Videos only.
        Video = "video",
        /// Image notes only.
        Image = "image",
    }
}

words! {
    /// Narrows a search to notes published lately.
    Published {
        /// Any time.
        #[default]
        Any = "any",
        /// Within 24 hours.
        Day = "day",
        /// Within 7 days.
        Week = "week",
        /// Within 183 days.
        HalfYear = "half_year",
    }
}

impl Published {
    /// Returns the length of the window in seconds; `None` for any time.
    pub const fn seconds(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Day => Some(86_400),
            Self::Week => Some(7 * 86_400),
            Self::HalfYear => Some(183 * 86_400),
        }
    }
}

/// One search: a keyword with its filters. Its pages are walked one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Query {
    /// The words searched for.
    pub keyword: String,
    /// The order of the results.
    pub sort: Sort,
    /// The type of note asked for.
    pub note_type: NoteTypeFilter,
    /// How recent the notes must be.
    pub published: Published,
}

/// One thing to ask of a vendor, with parameters that belong to no vendor and hold no key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Call {
    /// A page of search results; pages count from 1.
    SearchNotes {
        /// The search.
        #[serde(flatten)]
        query: Query,
        /// The page, from 1.
        page: u32,
    },
    /// A note in full.
    NoteDetail {
        /// The note.
        note_id: NoteId,
    },
    /// A page of a user's notes. A cursor is understood only by the vendor that gave it.
    UserNotes {
        /// The user.
        user_id: UserId,
        /// The vendor that the walk is bound to; none for the first page of a fresh walk.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        via: Option<String>,
        /// Where the page before ended; none for the first page.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cursor: Option<String>,
        /// Keeps this variant apart from a profile when read back.
        page: u32,
    },
    /// A user's profile.
    UserProfile {
        /// The user.
        user_id: UserId,
    },
}

impl Call {
    /// Returns the endpoint that the call belongs to.
    pub const fn endpoint(&self) -> Endpoint {
        match self {
            Self::SearchNotes { .. } => Endpoint::SearchNotes,
            Self::NoteDetail { .. } => Endpoint::NoteDetail,
            Self::UserNotes { .. } => Endpoint::UserNotes,
            Self::UserProfile { .. } => Endpoint::UserProfile,
        }
    }

    /// Tells whether only one vendor can answer it: a page after the first of a user's notes.
    pub const fn is_bound(&self) -> bool {
        matches!(self, Self::UserNotes { via: Some(_), .. })
    }

    /// Tells whether what it asked for is forgotten since, so that only the books of it are left.
    pub fn is_forgotten(&self) -> bool {
        let id = match self {
            Self::SearchNotes { .. } => return false,
            Self::NoteDetail { note_id } => note_id.as_str(),
            Self::UserNotes { user_id, .. } | Self::UserProfile { user_id } => user_id.as_str(),
        };
        id.starts_with(STAND_IN)
    }

    /// Returns the parameters as JSON with a fixed order of keys.
    pub fn params(&self) -> String {
        // Serializing plain strings and integers into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the key that names the call for good: the endpoint and its parameters, not the vendor.
    pub fn key(&self) -> String {
        format!("{} {}", self.endpoint(), self.params())
    }

    /// Reads a call back from an endpoint's name and the JSON that [`Call::params`] wrote.
    pub fn from_params(params: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_back_from_its_parameters() {
        let query = Query {
            keyword: "防晒\"霜".into(),
            sort: Sort::TimeDescending,
            note_type: NoteTypeFilter::Video,
            published: Published::HalfYear,
        };
        let user_id = UserId::parse("5c2f338a000000000701e1c6").unwrap();
        let calls = [
            Call::SearchNotes { query, page: 3 },
            Call::NoteDetail { note_id: NoteId::parse("63b38c37000000001e03de92").unwrap() },
            Call::UserProfile { user_id: user_id.clone() },
            Call::UserNotes { user_id: user_id.clone(), via: None, cursor: None, page: 1 },
            Call::UserNotes { user_id, via: Some("spiderhubs".into()), cursor: Some("{\"a\":1}".into()), page: 2 },
        ];
        for call in calls {
            let read = Call::from_params(&call.params()).unwrap();
            assert_eq!(read, call);
            assert_eq!(read.key(), call.key());
        }
    }

    #[test]
    fn keys_are_stable() {
        let call = Call::NoteDetail { note_id: NoteId::parse("n1").unwrap() };
        assert_eq!(call.key(), r#"note_detail {"note_id":"n1"}"#);
    }
}
