//! What the crawl must know of an answer: the ids on it, and whether and where there is more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::description::CallVersion;
use crate::extract::fields::{self, pick, truth};
use crate::extract::{Facts, Item, ItemKind, Object, Unreadable, is_whole_note, items_at, unreported};
use crate::json::{Node, View};
use crate::model::{Call, Count, Endpoint, NoteId, NoteTypeFilter, UserId};

/// What an answer shows, as far as the crawl needs it. Kept with the answer, so that no body is read twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// JSON pointer to the items, the note list or the profile in the body.
    pub items_path: Option<String>,
    /// The notes on it, in order; one may stand there twice.
    pub notes: Vec<NoteRef>,
    /// How many elements are no notes: advertisements, suggestions.
    pub skipped: u32,
    /// How many elements could not be read.
    pub broken: u32,
    /// Whether it holds something, and nothing that is known: a new shape.
    #[serde(default)]
    pub unreadable: bool,
    /// Whether the vendor says that there is more; none where it says nothing.
    pub has_more: Option<bool>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

impl Page {
    /// Tells whether the answer shows nothing at all.
    pub fn is_empty(&self) -> bool {
        self.items_path.is_none() && !self.unreadable
    }
}

/// One note of a page, as far as the crawl needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteRef {
    /// Its place among the page's elements, from 0.
    pub position: u32,
    /// Its id.
    pub id: NoteId,
    /// Its author.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<UserId>,
    /// When it was published; from the id where the page does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_at: Option<Timestamp>,
    /// Its type; none if the page does not tell it, or tells neither of the two.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note_type: Option<NoteTypeFilter>,
    /// Whether it is pinned; none where the vendor does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sticky: Option<bool>,
    /// Its counts and its time of change.
    pub counts: ListedCounts,
}

/// What a listing tells of a note that changes with time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCounts {
    /// liked, collected, comments, shared; none where not told.
    pub counts: [Option<Count>; 4],
    /// When the note was last changed; 1970 where the listing says never, none where it says nothing.
    pub updated_at: Option<Timestamp>,
}

impl ListedCounts {
    /// Returns the values of the counts.
    pub fn values(&self) -> [Option<i64>; 4] {
        self.counts.map(|count| Some(count?.value))
    }

    /// Tells whether a later listing shows other counts or a newer time of change. What either does not tell is no
    /// difference, nor is another spelling of one number (`1.5万` after 15690).
    pub fn differs_from(&self, earlier: &Self) -> bool {
        let counts = self.counts.iter().zip(&earlier.counts);
        counts.into_iter().any(|(new, old)| matches!((new, old), (Some(new), Some(old)) if new.differs_from(*old)))
            || matches!((self.updated_at, earlier.updated_at), (Some(new), Some(old)) if new > old)
    }

    /// Returns these counts, with those of an earlier listing where these tell none or only a rounded spelling of them, and
    /// the later time of change.
    #[must_use]
    pub fn after(&self, earlier: &Self) -> Self {
        let mut merged = self.clone();
        for (own, old) in merged.counts.iter_mut().zip(earlier.counts) {
            *own = match (*own, old) {
                (Some(new), Some(old)) if !old.is_approximate() && new.rounds(old.value) => Some(old),
                (new, old) => new.or(old),
            };
        }
        merged.updated_at = merged.updated_at.max(earlier.updated_at);
        merged
    }
}

