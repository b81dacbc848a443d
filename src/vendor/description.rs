//! The description of a vendor: a TOML file with just enough words to ask it and to read its answers.

mod problems;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{Endpoint, Money, Outcome, Problem, parse_duration, reader_problem};

/// Describes a vendor: where it is, how the key travels, what its codes mean, how each call is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The name that job files use.
    pub name: String,
    /// The name that people use.
    #[serde(default)]
    pub title: Option<String>,
    /// Base URLs by region; the first by name is the default unless one is called `global`.
    pub base_urls: BTreeMap<String, String>,
    /// How the key travels.
    pub key: KeyPlace,
    /// Pace and patience.
    #[serde(default)]
    pub limits: Limits,
    /// Where code, message and data stand, and what the codes mean.
    pub envelope: Envelope,
    /// Prices by endpoint, in the vendor's unit.
    #[serde(default)]
    pub price: BTreeMap<Endpoint, f64>,
    /// The calls that the vendor serves, by endpoint.
    pub calls: BTreeMap<Endpoint, CallVersions>,
}

/// Says how the key travels: in a query parameter or in a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPlace {
    /// The environment variable that holds the key, unless the job names another.
    pub env: String,
    /// The query parameter that carries the key.
    #[serde(default)]
    pub query: Option<String>,
    /// The header that carries the key.
    #[serde(default)]
    pub header: Option<String>,
    /// What stands before the key in the header.
    #[serde(default)]
    pub prefix: String,
}

/// Says how fast the vendor may be asked and how long it may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long one call may take in all.
    pub timeout: String,
    /// Calls in flight at once.
    pub concurrency: u32,
    /// Calls a minute; 0 is no limit.
    pub requests_per_minute: u32,
    /// About how many notes one query can show; 0 where not known.
    pub result_cap: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: "60s".into(), concurrency: 32, requests_per_minute: 0, result_cap: 0 }
    }
}

impl Limits {
    /// Returns the timeout; descriptions are validated, so the fallback is never used.
    pub fn timeout(&self) -> Duration {
        parse_duration(&self.timeout).unwrap_or(Duration::from_mins(1))
    }
}

/// A business code: vendors write it as a number or as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Code {
    /// Written as a number.
    Number(i64),
    /// Written as text.
    Text(String),
}

impl Code {
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Number(number) => number.to_string() == text,
            Self::Text(own) => own == text,
        }
    }
}

/// Lists codes by the outcome that they mean.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Outcomes(BTreeMap<Outcome, Vec<Code>>);

impl Outcomes {
    /// Finds what a code means.
    pub fn get(&self, code: &str) -> Option<Outcome> {
        self.0.iter().find(|(_, codes)| codes.iter().any(|own| own.is(code))).map(|(outcome, _)| *outcome)
    }
}

/// One JSON pointer or a list of them; the first place that holds something counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Places(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a JSON pointer, or a list of them")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Places {
    fn from(places: OneOrMany) -> Self {
        match places {
            OneOrMany::One(place) => Self(vec![place]),
            OneOrMany::Many(places) => Self(places),
        }
    }
}

impl Places {
    /// Lists the pointers in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns true if no place is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Says where code, message and data stand (JSON pointers), and what the codes mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Where the code stands: one place, or several such as `["/code", "/detail/code"]`; without it the HTTP status is
    /// the code.
    #[serde(default)]
    pub code: Places,
    /// Where the vendor's message stands: one place, or several.
    #[serde(default)]
    pub message: Places,
    /// Where the data stands; the empty pointer is the whole body.
    pub data: String,
    /// Whether codes that no list names mean what HTTP says.
    #[serde(default)]
    pub http_codes: bool,
    /// Codes that are charged for; where none is named, those that mean `ok`.
    #[serde(default)]
    pub billed: Vec<Code>,
    /// Codes that say that this version of a call is not served any more. An HTTP status of 404, 405 or 410 without
    /// a code says so, too.
    #[serde(default)]
    pub retired: Vec<Code>,
    /// What the codes mean.
    #[serde(default)]
    pub outcomes: Outcomes,
    /// A second envelope inside the data, where there is one.
    #[serde(default)]
    pub inner: Option<InnerEnvelope>,
}

