//! The tree of a job file against the schema: unknown keys and wrong types, all of them, each with its place.
//!
//! What is wrong is told and taken out, so that the rest can still be read and checked.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::told::Told;
use super::words::TIME_FORMAT;
use crate::model::{did_you_mean, shown};

/// The keys that were taken out, such as `seeds[0].sort`.
#[derive(Debug, Default)]
pub(super) struct TakenOut(BTreeSet<String>);

impl TakenOut {
    /// Tells whether something was taken out of a block.
    pub(super) fn under(&self, block: &str) -> bool {
        self.0
            .iter()
            .any(|path| path.strip_prefix(block).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
    }

    /// Adds a key.
    pub(super) fn add(&mut self, path: &str) {
        self.0.insert(path.to_owned());
    }
}

/// Checks a job file's tree against its schema, and takes out what is wrong.
pub(super) fn check_keys(tree: &mut Spanned<DeTable<'_>>, schema: &Value, told: &mut Told<'_>) -> TakenOut {
    let mut walk = Walk { root: schema, told, out: TakenOut::default() };
    let span = tree.span();
    walk.table(tree.get_mut(), &span, schema, "");
    walk.out
}

struct Walk<'w, 't> {
    root: &'w Value,
    told: &'w mut Told<'t>,
    out: TakenOut,
}

impl<'w> Walk<'w, '_> {
    /// Checks the keys of a table, and their values.
    fn table(&mut self, table: &mut DeTable<'_>, span: &Range<usize>, schema: &'w Value, path: &str) {
        let properties = schema["properties"].as_object();
        let others = schema.get("additionalProperties").filter(|schema| schema.is_object());
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for missing in required.iter().filter(|name| !table.contains_key(**name)) {
            if path.is_empty() {
                let hint = format!("add a block [[{missing}]] with keywords = [\"防晒霜\"] below it");
                self.told.hinted(0..0, format!("`{missing}` is missing: a job must say what to start from"), hint);
            } else {
                self.told.at(span.clone(), format!("`{}` is missing", name_of(&joined(path, missing))));
            }
        }
        for (key, mut value) in std::mem::take(table) {
            let name: &str = key.get_ref();
            let inner = joined(path, name);
            if let Some(schema) = properties.and_then(|properties| properties.get(name)).or(others) {
                if self.keep(&mut value, schema, &inner) {
                    table.insert(key, value);
                }
                continue;
            }
            let names: Vec<&str> = properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
            let place = if path.is_empty() { String::new() } else { format!(" in `{}`", name_of(path)) };
            let near = renamed(name, &names).unwrap_or_else(|| did_you_mean(name, names.iter().copied()));
            let message = format!("unknown key `{}`{place}{near}", shown(name, 40));
            self.told.hinted(key.span(), message, format!("known here: {}", names.join(", ")));
            self.out.add(&inner);
        }
        if !path.is_empty() && required.iter().any(|name| !table.contains_key(*name)) {
            self.out.add(path);
        }
    }

    /// Checks a value; tells whether it may stay.
    fn keep(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &'w Value, path: &str) -> bool {
        let span = value.span();
        let schemas = self.alternatives(schema);
        let fitting: Vec<&'w Value> = schemas.iter().copied().filter(|schema| fits(value.get_ref(), schema)).collect();
        let Some(first) = fitting.first().copied() else {
            let mut kinds: Vec<&str> = schemas.iter().map(|schema| kind_of_schema(schema)).collect();
            kinds.dedup();
            let message =
                format!("`{}` must be {}, not {}", name_of(path), kinds.join(" or "), kind_of(value.get_ref()));
            self.told.at(span, message);
            self.out.add(path);
            return false;
        };
        let wrong = match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, &span, first, path);
                // A block that lacks what it needs goes as a whole.
                return !self.out.0.contains(path);
            }
            DeValue::Array(list) => self.list(list, first, path),
            DeValue::String(text) => wrong_word(text, &fitting),
            DeValue::Integer(number) => wrong_number(number.as_str(), number.radix(), first),
            DeValue::Float(number) => {
                let good = number.as_str().replace('_', "").parse::<f64>().is_ok_and(f64::is_finite);
                (!good).then(|| ("must be a finite number".to_owned(), None))
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) => None,
        };
        let Some((what, hint)) = wrong else { return true };
        let message = format!("`{}` {what}", name_of(path));
        match hint {
            Some(hint) => self.told.hinted(span, message, hint),
            None => self.told.at(span, message),
        }
        self.out.add(path);
        false
    }

    /// Checks the items of a list, and takes out those that are wrong.
    fn list(&mut self, list: &mut DeArray<'_>, schema: &'w Value, path: &str) -> Option<Wrong> {
        if list.is_empty() && schema["minItems"].as_u64().is_some_and(|least| least > 0) {
            return Some(("must not be empty".to_owned(), None));
        }
        let items = schema.get("items")?;
        let mut whole = DeArray::new();
        std::mem::swap(list, &mut whole);
        for (index, mut item) in whole.into_iter().enumerate() {
            // A place stays in the list for every block, so that they keep their numbers.
            if self.keep(&mut item, items, &format!("{path}[{index}]")) || item.get_ref().is_table() {
                list.push(item);
            }
        }
        None
    }

    /// Lists the schemas of which a value may fit any.
    fn alternatives(&self, schema: &'w Value) -> Vec<&'w Value> {
        let named = schema["$ref"].as_str().and_then(|name| self.root.pointer(name.trim_start_matches('#')));
        if let Some(schema) = named {
            return self.alternatives(schema);
        }
        match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            Some(schemas) => schemas.iter().flat_map(|schema| self.alternatives(schema)).collect(),
            None => vec![schema],
        }
    }
}