/// Reads the page that a successful body holds under `data_path`.
pub(super) fn read_page(version: &CallVersion, call: &Call, root: Node<'_>, data_path: &str, now: Timestamp) -> Page {
    let Some(data) = root.pointer(data_path) else { return Page::default() };
    let endpoint = call.endpoint();
    let has_more = first(&version.has_more, data).or_else(|| pick(data, &["has_more", "hasMore"])).and_then(truth);
    let Some(items_path) = find_items(version, endpoint, data, data_path) else {
        return Page { has_more, unreadable: is_new_shape(version, call, data), ..Page::default() };
    };
    let items = items_at(endpoint, root, &items_path);
    let cursor = next_cursor(version, data, items.last());
    let mut page = Page { cursor, has_more, items_path: Some(items_path), ..Page::default() };
    for item in items {
        match item.kind {
            ItemKind::Note { id, note, .. } => page.notes.push(note_ref(item.position, id, note, now)),
            ItemKind::Skipped(_) => page.skipped += 1,
            ItemKind::Broken(_) => page.broken += 1,
        }
    }
    if is_listing(endpoint) {
        let unreported = unreported(page.notes.iter().map(|note| (&note.id, note.counts.values())));
        for note in &mut page.notes {
            for (count, _) in note.counts.counts.iter_mut().zip(unreported).filter(|(_, unreported)| *unreported) {
                *count = None;
            }
        }
    }
    page
}

const fn is_listing(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::SearchNotes | Endpoint::UserNotes)
}

/// Takes the page view of a note. What cannot be read is reported by the build, which reads it again.
fn note_ref(position: u32, id: NoteId, note: Node<'_>, now: Timestamp) -> NoteRef {
    let unreadable = Unreadable::default();
    let note = Object::new(note, &unreadable);
    let facts = Facts::read(&note, now);
    NoteRef {
        position,
        author: facts.author_id,
        published_at: facts.published_at.or_else(|| id.created_at()),
        note_type: facts.note_type.as_deref().and_then(known_type),
        sticky: facts.is_sticky,
        counts: ListedCounts {
            counts: facts.counts,
            updated_at: facts.updated_at.or_else(|| note.tells(fields::UPDATED).then_some(Timestamp::UNIX_EPOCH)),
        },
        id,
    }
}

fn known_type(word: &str) -> Option<NoteTypeFilter> {
    [NoteTypeFilter::Video, NoteTypeFilter::Image].into_iter().find(|known| known.as_str() == word)
}

/// Where vendors put lists of notes, for descriptions that time has passed by.
const NAMES: &[&str] = &[
    "/items",
    "/notes",
    "/note_list",
    "/noteList",
    "/0/note_list",
    "/note",
    "/list",
    "/feeds",
    "/0/items",
    "/data/items",
    "/data/notes",
];

/// Finds the items: where the description says, else under the names that vendors use, else any list of whole notes.
///
/// A place that is there and holds nothing is an answer, too: what stands beside it is not looked through.
fn find_items(version: &CallVersion, endpoint: Endpoint, data: Node<'_>, data_path: &str) -> Option<String> {
    let mut places = places(version, endpoint, data).peekable();
    if places.peek().is_none() && endpoint != Endpoint::UserProfile {
        return any_list_of_notes(data, data_path, 3);
    }
    let is_shown = |node: Node<'_>| {
        if endpoint == Endpoint::UserProfile { node.is_object() && fields::shows_profile(node) } else { is_full(node) }
    };
    places.find(|pointer| data.pointer(pointer).is_some_and(is_shown)).map(|pointer| format!("{data_path}{pointer}"))
}

/// Lists the known places of items that are there, full or not: the described ones first.
fn places<'a>(version: &'a CallVersion, endpoint: Endpoint, data: Node<'a>) -> impl Iterator<Item = &'a str> {
    let named = NAMES.iter().copied().filter(move |_| endpoint != Endpoint::UserProfile);
    let all = version.items.iter().map(String::as_str).chain(named);
    all.filter(move |pointer| data.pointer(pointer).is_some())
}

