//! What can be wrong with a description, all of it told at once.

use super::{CallVersion, CallVersions, Description};
use crate::model::{Endpoint, Money, Outcome, Problem, did_you_mean, parse_duration};

const PARAMS: &[(Endpoint, &[&str], &[&str])] = &[
    (Endpoint::SearchNotes, &["keyword"], &["page", "sort", "note_type", "published"]),
    (Endpoint::NoteDetail, &["note_id"], &[]),
    (Endpoint::UserProfile, &["user_id"], &[]),
    (Endpoint::UserNotes, &["user_id"], &["cursor", "page"]),
];

impl Description {
    pub(super) fn problems(&self, file: &str, text: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut tell = |needle: &str, message: String| problems.push(Problem::at_text(file, text, needle, message));
        if self.name.is_empty()
            || !self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        {
            tell("name", "`name` must be lower-case letters, digits, `_` and `-`".into());
        }
        if self.base_urls.is_empty() {
            tell("base_urls", "`base_urls` must name at least one region".into());
        }
        for (region, url) in &self.base_urls {
            let good = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !good {
                tell(region, format!("`base_urls.{region}` must be an http:// or https:// address"));
            }
        }
        if self.key.query.is_some() == self.key.header.is_some() {
            tell("[key]", "`key` must have exactly one of `query` and `header`".into());
        }
        if parse_duration(&self.limits.timeout).is_none() {
            tell(
                "timeout",
                format!("`limits.timeout` must be a time with a unit such as \"60s\", not `{}`", self.limits.timeout),
            );
        }
        if self.limits.concurrency == 0 {
            tell("concurrency", "`limits.concurrency` must be at least 1".into());
        }
        for (endpoint, price) in &self.price {
            if let Err(error) = Money::from_f64(*price) {
                tell(endpoint.as_str(), format!("`price.{endpoint}` {error}"));
            }
        }
        if !self.envelope.code.is_empty() && !self.envelope.outcomes.0.contains_key(&Outcome::Ok) {
            tell("[envelope", "`envelope.outcomes` must say which codes are `ok`".into());
        }
        let own = self.envelope.code.iter().chain(self.envelope.message.iter()).chain([&*self.envelope.data]);
        let inner = self.envelope.inner.iter();
        let inner = inner.flat_map(|inner| inner.code.iter().chain(inner.message.iter()).chain([&*inner.data]));
        for pointer in own.chain(inner) {
            if let Some(message) = bad_pointer("envelope", pointer) {
                tell(pointer, message);
            }
        }
        if self.calls.is_empty() {
            tell("calls", "`calls` must describe at least one call".into());
        }
        for (endpoint, versions) in &self.calls {
            if !versions.versions.contains_key(&versions.default) {
                tell(
                    &format!("calls.{endpoint}"),
                    format!("`calls.{endpoint}.default` names `{}`, which is not described", versions.default),
                );
            }
            for message in versions.bad_fallbacks(*endpoint) {
                tell(&format!("calls.{endpoint}"), message);
            }
            for (version, call) in &versions.versions {
                for message in call.problems(*endpoint, &format!("calls.{endpoint}.{version}")) {
                    tell(&format!("[calls.{endpoint}.{version}]"), message);
                }
            }
        }
        problems
    }
}

fn bad_pointer(place: &str, pointer: &str) -> Option<String> {
    (!pointer.is_empty() && !pointer.starts_with('/'))
        .then(|| format!("`{place}`: `{pointer}` must be a JSON pointer such as \"/data/items\""))
}

impl CallVersions {
    fn bad_fallbacks(&self, endpoint: Endpoint) -> Vec<String> {
        let place = format!("`calls.{endpoint}.fallback`");
        let mut problems = Vec::new();
        if endpoint == Endpoint::UserNotes && !self.fallback.is_empty() {
            problems.push(format!("{place}: the cursors of one version mean nothing to another"));
        }
        for (at, name) in self.fallback.iter().enumerate() {
            if !self.versions.contains_key(name) {
                let near = did_you_mean(name, self.versions.keys().map(String::as_str));
                problems.push(format!("{place} names `{name}`, which is not described{near}"));
            } else if *name == self.default || self.fallback.iter().take(at).any(|other| other == name) {
                problems.push(format!("{place} names `{name}`, which is tried before"));
            }
        }
        problems
    }
}

impl CallVersion {
    fn problems(&self, endpoint: Endpoint, place: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let (needed, allowed) = PARAMS
            .iter()
            .find(|(own, ..)| *own == endpoint)
            .map_or((&[][..], &[][..]), |(_, needed, allowed)| (*needed, *allowed));
        if !self.path.starts_with('/') || self.path.contains(['?', '#']) {
            problems.push(format!("`{place}.path` must start with `/` and have no query"));
        }
        for name in needed {
            if !self.params.contains_key(*name) {
                problems.push(format!("`{place}.params` must say what `{name}` is called"));
            }
        }
        for name in self.params.keys().chain(self.values.keys()) {
            let known = || needed.iter().chain(allowed).copied();
            if !known().any(|own| own == name) {
                problems.push(format!("`{place}` has no parameter `{name}`{}", did_you_mean(name, known())));
            }
        }
        if let Some(only) = &self.only
            && !(endpoint == Endpoint::NoteDetail && matches!(only.as_str(), "video" | "image"))
        {
            problems.push(format!("`{place}.only` must be \"video\" or \"image\", and is for `note_detail` alone"));
        }
        if self.items.is_empty() {
            problems.push(format!("`{place}.items` must say where the items stand"));
        }
        let pages = self.params.contains_key("page");
        if endpoint == Endpoint::SearchNotes && !pages {
            problems.push(format!("`{place}.params` must say what `page` is called"));
        }
        if endpoint == Endpoint::UserNotes
            && !pages
            && (!self.params.contains_key("cursor") || (self.page_cursor.is_empty() && self.note_cursor.is_empty()))
        {
            problems.push(format!(
                "`{place}` must page: a `page` parameter, or a `cursor` parameter and where to find the next one"
            ));
        }
        for pointer in self.items.iter().chain(&self.has_more).chain(&self.page_cursor).chain(&self.note_cursor) {
            problems.extend(bad_pointer(place, pointer));
        }
        problems
    }
}
