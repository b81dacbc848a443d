//! What the tables must hold, worked out from what each answer showed, against what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use notemill::model::Endpoint;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::moment_at;
use super::rules::{Rules, Run, Seen};
use crate::cli::files;

/// Reads a table of a snapshot as rows of some of its columns; times are microseconds.
pub(crate) fn rows(snapshot: &Path, table: &str, columns: &[&str]) -> Vec<Value> {
    let mut rows = Vec::new();
    for file in files(&snapshot.join(table)) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let columns: Vec<_> = columns.iter().map(|name| batch.column_by_name(name).unwrap()).collect();
            rows.extend(
                (0..batch.num_rows()).map(|at| columns.iter().map(|column| cell(column, at)).collect::<Value>()),
            );
        }
    }
    rows
}

fn cell(column: &dyn Array, at: usize) -> Value {
    if column.is_null(at) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(at)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(at)),
        DataType::Int32 => json!(column.as_primitive::<Int32Type>().value(at)),
        DataType::Boolean => json!(column.as_boolean().value(at)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            json!(column.as_primitive::<TimestampMicrosecondType>().value(at))
        }
        other => panic!("a column of {other}"),
    }
}

/// Compares rows without their order, and shows few of those that differ.
fn same(table: &str, found: Vec<Value>, expected: Vec<Value>) {
    // What is expected names answers by their places; the tables show the moments.
    fn timed(value: &Value) -> Value {
        match value {
            Value::Array(values) => values.iter().map(timed).collect(),
            other => other.as_i64().map_or_else(|| other.clone(), |number| json!(moment_at(number))),
        }
    }
    let text = |rows: Vec<Value>| -> Vec<String> {
        let mut text: Vec<String> = rows.iter().map(|row| timed(row).to_string()).collect();
        text.sort();
        text
    };
    let (found, expected) = (text(found), text(expected));
    assert!(!expected.is_empty(), "{table}: nothing to compare");
    let differ: Vec<_> = found.iter().zip(&expected).filter(|(found, expected)| found != expected).take(3).collect();
    assert!(
        differ.is_empty() && found.len() == expected.len(),
        "{table}: {} rows, not {}: {differ:#?}",
        found.len(),
        expected.len()
    );
}

/// The source of an answer's notes, with its rank in the merge rule.
fn source(endpoint: Endpoint) -> (i64, &'static str) {
    match endpoint {
        Endpoint::SearchNotes => (1, "search"),
        Endpoint::UserNotes => (2, "user_notes"),
        _ => (3, "detail"),
    }
}

pub(super) fn hold_history(snapshot: &Path, rules: &Rules, seen: &[Seen]) {
    let (mut notes, mut hits, mut authors) = (BTreeSet::new(), Vec::new(), Vec::new());
    for seen in seen {
        for (place, note) in &seen.notes {
            let [liked, collected, comments, shared] = note.counts;
            let (_, source) = source(seen.ask.0);
            notes.insert(json!([note.id, seen.at, source, liked, collected, comments, shared]).to_string());
            if seen.ask.0 == Endpoint::SearchNotes {
                let (search, page) = (Run::search_of(rules, &seen.ask), seen.ask.1["page"].parse::<i64>().unwrap());
                hits.push(json!([
                    seen.seed,
                    search.keyword,
                    search.sort,
                    "all",
                    search.published,
                    page,
                    place,
                    note.id,
                    seen.at,
                    seen.run
                ]));
            }
        }
        if let Some([fans, follows, liked, collected, interactions, posted]) = seen.profile {
            let user = &seen.ask.1["user_id"];
            authors.push(json!([user, seen.at, "profile", fans, follows, liked, collected, interactions, posted]));
        }
    }
    let notes = notes.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let counts = ["liked_count", "collected_count", "comment_count", "share_count"];
    same(
        "note_metrics",
        rows(snapshot, "note_metrics", &[&["note_id", "observed_at", "source"], &counts[..]].concat()),
        notes,
    );
    let columns = [
        "author_id",
        "observed_at",
        "source",
        "fans_count",
        "follows_count",
        "liked_count",
        "collected_count",
        "interaction_count",
        "notes_count",
    ];
    same("author_metrics", rows(snapshot, "author_metrics", &columns), authors);
    let columns =
        ["seed", "keyword", "sort", "note_type", "published", "page", "position", "note_id", "observed_at", "run_id"];
    same("search_hits", rows(snapshot, "search_hits", &columns), hits);
}

/// The greatest by its key, where anything was told.
type Best<K> = Option<(K, Value)>;

fn raise<K: Ord>(best: &mut Best<K>, key: K, value: Value) {
    if best.as_ref().is_none_or(|(own, _)| *own < key) {
        *best = Some((key, value));
    }
}

fn told<K>(best: Best<K>) -> Value {
    best.map_or(Value::Null, |(_, value)| value)
}

/// The place of an answer in the merge rule: the rank of its source, and when it was kept.
type Key = (i64, i64);

#[derive(Default)]
struct Author {
    profile: Best<Key>,
    times: Vec<i64>,
}

#[derive(Default)]
struct Note {
    content: Best<Key>,
    author: Best<Key>,
    published: Best<Key>,
    updated: Best<Key>,
    /// Each count, as it was told over time: when, the value, the unit.
    counts: [Vec<(i64, i64, i64)>; 4],
    sticky: Best<i64>,
    gone: Best<i64>,
    times: Vec<i64>,
}