/// Keys that have another name now, which is too unlike the old one to be found by its letters.
const RENAMED: [(&str, &str); 1] = [("daily_calls", "max_calls_per_day")];

/// Says which key an old name means, where that is known.
fn renamed(name: &str, known: &[&str]) -> Option<String> {
    let (_, new) = RENAMED.iter().find(|(old, new)| *old == name && known.contains(new))?;
    Some(format!(", did you mean `{new}`?"))
}

/// What is wrong with a value, and what to do about it.
type Wrong = (String, Option<String>);

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Drops the positions of a path: the place in the file says more.
fn plain(path: &str) -> String {
    path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

fn name_of(path: &str) -> String {
    shown(&plain(path), 80)
}

fn fits(value: &DeValue<'_>, schema: &Value) -> bool {
    match (schema["type"].as_str(), value) {
        (Some("string"), DeValue::Datetime(_)) => schema["format"].as_str() == Some(TIME_FORMAT),
        (Some("string"), DeValue::String(_))
        | (Some("integer" | "number"), DeValue::Integer(_))
        | (Some("number"), DeValue::Float(_))
        | (Some("boolean"), DeValue::Boolean(_))
        | (Some("array"), DeValue::Array(_))
        | (Some("object"), DeValue::Table(_)) => true,
        _ => false,
    }
}

fn kind_of_schema(schema: &Value) -> &'static str {
    match schema["type"].as_str() {
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        Some("array") => "a list",
        Some("object") => "a table",
        _ if schema["format"].as_str() == Some(TIME_FORMAT) => "a date or time",
        _ => "text",
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Checks a text against the words that its schemas list, if they do.
fn wrong_word(text: &str, schemas: &[&Value]) -> Option<Wrong> {
    let words: Vec<&str> = schemas
        .iter()
        .flat_map(|schema| schema.get("const").into_iter().chain(schema["enum"].as_array().into_iter().flatten()))
        .filter_map(Value::as_str)
        .collect();
    if words.is_empty() || words.contains(&text) {
        return None;
    }
    let what = format!("cannot be `{}`{}", shown(text, 40), did_you_mean(text, words.iter().copied()));
    Some((what, Some(format!("one of: {}", words.join(", ")))))
}

/// Checks a whole number against the bounds of its schema.
fn wrong_number(digits: &str, radix: u32, schema: &Value) -> Option<Wrong> {
    let least = schema["minimum"].as_u64();
    let most = schema["maximum"].as_u64().or_else(|| match schema["format"].as_str() {
        Some("uint32") => Some(u64::from(u32::MAX)),
        _ => i64::MAX.try_into().ok(),
    });
    let number = i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    let in_bounds = number.is_some_and(|number| {
        least.is_none_or(|least| number >= i128::from(least)) && most.is_none_or(|most| number <= i128::from(most))
    });
    if in_bounds {
        return None;
    }
    let what = match (least, schema["maximum"].as_u64()) {
        (Some(least), Some(most)) => format!("must be from {least} to {most}"),
        (Some(least), None) if number.is_none_or(|number| number < i128::from(least)) => {
            format!("must be at least {least}")
        }
        _ => "is too big a number".to_owned(),
    };
    Some((what, None))
}
