//! From a call to what goes on the wire, less the key.

use super::description::CallVersion;
use crate::model::Call;

/// A request without a key: a path and its query, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path under the vendor's base URL.
    pub path: String,
    /// The query's names and values, not yet encoded.
    pub query: Vec<(String, String)>,
}

/// Words a call as a version of a vendor's endpoint wants it.
pub fn request(version: &CallVersion, call: &Call) -> Request {
    let mut query: Vec<(String, String)> =
        version.fixed.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut add = |name: &str, value: &str| {
        let Some(theirs) = version.params.get(name) else { return };
        let words = version.values.get(name);
        match words.and_then(|words| words.get(value)) {
            Some(word) => query.push((theirs.clone(), word.clone())),
            // No filter at all is the vendor's default.
            None if matches!(value, "any" | "all") && name != "keyword" => {}
            None => query.push((theirs.clone(), value.to_owned())),
        }
    };
    match call {
        Call::SearchNotes { query: search, page } => {
            add("keyword", &search.keyword);
            add("page", &page.to_string());
            add("sort", search.sort.as_str());
            add("note_type", search.note_type.as_str());
            add("published", search.published.as_str());
        }
        Call::NoteDetail { note_id } => add("note_id", note_id.as_str()),
        Call::UserProfile { user_id } => add("user_id", user_id.as_str()),
        Call::UserNotes { user_id, cursor, page, .. } => {
            add("user_id", user_id.as_str());
            if let Some(cursor) = cursor {
                add("cursor", cursor);
            }
            add("page", &page.to_string());
        }
    }
    Request { path: version.path.clone(), query }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, NoteTypeFilter, Published, Query, Sort, UserId};
    use crate::vendor::builtin;

    fn words(vendor: &str, version: Option<&str>, call: &Call) -> String {
        let description = builtin(vendor).unwrap();
        let request = request(description.call(call.endpoint(), version).unwrap(), call);
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}?{}", request.path, query.join("&"))
    }

    #[test]
    fn each_call_is_worded_as_its_page_says() {
        let query = Query {
            keyword: "all".into(),
            sort: Sort::TimeDescending,
            note_type: NoteTypeFilter::Video,
            published: Published::HalfYear,
        };
        let filtered = Call::SearchNotes { query: query.clone(), page: 2 };
        let plain = Call::SearchNotes {
            query: Query { sort: Sort::General, note_type: NoteTypeFilter::All, published: Published::Any, ..query },
            page: 1,
        };
        let user_id = UserId::parse("u1").unwrap();
        let page = |cursor: Option<&str>| Call::UserNotes {
            user_id: user_id.clone(),
            via: None,
            cursor: cursor.map(str::to_owned),
            page: 1,
        };
        let lines = [
            words("justoneapi", None, &filtered),
            words("justoneapi", None, &plain),
            words("justoneapi", Some("v4"), &filtered),
            words("justoneapi", Some("v4"), &plain),
            words("justoneapi", None, &page(Some("c=1"))),
            words("spiderhubs", None, &page(None)),
            words("justoneapi", None, &Call::UserProfile { user_id: user_id.clone() }),
            words("justoneapi", Some("v4"), &Call::UserProfile { user_id: user_id.clone() }),
            words("justoneapi", Some("v6"), &Call::NoteDetail { note_id: crate::model::NoteId::parse("n1").unwrap() }),
        ];
        assert_eq!(
            lines,
            [
                "/api/xiaohongshu/search-note/v2?keyword=all&page=2&sort=time_descending&noteType=_1&noteTime=HALF_YEAR",
                "/api/xiaohongshu/search-note/v2?keyword=all&page=1&sort=general&noteType=_0",
                "/api/xiaohongshu/search-note/v4?keyword=all&page=2&sortType=time_descending&noteType=VIDEO_NOTE&timeFilter=HALF_YEAR",
                "/api/xiaohongshu/search-note/v4?keyword=all&page=1&sortType=general&noteType=ALL&timeFilter=ALL",
                "/api/xiaohongshu/get-user-note-list/v4?userId=u1&lastCursor=c=1",
                "/openapi/v1/contentcreator/xiaohongshu/app/get_user_notes?user_id=u1",
                "/api/xiaohongshu/get-user/v3?userId=u1",
                "/api/xiaohongshu/get-user/v4?userId=u1",
                "/api/xiaohongshu/get-note-detail/v6?noteId=n1",
            ]
        );
        assert_eq!(Endpoint::parse("user_notes"), Some(Endpoint::UserNotes));
    }
}
