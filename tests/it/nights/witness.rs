//! A second sandbox of the same seed, asked on its own: what a vendor showed on a day, read without the tool's readers.

use std::collections::BTreeMap;
use std::rc::Rc;

use notemill::model::Endpoint;
use notemill::sandbox::universe::{Counts, Note, Universe};
use notemill::sandbox::{Entry, Sandbox};
use serde_json::Value;

use crate::support::options;

/// One thing to ask, in the words of the vendor's ledger.
pub(super) type Ask = (Endpoint, BTreeMap<String, String>);

pub(super) fn ask<const N: usize>(endpoint: Endpoint, params: [(&str, &str); N]) -> Ask {
    (endpoint, params.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

pub(super) fn ask_of(entry: &Entry) -> Ask {
    (entry.endpoint, entry.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// What an answer shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The notes with their places among all elements.
    pub(super) notes: Vec<(i64, ShownNote)>,
    /// Whether there is nothing at all on the page, neither notes nor anything else.
    pub(super) is_empty: bool,
    /// Whether a code states that the note or the user is not there.
    pub(super) is_gone: bool,
    pub(super) has_more: Option<bool>,
    /// Fans, follows, liked, collected, interactions, notes.
    pub(super) profile: Option<[i64; 6]>,
}

/// A note as one answer words it.
#[derive(Clone, Debug)]
pub(super) struct ShownNote {
    pub(super) id: String,
    pub(super) author: String,
    pub(super) published: i64,
    /// When it was last changed; none where the answer says never.
    pub(super) updated: Option<i64>,
    pub(super) sticky: Option<bool>,
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) counts: [i64; 4],
    /// What the last digit of each stands for; 0 where it is a lower bound.
    pub(super) units: [i64; 4],
    pub(super) is_rounded: bool,
}

pub(super) struct Witness {
    sandbox: Sandbox,
    client: reqwest::Client,
    day: u32,
    known: BTreeMap<(u32, Ask), Rc<Shown>>,
}

impl Witness {
    pub(super) async fn new(words: &[&str]) -> Self {
        let sandbox = notemill::sandbox::start(options(words)).await.unwrap();
        Self { sandbox, client: reqwest::Client::new(), day: 0, known: BTreeMap::new() }
    }

    pub(super) fn universe(&self) -> std::sync::Arc<Universe> {
        self.sandbox.universe()
    }

    /// What an answer shows on a day; it is checked against the universe's own facts of that day.
    pub(super) async fn shown(&mut self, day: u32, ask: &Ask) -> Rc<Shown> {
        if let Some(shown) = self.known.get(&(day, ask.clone())) {
            return Rc::clone(shown);
        }
        if self.day != day {
            self.sandbox.set_day(day);
            self.day = day;
        }
        let body = self.client.get(self.address(ask)).send().await.unwrap().bytes().await.unwrap();
        let mut body = serde_json::from_slice::<Value>(&body).unwrap();
        let data = body["data"].take();
        let is_gone = [404, 201].iter().any(|code| body["code"] == *code) || data["code"] == -510_000;
        let shown = Rc::new(Shown { is_gone, ..read(ask, &data) });
        let universe = self.sandbox.universe();
        if ask.0 == Endpoint::NoteDetail {
            let is_there = universe.note(&ask.1["note_id"]).is_some_and(|note| !note.is_gone);
            assert_eq!((is_there, is_gone), (!is_gone, is_gone && shown.notes.is_empty()), "{ask:?}");
        }
        for (_, note) in &shown.notes {
            agree(note, &universe.note(&note.id).unwrap(), &universe);
        }
        self.known.insert((day, ask.clone()), Rc::clone(&shown));
        shown
    }

    fn address(&self, (endpoint, params): &Ask) -> url::Url {
        let (path, names): (_, &[_]) = match endpoint {
            Endpoint::SearchNotes => ("search-note/v2", &[("keyword", "keyword"), ("page", "page"), ("sort", "sort")]),
            Endpoint::NoteDetail => ("get-note-detail/v1", &[("note_id", "noteId")]),
            Endpoint::UserProfile => ("get-user/v3", &[("user_id", "userId")]),
            Endpoint::UserNotes => ("get-user-note-list/v4", &[("user_id", "userId"), ("cursor", "lastCursor")]),
        };
        let mut url: url::Url = format!("{}/api/xiaohongshu/{path}?token=k", self.sandbox.base_url()).parse().unwrap();
        for (name, theirs) in names {
            if let Some(value) = params.get(*name) {
                url.query_pairs_mut().append_pair(theirs, value);
            }
        }
        match params.get("published").map(String::as_str) {
            Some("week") => _ = url.query_pairs_mut().append_pair("noteTime", "ONE_WEEK"),
            other => assert!(other.is_none_or(|word| word == "any")),
        }
        url
    }
}

fn read((endpoint, _): &Ask, data: &Value) -> Shown {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let elements = match endpoint {
        Endpoint::SearchNotes => list(&data["items"]),
        Endpoint::NoteDetail => list(&data[0]["note_list"]),
        Endpoint::UserNotes => list(&data["notes"]),
        Endpoint::UserProfile => {
            return Shown { profile: data["nickname"].is_string().then(|| profile(data)), ..Shown::default() };
        }
    };
    let notes = (0..).zip(&elements).filter_map(|(place, element)| {
        let is_note = element["model_type"].as_str().is_none_or(|word| word == "note");
        let note = element.get("note").unwrap_or(element);
        (is_note && note["id"].is_string()).then(|| (place, shown_note(note)))
    });
    let has_more = match &data["has_more"] {
        Value::Bool(more) => Some(*more),
        Value::Number(more) => Some(more.as_i64() == Some(1)),
        Value::String(more) => Some(more == "true"),
        _ => None,
    };
    Shown { notes: notes.collect(), is_empty: elements.is_empty(), has_more, ..Shown::default() }
}

fn shown_note(note: &Value) -> ShownNote {
    let first = |names: &[&str]| names.iter().map(|name| note[*name].clone()).find(|value| !value.is_null()).unwrap();
    let counts =
        [["liked_count", "likes"], ["collected_count", "_"], ["comments_count", "_"], ["shared_count", "share_count"]]
            .map(|names| count(&first(&names)));
    let updated = first(&["update_time", "last_update_time"]).as_i64().unwrap() / 1000;
    ShownNote {
        id: note["id"].as_str().unwrap().to_owned(),
        author: note["user"]["userid"].as_str().unwrap().to_owned(),
        published: first(&["timestamp", "create_time", "time"]).as_i64().unwrap(),
        updated: (updated > 0).then_some(updated),
        sticky: note["sticky"].as_bool(),
        title: note["title"].as_str().filter(|title| !title.is_empty()).map(str::to_owned),
        text: note["desc"].as_str().unwrap().to_owned(),
        counts: counts.map(|(count, _)| count),
        units: counts.map(|(_, unit)| unit),
        is_rounded: counts.iter().any(|(_, unit)| *unit != 1),
    }
}

fn profile(data: &Value) -> [i64; 6] {
    let interaction = |kind: &str| {
        let all = data["interactions"].as_array().unwrap();
        count(&all.iter().find(|one| one["type"] == kind).unwrap()["count"]).0
    };
    let top = |name: &str, kind: &str| data.get(name).map_or_else(|| interaction(kind), |value| count(value).0);
    [
        top("fans", "fans"),
        top("follows", "follows"),
        count(&data["liked"]).0,
        count(&data["collected"]).0,
        interaction("interaction"),
        count(&data["ndiscovery"]).0,
    ]
}

/// Reads a count, and whether it is rounded: `1.2万`, `3千+`, `90+`.
fn count(value: &Value) -> (i64, i64) {
    let Some(text) = value.as_str() else { return (value.as_i64().unwrap(), 1) };
    let bare = text.trim_end_matches('+');
    let unit = if bare.ends_with('万') {
        10_000.0
    } else if bare.ends_with('千') {
        1000.0
    } else {
        1.0
    };
    let digits = bare.trim_end_matches(['万', '千']);
    let number: f64 = digits.parse().unwrap();
    let written = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let last = if bare == text { (unit / 10_f64.powi(written)) as i64 } else { 0 };
    ((number * unit).round() as i64, last)
}

/// Checks what is shown against the fact: equal, or rounded down.
fn agree(shown: &ShownNote, fact: &Note, universe: &Universe) {
    let Counts { liked, collected, comments, shared } = fact.counts;
    for (shown, exact) in shown.counts.iter().zip([liked, collected, comments, shared].map(|exact| exact as i64)) {
        assert!(*shown == exact || (*shown < exact && *shown * 2 > exact), "{fact:?}: {shown}");
    }
    assert!(shown.is_rounded || shown.counts.map(i64::unsigned_abs) == [liked, collected, comments, shared]);
    assert_eq!((&shown.author, shown.published), (&universe.user_ids()[fact.author as usize], fact.published));
    assert!(fact.text.starts_with(&shown.text) && shown.title.as_ref().is_none_or(|title| *title == fact.title));
}
