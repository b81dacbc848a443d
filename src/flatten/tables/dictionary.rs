//! The data dictionary: what every table and column means.

use std::borrow::Cow;
use std::fmt::Write as _;

use arrow::datatypes::{DataType, TimeUnit};
use serde::Serialize;

use super::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    NoteRow, Outline, RejectRow, Row, SearchHitRow,
};
use crate::model::Fill;

/// Describes one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableDoc {
    /// The table's name and folder.
    pub name: &'static str,
    /// What one row is.
    pub about: &'static str,
    /// By what it is split into folders.
    pub partitioned_by: Option<String>,
    /// The columns by which rows are sorted and unique.
    pub sorted_by: &'static [&'static str],
    /// The columns, in order.
    pub columns: Vec<ColumnDoc>,
}

/// Describes one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnDoc {
    /// The column's name.
    pub name: Cow<'static, str>,
    /// Its type in words.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it tells, with its unit.
    pub description: Cow<'static, str>,
    /// The vendors' fields that it is read from.
    pub source: Cow<'static, str>,
    /// How full it is in a snapshot; none where no snapshot is described, or one without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<Fill>,
}

/// Describes every table, in the order of the documentation, as it is without any job's wishes.
pub fn dictionary() -> Vec<TableDoc> {
    Outline::default().dictionary()
}

impl Outline {
    /// Describes every table, in the order of the documentation.
    pub fn dictionary(&self) -> Vec<TableDoc> {
        self.dictionary_in("the job's time zone")
    }

    /// Describes the same for a dataset whose partitions count dates in this time zone.
    pub fn dictionary_in(&self, time_zone: &str) -> Vec<TableDoc> {
        vec![
            describe::<NoteRow>(self, time_zone),
            describe::<NoteImageRow>(self, time_zone),
            describe::<NoteHashtagRow>(self, time_zone),
            describe::<NoteMentionRow>(self, time_zone),
            describe::<AuthorRow>(self, time_zone),
            describe::<AuthorTagRow>(self, time_zone),
            describe::<SearchHitRow>(self, time_zone),
            describe::<NoteMetricRow>(self, time_zone),
            describe::<AuthorMetricRow>(self, time_zone),
            describe::<CallRow>(self, time_zone),
            describe::<RejectRow>(self, time_zone),
        ]
    }
}

/// Renders tables as JSON.
pub fn json(tables: &[TableDoc]) -> serde_json::Value {
    // Plain strings, flags and lists always become JSON.
    serde_json::to_value(tables).unwrap_or_default()
}

/// Renders tables as Markdown: one section and one list of columns a table.
pub fn markdown(tables: Vec<TableDoc>) -> String {
    let mut text = String::new();
    for table in tables {
        let folders = table.partitioned_by.as_ref().map_or_else(String::new, |by| format!(" Partitioned by {by}."));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "### {}\n\n{}{folders}", table.name, table.about);
        let _ = writeln!(text, "Sorted by `{}`.\n", table.sorted_by.join("`, `"));
        let (head, line) =
            if table.columns.iter().any(|column| column.fill.is_some()) { (" filled |", "---|") } else { ("", "") };
        let _ = writeln!(text, "| column | type | null | what it tells | from |{head}\n|---|---|---|---|---|{line}");
        for column in table.columns {
            let null = if column.nullable { "yes" } else { "no" };
            let ColumnDoc { name, type_name, description, source, fill, .. } = column;
            let fill = fill.map(|fill| format!(" {fill} |")).unwrap_or_default();
            let _ = writeln!(text, "| `{name}` | {type_name} | {null} | {description} | {source} |{fill}");
        }
        text.push('\n');
    }
    text
}

/// Describes one table.
pub(crate) fn describe<R: Row>(outline: &Outline, time_zone: &str) -> TableDoc {
    let columns = outline.columns::<R>().into_iter().map(|column| ColumnDoc {
        name: column.name,
        type_name: type_name(&column.data_type),
        nullable: column.nullable,
        description: column.description,
        source: column.source,
        fill: None,
    });
    TableDoc {
        name: R::TABLE,
        about: R::ABOUT,
        partitioned_by: R::PARTITION.about(time_zone),
        sorted_by: R::SORTED_BY,
        columns: columns.collect(),
    }
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => format!("timestamp[us, {zone}]"),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}: {}", field.name(), type_name(field.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::List(item) => format!("list<{}>", type_name(item.data_type())),
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_described_and_every_key_is_a_column() {
        for table in dictionary() {
            assert!(table.about.ends_with('.'), "{}", table.name);
            for key in table.sorted_by {
                assert!(table.columns.iter().any(|column| column.name == *key), "{}.{key}", table.name);
            }
            for column in table.columns {
                assert!(column.description.ends_with('.'), "{}.{}", table.name, column.name);
                assert!(!column.source.is_empty() && !column.source.contains('|'), "{}.{}", table.name, column.name);
            }
        }
    }

    #[test]
    fn types_are_named_as_readers_name_them() {
        let notes = dictionary().remove(0);
        let type_of = |name| notes.columns.iter().find(|column| column.name == name).unwrap().type_name.clone();
        assert_eq!(type_of("note_id"), "string");
        assert_eq!(type_of("liked_count"), "int64");
        assert_eq!(type_of("image_count"), "int32");
        assert_eq!(type_of("is_gone"), "bool");
        assert_eq!(type_of("published_at"), "timestamp[us, UTC]");
        assert_eq!(type_of("hashtags"), "list<string>");
    }

    #[test]
    fn both_renderings_hold_every_column() {
        let (markdown, json) = (markdown(dictionary()), json(&dictionary()));
        for (at, table) in dictionary().iter().enumerate() {
            assert_eq!(json[at]["columns"].as_array().unwrap().len(), table.columns.len());
            for column in &table.columns {
                assert!(markdown.contains(&format!("| `{}` | {} |", column.name, column.type_name)), "{}", column.name);
            }
        }
    }
}
