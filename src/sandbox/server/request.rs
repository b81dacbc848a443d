//! From a path and a query to what is asked, as strictly as a vendor may be.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Uri, header};
use url::form_urlencoded;

use crate::model::{Endpoint, NoteTypeFilter, Published, Query, Sort};

/// The vendors whose protocols the sandbox speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    JustOne,
    SpiderHubs,
}

impl Vendor {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::JustOne => "justoneapi",
            Self::SpiderHubs => "spiderhubs",
        }
    }
}

/// What a good request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Search { query: Query, page: u32 },
    Detail { note_id: String },
    Profile { user_id: String },
    UserNotes { user_id: String, cursor: String },
}

/// A request to one of the vendors' endpoints.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) vendor: Vendor,
    /// The path, whose end names the version.
    pub(super) path: &'static str,
    pub(super) endpoint: Endpoint,
    /// The key, if one came.
    pub(super) key: Option<String>,
    /// The parameters for the ledger: in our words, or as they came where they are refused.
    pub(super) params: BTreeMap<&'static str, String>,
    /// What is asked, or the name of the parameter that is missing or odd.
    pub(super) asked: Result<Asked, String>,
}

/// The paths whose answers have a shape of their own.
pub(super) const SEARCH_V4: &str = "/api/xiaohongshu/search-note/v4";
pub(super) const DETAIL_V6: &str = "/api/xiaohongshu/get-note-detail/v6";
pub(super) const PROFILE_V3: &str = "/api/xiaohongshu/get-user/v3";

/// Our names of parameters with a vendor's.
type Names = &'static [(&'static str, &'static str)];

/// The vendors' paths with, for each, the vendors' names of our parameters.
const ROUTES: &[(&str, Vendor, Endpoint, Names)] = {
    use Endpoint::{NoteDetail, SearchNotes, UserNotes, UserProfile};
    use Vendor::{JustOne, SpiderHubs};
    &[
        ("/api/xiaohongshu/search-note/v2", JustOne, SearchNotes, V2),
        (SEARCH_V4, JustOne, SearchNotes, V4),
        ("/api/xiaohongshu/get-note-detail/v1", JustOne, NoteDetail, &[("note_id", "noteId")]),
        (DETAIL_V6, JustOne, NoteDetail, &[("note_id", "noteId")]),
        ("/api/xiaohongshu/get-user/v4", JustOne, UserProfile, &[("user_id", "userId")]),
        (PROFILE_V3, JustOne, UserProfile, &[("user_id", "userId")]),
        (
            "/api/xiaohongshu/get-user-note-list/v4",
            JustOne,
            UserNotes,
            &[("user_id", "userId"), ("cursor", "lastCursor")],
        ),
        (
            "/openapi/v1/contentcreator/xiaohongshu/app/get_user_notes",
            SpiderHubs,
            UserNotes,
            &[("user_id", "user_id"), ("cursor", "cursor")],
        ),
    ]
};

const V2: Names =
    &[("keyword", "keyword"), ("page", "page"), ("sort", "sort"), ("note_type", "noteType"), ("published", "noteTime")];
const V4: Names = &[
    ("keyword", "keyword"),
    ("page", "page"),
    ("sort", "sortType"),
    ("note_type", "noteType"),
    ("published", "timeFilter"),
];

const V2_TYPES: &[(&str, NoteTypeFilter)] = &[
    ("", NoteTypeFilter::All),
    ("_0", NoteTypeFilter::All),
    ("_1", NoteTypeFilter::Video),
    ("_2", NoteTypeFilter::Image),
];
const V4_TYPES: &[(&str, NoteTypeFilter)] = &[
    ("", NoteTypeFilter::All),
    ("ALL", NoteTypeFilter::All),
    ("VIDEO_NOTE", NoteTypeFilter::Video),
    ("NORMAL_NOTE", NoteTypeFilter::Image),
];
/// The first words are those that the newer version takes alone.
const TIMES: &[(&str, Published)] = &[
    ("ALL", Published::Any),
    ("", Published::Any),
    ("ONE_DAY", Published::Day),
    ("ONE_WEEK", Published::Week),
    ("HALF_YEAR", Published::HalfYear),
];

