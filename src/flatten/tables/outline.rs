//! What a job adds to the tables and takes out of them, as readers see it: schemas, batches, the data dictionary.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuthorRow, Cell, Column, NoteRow, Row};
use crate::model::{Extra, Float, sha256_hex};

/// Where a field's metadata says which JSON pointer an added column reads, and as what type.
const PATH: &str = "path";
const TYPE: &str = "type";

/// Says what tables have more and less than others. It stands in the manifest, and holds no key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outline {
    /// The columns added to `notes`, by name: pointers into the note object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, AddedColumn>,
    /// The columns added to `authors`, by name: pointers into the profile, or into the user object inside a note.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authors: BTreeMap<String, AddedColumn>,
    /// The columns left out, such as `notes.ip_location`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub dropped: BTreeSet<String>,
    /// What tells the key of the pseudonyms from other keys; none where users stand under their own ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonyms: Option<String>,
}

/// One column that a job adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedColumn {
    /// Where the value stands: a JSON pointer into the object that the row is read from.
    pub path: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// The type of a column that a job adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text; a number is taken as it is written.
    String,
    /// A whole number, or text that is one: "12", "3,210", "1.2万".
    Int64,
    /// A number, or text that is one: "1.5", "1.2万".
    Float64,
    /// True or false, in any of the vendors' spellings.
    Bool,
    /// A time in UTC, in any of the vendors' spellings: seconds, milliseconds, dates.
    Timestamp,
    /// Any value, kept as JSON text.
    Json,
}

impl ColumnType {
    const ALL: [Self; 6] = [Self::String, Self::Int64, Self::Float64, Self::Bool, Self::Timestamp, Self::Json];

    /// Returns the word that job files use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::String | Self::Json => <Option<String>>::data_type(),
            Self::Int64 => <Option<i64>>::data_type(),
            Self::Float64 => <Option<f64>>::data_type(),
            Self::Bool => <Option<bool>>::data_type(),
            Self::Timestamp => <Option<Timestamp>>::data_type(),
        }
    }

    /// Reads a value of a column of this type.
    pub(crate) fn read(self, array: &ArrayRef, row: usize) -> Option<Extra> {
        if *array.data_type() != self.data_type() {
            return None;
        }
        match self {
            Self::String => <Option<String>>::read(array, row).map(Extra::Text),
            Self::Json => <Option<String>>::read(array, row).map(Extra::Json),
            Self::Int64 => <Option<i64>>::read(array, row).map(Extra::Whole),
            Self::Float64 => <Option<f64>>::read(array, row).map(|number| Extra::Number(Float(number))),
            Self::Bool => <Option<bool>>::read(array, row).map(Extra::Truth),
            Self::Timestamp => <Option<Timestamp>>::read(array, row).map(Extra::Time),
        }
    }

    fn array<'a>(self, values: impl Iterator<Item = Option<&'a Extra>>) -> ArrayRef {
        /// Gathers the values of one type; of another there are none.
        fn all<'a, T: Cell + 'a>(
            values: impl Iterator<Item = Option<&'a Extra>>,
            take: impl Fn(&Extra) -> T,
            null: impl Fn() -> T,
        ) -> ArrayRef {
            let cells: Vec<T> = values.map(|value| value.map_or_else(&null, &take)).collect();
            T::array(cells.iter())
        }
        macro_rules! all {
            ($($kind:pat => $value:expr),+) => {
                all(values, |value| match value { $($kind => Some($value),)+ _ => None }, || None)
            };
        }
        match self {
            Self::String | Self::Json => all!(Extra::Text(text) | Extra::Json(text) => text.clone()),
            Self::Int64 => all!(Extra::Whole(number) => *number),
            Self::Float64 => all!(Extra::Number(number) => number.0),
            Self::Bool => all!(Extra::Truth(truth) => *truth),
            Self::Timestamp => all!(Extra::Time(time) => *time),
        }
    }
}

impl AddedColumn {
    /// Names the column by what it reads, whatever jobs call it.
    pub(crate) fn hashed_name(&self) -> String {
        let read = format!("{} {}", self.kind.as_str(), self.path);
        sha256_hex(read.as_bytes()).chars().take(16).collect()
    }
}