pub(super) fn hold_latest(snapshot: &Path, seen: &[Seen]) {
    let mut notes: BTreeMap<&str, Note> = BTreeMap::new();
    let mut empties: Vec<(&str, i64, &str)> = Vec::new();
    let mut authors: BTreeMap<&str, Author> = BTreeMap::new();
    for seen in seen {
        let (rank, source) = source(seen.ask.0);
        let (key, at) = ((rank, seen.at), seen.at);
        if let (Some(asked), true) = (seen.ask.1.get("note_id"), seen.is_gone) {
            let own = notes.entry(asked).or_default();
            raise(&mut own.gone, at, json!(true));
            own.times.push(at);
        }
        if let (Endpoint::NoteDetail, true, false) = (seen.ask.0, seen.notes.is_empty(), seen.is_gone) {
            empties.push((&seen.ask.1["note_id"], seen.at, &seen.run));
        }
        for (_, note) in &seen.notes {
            let own = notes.entry(&note.id).or_default();
            own.times.push(at);
            raise(&mut own.content, key, json!([note.title, note.text, source == "search", source, at]));
            raise(&mut own.author, key, json!(note.author));
            raise(&mut own.published, key, json!(note.published * 1_000_000));
            if let Some(updated) = note.updated {
                raise(&mut own.updated, key, json!(updated * 1_000_000));
            }
            for (told, (value, unit)) in own.counts.iter_mut().zip(note.counts.into_iter().zip(note.units)) {
                told.push((at, value, unit));
            }
            raise(&mut own.gone, at, json!(false));
            if source != "detail" {
                raise(&mut own.sticky, at, json!(note.sticky));
            }
            let author = authors.entry(&note.author).or_default();
            author.times.push(at);
            raise(&mut author.profile, (1, at), json!(["note", at, vec![(); 6]]));
        }
        if let Some(profile) = seen.profile {
            let author = authors.entry(&seen.ask.1["user_id"]).or_default();
            author.times.push(at);
            raise(&mut author.profile, (2, at), json!(["profile", at, profile]));
        }
    }
    let span = |times: &[i64]| [times.iter().min().copied(), times.iter().max().copied()].map(|time| json!(time));
    let expected = notes.into_iter().map(|(id, note)| {
        let times = span(&note.times);
        // Three runs that were shown nothing of a note since it was shown make it gone, too.
        let since = note.gone.as_ref().map_or(0, |(at, _)| *at);
        let quiet = empties.iter().filter(|(asked, at, _)| *asked == id && *at > since);
        let is_quiet = quiet.map(|(_, _, run)| run).collect::<BTreeSet<_>>().len() >= 3;
        flat(json!([
            id,
            note.content.map_or_else(|| json!(vec![(); 5]), |(_, value)| value),
            told(note.author),
            told(note.published),
            told(note.updated),
            shown(&note.counts),
            told(note.sticky),
            if is_quiet { json!(true) } else { told(note.gone) },
            times
        ]))
    });
    let columns = "note_id title description description_is_truncated content_source content_observed_at author_id published_at \
        updated_at liked_count collected_count comment_count share_count counts_are_approximate counts_observed_at is_sticky \
        is_gone first_seen_at last_seen_at";
    same("notes", rows(snapshot, "notes", &columns.split_whitespace().collect::<Vec<_>>()), expected.collect());
    let expected = authors.into_iter().map(|(id, author)| flat(json!([id, told(author.profile), span(&author.times)])));
    let columns = "author_id profile_source profile_observed_at fans_count follows_count liked_count collected_count \
        interaction_count notes_count first_seen_at last_seen_at";
    same("authors", rows(snapshot, "authors", &columns.split_whitespace().collect::<Vec<_>>()), expected.collect());
}

/// Says which counts are shown: the newest, unless it is rounded and the newest exact one rounds to it.
fn shown(counts: &[Vec<(i64, i64, i64)>; 4]) -> Value {
    let newest = |told: &[(i64, i64, i64)], is_exact: bool| {
        told.iter().filter(|(_, _, unit)| (*unit == 1) == is_exact).max().copied()
    };
    let shown = counts.each_ref().map(|told| match (newest(told, true), newest(told, false)) {
        (Some(exact), Some(rounded)) if rounded.0 > exact.0 => {
            let (exact_value, value, unit) = (exact.1, rounded.1, rounded.2);
            let rounds = if unit == 0 {
                (value..value * 10 + 10).contains(&exact_value)
            } else {
                (exact_value - value).abs() < unit
            };
            Some(if rounds { exact } else { rounded })
        }
        (exact, rounded) => exact.or(rounded),
    });
    let is_rounded = shown.iter().flatten().map(|(_, _, unit)| *unit != 1).reduce(|own, other| own || other);
    let at = counts.iter().flatten().map(|(at, ..)| *at).max();
    json!([shown.map(|count| count.map(|(_, value, _)| value)), is_rounded, at])
}

fn flat(value: Value) -> Value {
    fn into(value: Value, cells: &mut Vec<Value>) {
        match value {
            Value::Array(inside) => inside.into_iter().for_each(|value| into(value, cells)),
            value => cells.push(value),
        }
    }
    let mut cells = Vec::new();
    into(value, &mut cells);
    Value::Array(cells)
}