impl Request {
    /// Reads a request; none where no endpoint has the path.
    pub(super) fn read(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let (path, vendor, endpoint, names) = ROUTES.iter().find(|(path, ..)| *path == uri.path())?;
        let mut query: BTreeMap<String, String> =
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let key = match vendor {
            Vendor::JustOne => query.remove("token"),
            Vendor::SpiderHubs => bearer(headers),
        };
        let mut params: BTreeMap<&'static str, String> =
            names.iter().filter_map(|(ours, theirs)| Some((*ours, query.remove(*theirs)?))).collect();
        let unknown = query.into_keys().next();
        let mut asked = unknown.map_or_else(|| ask(*endpoint, path.ends_with("/v4"), &params), Err);
        if let Ok(Asked::Search { query, page }) = &mut asked {
            params.extend([
                ("page", page.to_string()),
                ("sort", query.sort.to_string()),
                ("note_type", query.note_type.to_string()),
                ("published", query.published.to_string()),
            ]);
        }
        if params.get("cursor").is_some_and(String::is_empty) {
            params.remove("cursor");
        }
        Some(Self { vendor: *vendor, path, endpoint: *endpoint, key, params, asked })
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

fn ask(endpoint: Endpoint, newer: bool, params: &BTreeMap<&'static str, String>) -> Result<Asked, String> {
    let text = |name: &str| params.get(name).cloned().unwrap_or_default();
    let needed = |name: &str| Some(text(name)).filter(|text| !text.trim().is_empty()).ok_or_else(|| name.to_owned());
    Ok(match endpoint {
        Endpoint::NoteDetail => Asked::Detail { note_id: id_in(&needed("note_id")?) },
        Endpoint::UserProfile => Asked::Profile { user_id: id_in(&needed("user_id")?) },
        Endpoint::UserNotes => Asked::UserNotes { user_id: id_in(&needed("user_id")?), cursor: text("cursor") },
        Endpoint::SearchNotes => {
            let sort = match &*text("sort") {
                "" => Sort::General,
                word => Sort::ALL.iter().copied().find(|sort| sort.as_str() == word).ok_or("sort")?,
            };
            let page = match &*text("page") {
                "" => 1,
                digits => digits.parse().ok().filter(|page| *page > 0).ok_or("page")?,
            };
            let note_type = word(if newer { V4_TYPES } else { V2_TYPES }, &text("note_type")).ok_or("note_type")?;
            let published = word(TIMES.get(usize::from(!newer)..).unwrap_or_default(), &text("published"));
            let published = published.ok_or("published")?;
            Asked::Search { query: Query { keyword: needed("keyword")?, sort, note_type, published }, page }
        }
    })
}

/// Reads an id from an id, or from the address of a note or a profile.
fn id_in(text: &str) -> String {
    let path = ["/explore/", "/user/profile/"].iter().find_map(|mark| Some(text.split_once(mark)?.1));
    let id = path.filter(|_| text.starts_with("http")).and_then(|path| path.split(['/', '?', '#']).next());
    id.unwrap_or(text).to_owned()
}

fn word<T: Copy>(words: &[(&str, T)], text: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> Request {
        Request::read(&uri.parse().unwrap(), &HeaderMap::new()).unwrap()
    }

    #[test]
    fn both_versions_of_a_search_ask_the_same() {
        let old = read(
            "/api/xiaohongshu/search-note/v2?token=k&keyword=%E9%98%B2&page=2&sort=time_descending&noteType=_1&noteTime=HALF_YEAR",
        );
        let new = read(
            "/api/xiaohongshu/search-note/v4?keyword=%E9%98%B2&page=2&sortType=time_descending&noteType=VIDEO_NOTE&timeFilter=HALF_YEAR",
        );
        assert_eq!((&old.asked, &old.params), (&new.asked, &new.params));
        let query = Query {
            keyword: "防".into(),
            sort: Sort::TimeDescending,
            note_type: NoteTypeFilter::Video,
            published: Published::HalfYear,
        };
        assert_eq!(old.asked, Ok(Asked::Search { query, page: 2 }));
        assert_eq!((old.key.as_deref(), new.key), (Some("k"), None));
    }

    #[test]
    fn defaults_are_filled_in_and_the_key_left_out() {
        let short = read("/api/xiaohongshu/search-note/v2?token=k&keyword=a");
        let long = read("/api/xiaohongshu/search-note/v2?keyword=a&page=1&sort=general&noteType=_0");
        assert_eq!(short.params, long.params);
        assert!(!format!("{:?}", short.params).contains("token"));
        let user = read("/openapi/v1/contentcreator/xiaohongshu/app/get_user_notes?user_id=u&cursor=");
        assert_eq!(user.params, BTreeMap::from([("user_id", "u".to_owned())]));
    }

    #[test]
    fn what_is_missing_or_odd_is_named() {
        let cases = [
            ("search-note/v2", "keyword"),
            ("search-note/v2?keyword=a&page=0", "page"),
            ("search-note/v2?keyword=a&page=x", "page"),
            ("search-note/v2?keyword=a&sort=best", "sort"),
            ("search-note/v2?keyword=a&noteType=VIDEO_NOTE", "note_type"),
            ("search-note/v4?keyword=a&noteType=_1", "note_type"),
            ("search-note/v4?keyword=a&sort=general", "sort"),
            ("search-note/v2?keyword=a&noteTime=ever", "published"),
            ("search-note/v2?keyword=a&noteTime=ALL", "published"),
            ("search-note/v2?keyword=a&noteTime=%E5%8D%8A%E5%B9%B4%E5%86%85", "published"),
            ("search-note/v4?keyword=a&timeFilter=%E5%8D%8A%E5%B9%B4%E5%86%85", "published"),
            ("get-note-detail/v1?noteId=", "note_id"),
            ("get-note-detail/v1?note_id=a", "note_id"),
            ("get-user/v3", "user_id"),
            ("get-user-note-list/v4?userId=a&cursor=b", "cursor"),
        ];
        for (rest, name) in cases {
            let request = read(&format!("/api/xiaohongshu/{rest}"));
            assert_eq!(request.asked, Err(name.to_owned()), "{rest}");
        }
        assert!(Request::read(&"/api/xiaohongshu/nothing".parse().unwrap(), &HeaderMap::new()).is_none());
    }
}