/// Tells a shape that nobody knows from an answer that says "nothing". The last page of a list may leave its items out.
fn is_new_shape(version: &CallVersion, call: &Call, data: Node<'_>) -> bool {
    let later_page = match call {
        Call::SearchNotes { page, .. } | Call::UserNotes { page, .. } => *page > 1,
        Call::NoteDetail { .. } | Call::UserProfile { .. } => false,
    };
    if is_text_for_items(version, data) || (is_listing(call.endpoint()) && is_error_for_items(version, call, data)) {
        return true;
    }
    if call.endpoint() == Endpoint::UserProfile {
        return holds_words(data, 3);
    }
    // The whole of the data is a place that is always there.
    let is_known = places(version, call.endpoint(), data).any(|pointer| !pointer.is_empty());
    let holds = if is_listing(call.endpoint()) { holds_objects(data, 3) } else { holds_anything(data) };
    !later_page && !is_known && holds
}

/// Tells whether a text stands in the place of the data or of its items: an error message, or JSON in text. On no page
/// does that say "nothing".
fn is_text_for_items(version: &CallVersion, data: Node<'_>) -> bool {
    let text = |pointer: &str| data.pointer(pointer).and_then(Node::as_str).map(str::trim);
    let says_nothing = |text: &str| matches!(text, "" | "[]" | "{}" | "null");
    let is_told = |pointer: &String| text(pointer).is_some_and(|text| !says_nothing(text));
    // Under the other names may stand a word about the page.
    let is_json =
        |pointer: &&str| text(pointer).is_some_and(|text| !says_nothing(text) && text.starts_with(['[', '{']));
    text("").is_some_and(|text| !text.is_empty()) || version.items.iter().any(is_told) || NAMES.iter().any(is_json)
}

/// Returns true if a number, a flag or an object with an error stands in the place of a listing.
fn is_error_for_items(version: &CallVersion, call: &Call, data: Node<'_>) -> bool {
    const ERRORS: &[&str] =
        &["error", "err", "errmsg", "err_msg", "errMsg", "error_msg", "errorMsg", "error_message", "errorMessage"];
    match data.view() {
        View::Number(_) | View::Bool(_) => true,
        View::Object(_) => {
            places(version, call.endpoint(), data).next().is_none()
                && pick(data, ERRORS).is_some_and(|error| holds_words(error, 2))
        }
        _ => false,
    }
}

/// Returns true if there is text somewhere, besides ids and what an envelope says.
fn holds_words(value: Node<'_>, depth: usize) -> bool {
    const SAY_NOTHING: &[&str] = &["result", "message", "msg", "code"];
    match value.view() {
        View::Text(text) => !text.trim().is_empty(),
        View::Array(mut elements) => depth > 0 && elements.any(|element| holds_words(element, depth - 1)),
        View::Object(mut inside) => {
            let says = |name: &str| !SAY_NOTHING.contains(&name) && !fields::USER_ID.contains(&name);
            depth > 0 && inside.any(|(name, value)| says(name) && holds_words(value, depth - 1))
        }
        _ => false,
    }
}

/// Tells whether there is a list of objects somewhere.
fn holds_objects(value: Node<'_>, depth: usize) -> bool {
    match value.view() {
        View::Array(mut elements) => elements.any(|element| element.fields().len() > 0),
        View::Object(mut fields) => depth > 0 && fields.any(|(_, value)| holds_objects(value, depth - 1)),
        _ => false,
    }
}

/// Tells whether there is anything at all.
fn holds_anything(value: Node<'_>) -> bool {
    match value.view() {
        View::Array(mut elements) => elements.any(holds_anything),
        View::Object(fields) => fields.len() > 0,
        View::Text(text) => !text.trim().is_empty(),
        View::Null => false,
        View::Bool(_) | View::Number(_) => true,
    }
}

fn is_full(value: Node<'_>) -> bool {
    match value.view() {
        View::Array(elements) => elements.len() > 0,
        View::Object(fields) => fields.len() > 0,
        _ => false,
    }
}

fn has_note(value: Node<'_>) -> bool {
    match value.view() {
        View::Array(mut elements) => elements.any(is_whole_note),
        _ => is_whole_note(value),
    }
}

/// Longer names are no names of fields, and stand before every path below them.
const LONGEST_NAME: usize = 64;

