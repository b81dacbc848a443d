//! What the tables have more and less than others: added columns, dropped columns.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::flatten::tables::{AddedColumn, ColumnType, Outline, PARTITION_COLUMNS, TableDoc, dictionary};
use crate::job::at::At;
use crate::job::file::{ColumnFile, ColumnsFile, PrivacyFile};
use crate::job::told::Told;
use crate::model::{did_you_mean, shown};

/// Longer names are cut or refused by some readers.
const LONGEST_NAME: usize = 64;

/// Reads the `[columns.TABLE]` blocks and the columns to drop.
pub(super) fn outline(columns: &ColumnsFile, privacy: &PrivacyFile, told: &mut Told<'_>) -> Outline {
    let tables = dictionary();
    let mut outline = Outline {
        notes: added("notes", &columns.notes, &tables, told),
        authors: added("authors", &columns.authors, &tables, told),
        ..Outline::default()
    };
    for name in &privacy.drop {
        if is_droppable(name, &tables, told) {
            outline.dropped.insert(name.to_string());
        }
    }
    outline
}

/// Returns the variable that holds the key of the pseudonyms; none where there are none.
pub(super) fn key_variable(privacy: &PrivacyFile) -> Option<String> {
    privacy.pseudonymize_key_env.as_ref().filter(|name| !name.is_empty()).map(|name| name.to_string())
}

fn added(
    table: &str,
    columns: &BTreeMap<String, At<ColumnFile>>,
    tables: &[TableDoc],
    told: &mut Told<'_>,
) -> BTreeMap<String, AddedColumn> {
    for (name, column) in columns {
        check_name(table, name, column.span(), tables, told);
        check_path(&format!("columns.{table}.{}.path", shown(name, 40)), &column.path, column.kind, told);
    }
    let added = columns
        .iter()
        .map(|(name, column)| (name.clone(), AddedColumn { path: column.path.to_string(), kind: column.kind }));
    added.collect()
}

fn check_name(table: &str, name: &str, span: Range<usize>, tables: &[TableDoc], told: &mut Told<'_>) {
    let key = format!("`columns.{table}.{}`", shown(name, 40));
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !is_word || name.len() > LONGEST_NAME {
        let message =
            format!("{key} must be named by 1 to {LONGEST_NAME} of a-z, 0-9 and `_`, beginning with a letter");
        told.at(span, message);
    } else if columns_of(tables, table).any(|own| own == name) {
        told.hinted(span, format!("{key}: `{table}` has a column of this name"), "choose another name");
    } else if PARTITION_COLUMNS.contains(&name) {
        let message = format!("{key}: readers make a column of this name from the folders");
        told.hinted(span, message, "choose another name");
    }
}

fn check_path(key: &str, path: &At<String>, kind: ColumnType, told: &mut Told<'_>) {
    if path.is_empty() {
        if kind != ColumnType::Json {
            let hint = "name a field, such as \"/price\", or keep the object with type = \"json\"";
            told.hinted(path.span(), format!("`{key}` names the whole object"), hint);
        }
        return;
    }
    if !path.starts_with('/') {
        let message = format!("`{key}` must be a JSON pointer, which begins with `/`, not `{}`", shown(path, 80));
        let hint = format!("did you mean \"/{}\"?", shown(&path.trim_start_matches("$.").replace('.', "/"), 80));
        told.hinted(path.span(), message, hint);
    } else if path.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
        let message = format!("`{key}` must be a JSON pointer, and `~` stands alone in `{}`", shown(path, 80));
        told.hinted(path.span(), message, "in a JSON pointer `~0` stands for `~`, and `~1` for `/`");
    }
}

fn is_droppable(name: &At<String>, tables: &[TableDoc], told: &mut Told<'_>) -> bool {
    let known = || tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    if let Some((table, column)) = known().find(|(table, column)| **name == format!("{}.{}", table.name, column.name)) {
        let is_key = table.sorted_by.contains(&column.name.as_ref());
        if is_key {
            let message = format!("`privacy.drop` names `{}`, which is a key of `{}`", **name, table.name);
            told.hinted(name.span(), message, "a table's keys cannot be left out: they tell its rows apart");
        }
        return !is_key;
    }
    if tables.iter().any(|table| table.name == **name) {
        let hint = "name the columns to leave out, such as \"notes.ip_location\"";
        told.hinted(name.span(), format!("`privacy.drop` names all of `{}`", **name), hint);
        return false;
    }
    let message = format!("`privacy.drop` names `{}`, which is no column", shown(name, 80));
    let (table, column) = name.split_once('.').unwrap_or((name.as_str(), ""));
    if tables.iter().any(|known| known.name == table) {
        let near = did_you_mean(column, columns_of(tables, table));
        let columns: Vec<&str> = columns_of(tables, table).collect();
        let hint = format!("columns of `{table}`: {}", columns.join(", "));
        told.hinted(name.span(), format!("{message}{near}"), hint);
    } else {
        let names: Vec<String> = known().map(|(table, column)| format!("{}.{}", table.name, column.name)).collect();
        let near = did_you_mean(name, names.iter().map(String::as_str));
        let hint = "a table and a column, such as \"notes.ip_location\"; `notemill schema tables` lists them";
        told.hinted(name.span(), format!("{message}{near}"), hint);
    }
    false
}

fn columns_of<'t>(tables: &'t [TableDoc], table: &str) -> impl Iterator<Item = &'t str> {
    let table = tables.iter().find(|known| known.name == table);
    table.into_iter().flat_map(|table| &table.columns).map(|column| column.name.as_ref())
}