impl Envelope {
    /// Tells whether a code is charged for.
    pub fn is_billed(&self, code: &str) -> bool {
        self.billed.iter().any(|own| own.is(code))
    }

    /// Returns true if a code says that a version of a call is not served any more.
    pub fn is_retired(&self, code: &str) -> bool {
        self.retired.iter().any(|own| own.is(code))
    }
}

/// A second envelope inside the data: pointers count from the data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerEnvelope {
    /// Where the inner code stands: one place, or several.
    pub code: Places,
    /// Where the inner message stands: one place, or several. `/msg` and `/message` if not named.
    #[serde(default = "inner_message")]
    pub message: Places,
    /// Where the inner data stands.
    pub data: String,
    /// What the inner codes mean; others are passing failures.
    #[serde(default)]
    pub outcomes: Outcomes,
}

fn inner_message() -> Places {
    Places(vec!["/msg".into(), "/message".into()])
}

/// The described versions of one call.
#[derive(Clone, Debug, Deserialize)]
pub struct CallVersions {
    /// The version used unless the job names another.
    pub default: String,
    /// Versions to try in this order if the default is not served any more, or fails a call without billing it. They are
    /// not used if the job names a version.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// The versions by name.
    #[serde(flatten)]
    pub versions: BTreeMap<String, CallVersion>,
}

/// Says how one version of a call is made and where its answer holds what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallVersion {
    /// The path under the base URL.
    pub path: String,
    /// The vendor's names of our parameters: `keyword`, `page`, `sort`, `note_type`, `published`, `note_id`, `user_id`, `cursor`.
    pub params: BTreeMap<String, String>,
    /// The vendor's words for our values, by parameter; a word that is not listed goes as it is, except `any` and `all`, which are left out.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// Parameters sent with every call.
    #[serde(default)]
    pub fixed: BTreeMap<String, String>,
    /// The only type of note that the version shows, `video` or `image`; for `note_detail` alone. For a note of another
    /// type its answer is empty.
    #[serde(default)]
    pub only: Option<String>,
    /// Where the items (or the note list, or the profile) may stand, from the data; the first that is there holds.
    pub items: Vec<String>,
    /// Where the page tells that there is more, from the data.
    #[serde(default)]
    pub has_more: Vec<String>,
    /// Where the page tells the next cursor, from the data.
    #[serde(default)]
    pub page_cursor: Vec<String>,
    /// Where the page's last note tells the next cursor, from the note.
    #[serde(default)]
    pub note_cursor: Vec<String>,
}

