//! Keys in a job file: refused, and never shown again.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::told::Told;
use crate::model::shown;

const READ_FROM: &str =
    "a job file holds no keys: they are read from the environment; write `token_env = \"NAME_OF_THE_VARIABLE\"`";

/// Takes every value out of the tree that is, or may be, a literal key, and tells it without repeating it.
pub(super) fn refuse_keys(table: &mut DeTable<'_>, told: &mut Told<'_>) {
    refuse_in(table, &Place::default(), told);
}

/// Where a value stands, as far as it matters here.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    under_vendors: bool,
    under_columns: bool,
    under_secret: bool,
}

fn refuse_in(table: &mut DeTable<'_>, place: &Place, told: &mut Told<'_>) {
    for (key, mut value) in std::mem::take(table) {
        let name = key.get_ref();
        let mut inner = Place { depth: place.depth + 1, ..*place };
        if place.depth == 0 {
            inner.under_vendors = name == "vendors";
            inner.under_columns = name == "columns";
        }
        // The name of a vendor is free, whatever it sounds like.
        let is_vendor = place.depth == 1 && place.under_vendors && value.get_ref().is_table();
        inner.under_secret |= is_secret_name(name) && !is_vendor && !name.ends_with("_env");
        if keep(name, &mut value, &inner, told) {
            table.insert(key, value);
        }
    }
}

/// Tells whether a value may stay.
fn keep(name: &str, value: &mut Spanned<DeValue<'_>>, place: &Place, told: &mut Told<'_>) -> bool {
    let span = value.span();
    let is_address = matches!(name, "base_url" | "file");
    match value.get_mut() {
        DeValue::Table(table) => {
            refuse_in(table, place, told);
            true
        }
        // The columns' names are free, and what they hold is a place in an answer.
        _ if place.under_columns => true,
        DeValue::Array(list) if !place.under_secret => {
            list.iter_mut().for_each(|item| {
                if !keep(name, item, place, told) {
                    *item.get_mut() = DeValue::String("".into());
                }
            });
            true
        }
        DeValue::String(text) if name.ends_with("_env") && !place.under_secret => {
            let good = text.is_empty() || (is_variable_name(text) && !looks_like_key(text));
            if !good {
                let message =
                    format!("`{name}` must be the name of an environment variable, and what stands there is none");
                told.secret(span, &message, READ_FROM);
            }
            good
        }
        _ if place.under_secret => {
            told.secret(span, &format!("`{}` would hold a key in the job file", shown(name, 40)), READ_FROM);
            false
        }
        DeValue::String(text) if place.under_vendors && !is_address && looks_like_key(text) => {
            told.secret(span, &format!("`{}` holds what looks like a key", shown(name, 40)), READ_FROM);
            false
        }
        _ => true,
    }
}

/// Says how far a text could be read as TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it: only its comments may hold keys that were not found.
    Whole,
    /// Not all of it: any line may.
    Broken,
}

/// Finds what may be a key in a text, by the look of its words alone: rather too much than too little.
pub(super) fn suspects(text: &str, extent: Extent) -> Vec<Range<usize>> {
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let mut spans = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let line_end = line_start + line.len();
        let mut start = line_start;
        let comment = line.find('#').map(|at| line_start + at);
        for piece in line.split_inclusive(is_between) {
            let word = piece.trim_end_matches(is_between);
            let end = start + word.len();
            let is_read = extent == Extent::Whole && comment.is_none_or(|comment| start < comment);
            if is_secret_name(word) && !is_read {
                spans.push(end..line_end);
                break;
            }
            let is_id = word.len() == 24 && word.bytes().all(|b| b.is_ascii_hexdigit());
            if looks_like_key(word) && !is_id {
                spans.push(start..end);
            }
            start += piece.len();
        }
        line_start = line_end;
    }
    spans
}

/// Takes the text that was found out of a reader's "invalid type: string "…", expected …".
pub(super) fn without_text(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match (line.find('"'), line.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}…{}", &line[..start], &line[end + 1..]),
        _ => line.to_owned(),
    }
}

/// Tells whether a key's name says that it holds a secret.
fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    ["token", "secret", "passw", "authorization", "credential", "bearer", "cookie"].iter().any(|w| name.contains(w))
        || ["key", "keys", "auth", "pwd"].iter().any(|word| name.ends_with(word))
}

/// Tells whether a text can be the name of an environment variable.
pub(super) fn is_variable_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Tells whether a text looks like a key, and not like a name that a person chose.
pub(super) fn looks_like_key(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if ["sk_", "pk_", "rk_", "sk-", "pk-", "ghp_", "bearer ", "eyj"].iter().any(|prefix| lower.starts_with(prefix)) {
        return true;
    }
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
        let has = |test: fn(&u8) -> bool| part.as_bytes().iter().any(test);
        let mixed = part.as_bytes().windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic());
        let both_cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        (part.len() >= 16 && mixed) || (part.len() >= 24 && (both_cases || !has(u8::is_ascii_alphabetic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_names() {
        for key in [
            "sk_live_abc",
            "sk-proj-x",
            "A1b2C3d4E5f6G7h8I9j0K1l2",
            "aBcDeFgHiJkLmNoPqRsTuVwXyZ",
            "0f8fad5bd9cb469fa16570867728950e",
            "eyJhbGciOiJIUzI1NiJ9.e30",
            "Bearer abc",
        ] {
            assert!(looks_like_key(key), "{key}");
        }
        for name in [
            "JUSTONEAPI_TOKEN",
            "SPIDERHUBS_TOKEN_PRODUCTION_2026",
            "my_vendor_token_for_the_nightly_run_2",
            "vendors/tikhub.toml",
            "https://api.justoneapi.com",
            "data/sunscreen-2026-11",
            "global",
            "60s",
            "v4",
        ] {
            assert!(!looks_like_key(name), "{name}");
        }
    }

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in
            ["token", "Token", "api_key", "apiKey", "access-token", "key", "PASSWORD", "authorization", "secret2"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["keywords", "keyword", "keywords_file", "keywordz", "region", "concurrency", "keep_snapshots"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn suspects_hide_the_rest_of_the_line() {
        let text = "users = [\"5c2f338a000000000701e1c6\"]\ntoken: hunter2\nx = sk_live_9\n";
        let hidden: Vec<&str> = suspects(text, Extent::Broken).into_iter().map(|span| &text[span]).collect();
        assert_eq!(hidden, [": hunter2\n", "sk_live_9"]);
    }
}