fn any_list_of_notes(value: Node<'_>, path: &str, depth: usize) -> Option<String> {
    if has_note(value) {
        return Some(path.to_owned());
    }
    if depth == 0 {
        return None;
    }
    match value.view() {
        View::Object(fields) => fields.filter(|(name, _)| name.len() <= LONGEST_NAME).find_map(|(name, value)| {
            any_list_of_notes(value, &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), depth - 1)
        }),
        View::Array(elements) => {
            let mut first = elements.take(3).enumerate();
            first.find_map(|(at, value)| any_list_of_notes(value, &format!("{path}/{at}"), depth - 1))
        }
        _ => None,
    }
}

fn first<'a>(pointers: &[String], value: Node<'a>) -> Option<Node<'a>> {
    pointers.iter().filter_map(|pointer| value.pointer(pointer)).find(|value| !value.is_null())
}

/// Finds the next cursor: the page's, else the last note's. Cursors are text, numbers, or JSON of any kind.
fn next_cursor(version: &CallVersion, data: Node<'_>, last: Option<&Item<'_>>) -> Option<String> {
    let of_page = first(&version.page_cursor, data).and_then(cursor_text);
    of_page.or_else(|| match &last?.kind {
        ItemKind::Note { note, .. } => first(&version.note_cursor, *note).and_then(cursor_text),
        _ => None,
    })
}