impl Description {
    /// Reads a description and reports all of its problems at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let description: Self =
            toml::from_str(text).map_err(|error| vec![reader_problem(file, text, error.message(), error.span())])?;
        let problems = description.problems(file, text);
        if problems.is_empty() { Ok(description) } else { Err(problems) }
    }

    /// Returns the base URL of a region; `None` names the default.
    pub fn base_url(&self, region: Option<&str>) -> Option<&str> {
        let url = match region {
            Some(region) => self.base_urls.get(region),
            None => self.base_urls.get("global").or_else(|| self.base_urls.values().next()),
        };
        url.map(String::as_str)
    }

    /// Returns a version of a call; `None` names the default.
    pub fn call(&self, endpoint: Endpoint, version: Option<&str>) -> Option<&CallVersion> {
        let versions = self.calls.get(&endpoint)?;
        versions.versions.get(version.unwrap_or(&versions.default))
    }

    /// Lists the versions of a call in the order in which they are tried; `None` names the default and its fallbacks.
    pub fn versions(&self, endpoint: Endpoint, version: Option<&str>) -> Vec<String> {
        match (version, self.calls.get(&endpoint)) {
            (Some(version), _) => vec![version.to_owned()],
            (None, Some(call)) => [&call.default].into_iter().chain(&call.fallback).cloned().collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Returns the price that the description tells for a call.
    pub fn price(&self, endpoint: Endpoint) -> Option<Money> {
        self.price.get(&endpoint).and_then(|price| Money::from_f64(*price).ok())
    }
}

const BUILTIN: &[(&str, &str)] = &[
    ("justoneapi", include_str!("../../vendors/justoneapi.toml")),
    ("spiderhubs", include_str!("../../vendors/spiderhubs.toml")),
];

/// Lists the names of the vendors that are built in.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// Returns the description of a vendor that is built in.
pub fn builtin(name: &str) -> Option<Description> {
    let (_, text) = BUILTIN.iter().find(|(own, _)| *own == name)?;
    Description::parse(name, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_descriptions_are_whole() {
        for (name, text) in BUILTIN {
            let description = Description::parse(name, text).unwrap_or_else(|problems| panic!("{problems:?}"));
            assert_eq!(description.name, *name);
        }
        let justoneapi = builtin("justoneapi").unwrap();
        assert_eq!(justoneapi.envelope.outcomes.get("601"), Some(Outcome::Stop));
        assert!(justoneapi.call(Endpoint::SearchNotes, Some("v4")).is_some());
        assert!(justoneapi.call(Endpoint::UserProfile, Some("v3")).is_some());
    }

    #[test]
    fn every_problem_of_a_description_is_told_at_once() {
        let text = BUILTIN[1]
            .1
            .replace("\"/has_more\"", "\"has_more\"")
            .replace("user_id = \"user_id\"", "usr_id = \"user_id\"")
            .replace("\"60s\"", "\"60\"");
        let problems = Description::parse("mine.toml", &text).unwrap_err();
        let told: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().any(|message| message.contains("did you mean `user_id`")), "{told:?}");
    }

    #[test]
    fn versions_are_tried_in_the_order_that_the_description_says() {
        let justoneapi = builtin("justoneapi").unwrap();
        assert_eq!(justoneapi.versions(Endpoint::UserProfile, None), ["v3", "v4"]);
        assert_eq!(justoneapi.versions(Endpoint::UserProfile, Some("v4")), ["v4"], "a job's choice stands alone");
        assert_eq!(justoneapi.versions(Endpoint::NoteDetail, None), ["v1"]);
        assert_eq!(justoneapi.call(Endpoint::NoteDetail, Some("v6")).unwrap().only.as_deref(), Some("video"));
        let told = |replacements: &[(&str, &str)]| -> Vec<String> {
            let text = replacements.iter().fold(BUILTIN[0].1.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
            let problems = Description::parse("mine.toml", &text).err().unwrap_or_default();
            problems.into_iter().map(|problem| problem.message).collect()
        };
        let cases = [
            (
                "fallback = [\"v4\"]",
                "fallback = [\"v5\"]",
                "`calls.user_profile.fallback` names `v5`, which is not described",
            ),
            ("fallback = [\"v4\"]", "fallback = [\"v3\"]", "names `v3`, which is tried before"),
            ("fallback = [\"v4\"]", "fallback = [\"v4\", \"v4\"]", "names `v4`, which is tried before"),
            (
                "[calls.user_notes]\n",
                "[calls.user_notes]\nfallback = [\"v4\"]\n",
                "`calls.user_notes.fallback`: the cursors of one version mean nothing to another",
            ),
            ("only = \"video\"", "only = \"videos\"", "`calls.note_detail.v6.only` must be"),
            ("code = [\"/code\"", "code = [\"code\"", "`code` must be a JSON pointer"),
            ("message = [\"/msg\"", "message = [\"msg\"", "`msg` must be a JSON pointer"),
        ];
        for (from, to, expected) in cases {
            let told = told(&[(from, to)]);
            assert!(told.iter().any(|message| message.contains(expected)), "{to}: {told:?}");
        }
        assert!(told(&[("message = \"/message\"", "message = 3")])[0].contains("a JSON pointer, or a list of them"));
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_place() {
        let problems = Description::parse("mine.toml", "name = \"a\"\nbase_url = 3\n").unwrap_err();
        assert!(problems[0].message.contains("base_url"), "{problems:?}");
        assert!(problems[0].span.is_some());
    }
}