impl Outline {
    /// Returns the outline of observations that are retained: the same columns, named by what they read.
    pub(crate) fn retained(&self) -> Self {
        let hashed = |columns: &BTreeMap<String, AddedColumn>| {
            columns.values().map(|column| (column.hashed_name(), column.clone())).collect()
        };
        Self {
            notes: hashed(&self.notes),
            authors: hashed(&self.authors),
            pseudonyms: self.pseudonyms.clone(),
            ..Self::default()
        }
    }

    /// Tells whether the tables are as they are without any job's wishes.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the columns added to a table, by name.
    pub fn added(&self, table: &str) -> &BTreeMap<String, AddedColumn> {
        const NONE: &BTreeMap<String, AddedColumn> = &BTreeMap::new();
        match table {
            NoteRow::TABLE => &self.notes,
            AuthorRow::TABLE => &self.authors,
            _ => NONE,
        }
    }

    /// Tells whether a table goes without one of its own columns.
    pub fn drops(&self, table: &str, column: &str) -> bool {
        !self.dropped.is_empty() && self.dropped.contains(&format!("{table}.{column}"))
    }

    /// Lists a table's columns: its own, less those left out, then those added.
    pub fn columns<R: Row>(&self) -> Vec<Column> {
        let own = R::columns().into_iter().filter(|column| !self.drops(R::TABLE, &column.name));
        let added = self.added(R::ADDED_OF).iter().map(|(name, column)| {
            let path = column.path.replace(['|', '`'], "·");
            Column {
                name: format!("{}{name}", R::ADDED_PREFIX).into(),
                data_type: column.kind.data_type(),
                nullable: true,
                description: match column.kind {
                    ColumnType::Json => "Added by the job, as JSON text.".into(),
                    _ => "Added by the job.".into(),
                },
                source: if path.is_empty() { "the whole object".into() } else { format!("`{path}`").into() },
            }
        });
        own.chain(added).collect()
    }

    /// Returns a table's schema; descriptions stand in the fields' metadata.
    pub fn schema<R: Row>(&self) -> SchemaRef {
        let added = self.added(R::ADDED_OF);
        let fields = self.columns::<R>().into_iter().map(|column| {
            let mut metadata = HashMap::from([("description".to_owned(), column.description.into_owned())]);
            // Of observations, columns are found again by what they read.
            let own = Some(R::ADDED_PREFIX).filter(|prefix| !prefix.is_empty());
            if let Some(AddedColumn { path, kind }) = own.and_then(|own| added.get(column.name.strip_prefix(own)?)) {
                metadata.extend([(PATH.to_owned(), path.clone()), (TYPE.to_owned(), kind.as_str().to_owned())]);
            }
            Field::new(column.name, column.data_type, column.nullable).with_metadata(metadata)
        });
        Schema::new(fields.collect::<Vec<_>>()).into()
    }

    /// Finds the columns that were added to observations.
    pub(crate) fn added_in(schema: &Schema) -> BTreeMap<String, AddedColumn> {
        let column = |field: &Field| {
            let kind = ColumnType::ALL
                .into_iter()
                .find(|kind| field.metadata().get(TYPE).is_some_and(|is| is == kind.as_str()))?;
            let column = AddedColumn { path: field.metadata().get(PATH)?.clone(), kind };
            Some((column.hashed_name(), column))
        };
        schema.fields().iter().filter_map(|field| column(field)).collect()
    }

    /// Turns rows into a batch.
    pub fn batch<R: Row>(&self, rows: &[R]) -> Result<RecordBatch, ArrowError> {
        let own = R::columns().into_iter().zip(R::arrays(rows));
        let own = own.filter(|(column, _)| !self.drops(R::TABLE, &column.name)).map(|(_, array)| array);
        let added = self.added(R::ADDED_OF).values().enumerate();
        let added = added.map(|(at, column)| column.kind.array(rows.iter().map(|row| row.added().get(at)?.as_ref())));
        RecordBatch::try_new(self.schema::<R>(), own.chain(added).collect())
    }
}