fn cursor_text(value: Node<'_>) -> Option<String> {
    let text = match value.view() {
        View::Text(text) => text.to_owned(),
        View::Number(number) => number.to_string(),
        View::Object(_) | View::Array(_) => value.to_string(),
        View::Null | View::Bool(_) => return None,
    };
    (!text.trim().is_empty() && text.len() <= 4096).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::tape_of;
    use crate::vendor::builtin;

    fn page(vendor: &str, endpoint: Endpoint, data: &Value) -> Page {
        let description = builtin(vendor).unwrap();
        let id = UserId::parse("u1").unwrap();
        let call = match endpoint {
            Endpoint::UserNotes => Call::UserNotes { user_id: id, via: None, cursor: None, page: 1 },
            Endpoint::UserProfile => Call::UserProfile { user_id: id },
            _ => Call::NoteDetail { note_id: NoteId::parse("n1").unwrap() },
        };
        let root = json!({"data": data});
        let version = description.call(endpoint, None).or_else(|| description.call(Endpoint::UserNotes, None)).unwrap();
        read_page(version, &call, tape_of(&root).root(), "/data", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_profile_that_shows_nothing_of_the_user_is_empty() {
        for data in [
            json!({"result": {"success": true, "code": 0, "message": "成功"}}),
            json!({"tags": []}),
            json!({"userid": "u1"}),
            json!({"userid": null, "nickname": " ", "fans": 0, "gender": 0}),
            json!({"list": [], "user": null, "note": {}}),
            json!({"a": 1}),
            json!({"basic_info": {"nickname": "", "desc": ""}}),
        ] {
            assert!(page("justoneapi", Endpoint::UserProfile, &data).is_empty(), "{data}");
        }
        for data in [
            json!({"nickname": "n"}),
            json!({"userid": "u1", "red_id": "9"}),
            json!({"basic_info": {"nickname": "n"}}),
            json!({"fans": "1.2万"}),
        ] {
            assert!(page("justoneapi", Endpoint::UserProfile, &data).items_path.is_some(), "{data}");
        }
        assert!(page("justoneapi", Endpoint::UserProfile, &json!({"display": {"name_v2": "n"}})).unreadable);
    }

    #[test]
    fn an_error_in_the_place_of_a_listing_is_unreadable() {
        for data in [json!(5), json!(true), json!({"error": "quota exceeded"}), json!({"err": {"text": "x"}})] {
            assert!(page("justoneapi", Endpoint::UserNotes, &data).unreadable, "{data}");
        }
        for data in
            [json!({"has_more": false, "cursor": "c"}), json!({"notes": [], "error": "x"}), json!({"error": ""})]
        {
            assert!(!page("justoneapi", Endpoint::UserNotes, &data).unreadable, "{data}");
        }
    }

    #[test]
    fn nothing_is_empty_in_every_spelling() {
        for data in [
            json!(null),
            json!([]),
            json!({}),
            json!(""),
            json!({"notes": []}),
            json!({"notes": null, "has_more": false}),
        ] {
            assert!(page("justoneapi", Endpoint::UserNotes, &data).is_empty(), "{data}");
        }
        for data in [
            json!(null),
            json!([]),
            json!({}),
            json!([{"note_list": []}]),
            json!([{"note_list": null, "user": {"id": "u"}}]),
        ] {
            assert!(page("justoneapi", Endpoint::NoteDetail, &data).is_empty(), "{data}");
        }
    }

    #[test]
    fn the_cursor_is_the_pages_or_the_last_notes() {
        let notes = json!([{"id": "n1", "title": "a", "cursor": "c1"}, {"id": "n2", "title": "b", "cursor": 7_562_924_715_011_712_001_i64}]);
        let read =
            page("spiderhubs", Endpoint::UserNotes, &json!({"notes": notes, "cursor": {"a": 1}, "has_more": "true"}));
        assert_eq!((read.cursor.as_deref(), read.has_more), (Some("{\"a\":1}"), Some(true)));
        let read = page("spiderhubs", Endpoint::UserNotes, &json!({"notes": notes, "cursor": "", "has_more": 1}));
        assert_eq!((read.cursor.as_deref(), read.has_more), (Some("7562924715011712001"), Some(true)));
        let read = page("justoneapi", Endpoint::UserNotes, &json!({"notes": notes}));
        assert_eq!((read.cursor.as_deref(), read.has_more), (Some("7562924715011712001"), None));
    }

    #[test]
    fn items_are_found_where_the_description_does_not_say() {
        let note = json!({"id": "n1", "display_title": "t"});
        for data in
            [json!({"cards": [{"note_card": note}]}), json!([note]), json!({"result": {"feed": [note]}}), note.clone()]
        {
            assert_eq!(page("justoneapi", Endpoint::NoteDetail, &data).notes.len(), 1, "{data}");
        }
    }

    #[test]
    fn what_stands_under_a_very_long_name_is_not_looked_through() {
        let note = json!({"id": "n1", "display_title": "t"});
        for (length, expected) in [(64, 1), (65, 0)] {
            let data = json!({ "k".repeat(length): [note] });
            assert_eq!(page("justoneapi", Endpoint::NoteDetail, &data).notes.len(), expected);
        }
    }

    #[test]
    fn beside_an_empty_list_nothing_is_a_note() {
        let user = json!({"id": "u1", "desc": "d", "title": "t", "user": {}});
        for data in [
            json!({"items": [], "rec_query": {"queries": [user]}}),
            json!({"notes": null, "users": [user]}),
            json!([{"note_list": [], "user": user, "comment_list": [user]}]),
        ] {
            assert!(page("justoneapi", Endpoint::NoteDetail, &data).is_empty(), "{data}");
            assert!(page("justoneapi", Endpoint::UserNotes, &data).is_empty(), "{data}");
        }
    }

    #[test]
    fn a_new_shape_is_not_nothing() {
        let user = json!({"id": "u1", "desc": "d", "title": "t", "user": {}});
        for data in
            [json!({"users": [user]}), json!([user]), json!([{"noteDetailV9": {"headline": "t"}}]), json!("gone?")]
        {
            let read = page("justoneapi", Endpoint::NoteDetail, &data);
            assert!(read.unreadable && read.notes.is_empty() && !read.is_empty(), "{data}");
        }
        let read = page("justoneapi", Endpoint::UserNotes, &json!({"cards": [{"headline": "t"}]}));
        assert!(read.unreadable);
        assert!(
            page("justoneapi", Endpoint::UserNotes, &json!({"tags": [], "has_more": false, "user": {"a": 1}}))
                .is_empty()
        );
    }

    #[test]
    fn a_text_in_the_place_of_data_is_never_nothing() {
        let of_page = |number: u32, data: &Value| {
            let description = builtin("spiderhubs").unwrap();
            let version = description.call(Endpoint::UserNotes, None).unwrap();
            let user_id = UserId::parse("u1").unwrap();
            let call = Call::UserNotes { user_id, via: None, cursor: None, page: number };
            read_page(version, &call, tape_of(&json!({"data": data})).root(), "/data", Timestamp::UNIX_EPOCH)
        };
        for data in [
            json!("系统繁忙，请稍后再试"),
            json!("{\"notes\":[{\"id\":\"n1\",\"title\":\"t\"}]}"),
            json!("[]"),
            json!({"notes": "[{\"id\":\"n1\"}]", "has_more": false}),
            json!({"note_list": "error"}),
            json!({"items": "[{\"id\":\"n1\"}]"}),
        ] {
            for number in [1, 2] {
                let read = of_page(number, &data);
                assert!(read.unreadable && read.notes.is_empty() && !read.is_empty(), "page {number}: {data}");
            }
        }
        for data in [
            json!(" "),
            json!({"notes": [], "note": "no more"}),
            json!({"notes": "", "has_more": false}),
            json!({"notes": "[]"}),
        ] {
            for number in [1, 2] {
                assert!(of_page(number, &data).is_empty(), "page {number}: {data}");
            }
        }
        let both = json!({"note_list": "", "notes": [{"id": "n1", "title": "t"}]});
        assert_eq!(of_page(1, &both).notes.len(), 1);
    }

    #[test]
    fn a_zero_on_every_note_of_a_page_is_not_reported() {
        let note = |id: &str, likes: i64| json!({"id": id, "title": "t", "likes": likes, "collected_count": 0, "interact_info": {"share_count": "0"}});
        let data = json!({"notes": [note("n1", 3), note("n2", 0)]});
        let listed = page("spiderhubs", Endpoint::UserNotes, &data);
        let counts: Vec<_> = listed.notes.iter().map(|note| note.counts.values()).collect();
        assert_eq!(counts, [[Some(3), None, None, None], [Some(0), None, None, None]]);
        let detail = page("justoneapi", Endpoint::NoteDetail, &data);
        assert_eq!(detail.notes[0].counts.values(), [Some(3), Some(0), None, Some(0)]);
    }

    #[test]
    fn a_listing_differs_only_in_what_both_tell() {
        let counts = |liked: Option<i64>, comments: Option<i64>, second: Option<i64>| ListedCounts {
            counts: [liked.map(Count::exact), None, comments.map(Count::exact), None],
            updated_at: second.map(|second| Timestamp::from_second(second).unwrap()),
        };
        let old = counts(Some(5), None, Some(100));
        assert!(!counts(Some(5), Some(1), None).differs_from(&old));
        assert!(counts(Some(6), None, None).differs_from(&old));
        assert!(counts(None, None, Some(101)).differs_from(&old));
        assert!(!counts(None, None, Some(99)).differs_from(&old));
        assert_eq!(counts(None, Some(1), Some(99)).after(&old), counts(Some(5), Some(1), Some(100)));
        let rounded =
            |value| ListedCounts { counts: [Some(Count { value, unit: 1000 }), None, None, None], updated_at: None };
        let old = counts(Some(15_690), None, None);
        assert!(!rounded(15_000).differs_from(&old) && rounded(17_000).differs_from(&old));
        assert_eq!((rounded(15_000).after(&old), rounded(17_000).after(&old)), (old.clone(), rounded(17_000)));
        // As earlier versions kept them.
        let kept = r#"{"counts":[15690,null,null,null],"updated_at":null}"#;
        assert_eq!(serde_json::from_str::<ListedCounts>(kept).unwrap(), old);
        assert_eq!(serde_json::to_string(&old).unwrap(), kept);
    }
}
