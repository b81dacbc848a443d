//! Tests that the schema, the template, the documented example and the example jobs agree on every key.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::job::{json_schema, load};

const EVERY_KEY: &str = include_str!("../../../tests/fixtures/jobs/every-key.toml");

/// Lists the keys of the schema, such as `seeds.sort`; names that a person chooses are `*`.
pub(in crate::job) fn schema_keys() -> BTreeSet<String> {
    let schema = json_schema();
    let mut keys = BTreeSet::new();
    walk(&schema, &schema, "", &mut |path, _| {
        keys.insert(path.to_owned());
    });
    keys
}

/// Lists the keys of a TOML text in the same words.
pub(in crate::job) fn keys_of(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    collect(&toml::Value::Table(text.parse().unwrap()), "", &mut keys);
    keys
}

fn collect(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, path, keys)),
        toml::Value::Table(table) => {
            for (name, value) in table {
                let name = if matches!(path, "vendors" | "columns.notes" | "columns.authors") { "*" } else { name };
                let inner = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                keys.insert(inner.clone());
                collect(value, &inner, keys);
            }
        }
        _ => {}
    }
}

/// Visits every property of a schema with its path.
fn walk(root: &Value, schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    if let Some(name) = schema["$ref"].as_str() {
        walk(root, root.pointer(name.trim_start_matches('#')).unwrap(), path, visit);
    }
    for choice in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        walk(root, choice, path, visit);
    }
    if schema["items"].is_object() {
        walk(root, &schema["items"], path, visit);
    }
    let named = schema["properties"].as_object().into_iter().flatten().map(|(name, schema)| (name.as_str(), schema));
    let others = schema.get("additionalProperties").filter(|schema| schema.is_object()).map(|schema| ("*", schema));
    for (name, schema) in named.chain(others) {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        visit(&inner, schema);
        walk(root, schema, &inner, visit);
    }
}

#[test]
fn every_key_is_described() {
    let schema = json_schema();
    let mut count = 0;
    walk(&schema, &schema, "", &mut |path, property| {
        count += 1;
        let own = property["description"].as_str();
        let named = property["$ref"].as_str().and_then(|name| schema.pointer(name.trim_start_matches('#')));
        let described = own.or_else(|| named.and_then(|named| named["description"].as_str()));
        assert!(described.is_some_and(|text| text.len() > 8), "`{path}` has no description");
    });
    assert!(count > 60, "{count}");
}

#[test]
fn every_word_that_a_key_may_be_is_listed_and_described() {
    let schema = json_schema();
    for (name, words) in [
        (
            "Sort",
            &["general", "popularity_descending", "time_descending", "comment_descending", "collect_descending"][..],
        ),
        ("NoteTypeFilter", &["all", "video", "image"]),
        ("Published", &["any", "day", "week", "half_year"]),
        ("Order", &["depth", "breadth"]),
        ("Partition", &["none", "year", "month", "day"]),
        ("Compression", &["zstd", "snappy", "none"]),
        ("ColumnType", &["string", "int64", "float64", "bool", "timestamp", "json"]),
    ] {
        let choices = schema["$defs"][name]["oneOf"].as_array().unwrap();
        let mut listed: Vec<&str> = choices.iter().map(|choice| choice["const"].as_str().unwrap()).collect();
        let mut words = words.to_vec();
        listed.sort_unstable();
        words.sort_unstable();
        assert_eq!(listed, words, "{name}");
        assert!(choices.iter().all(|choice| choice["description"].is_string()), "{name}");
    }
}

#[test]
fn no_key_may_be_null() {
    assert!(!json_schema().to_string().contains("null"), "TOML has no null");
}

#[test]
fn the_documented_example_has_every_key_and_no_other() {
    assert_eq!(keys_of(EVERY_KEY), schema_keys());
}

#[test]
fn every_example_job_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let job = load(&path, None).unwrap_or_else(|error| panic!("{error:#?}"));
            assert_eq!(Some(job.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
            count += 1;
        }
    }
    assert!(count >= 4);
}
