//! The tables: one place for every column's name, type, description and source, and for the way to Arrow.

mod authors;
mod cell;
mod dictionary;
mod growing;
mod notes;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

pub use authors::{AuthorRow, AuthorTagRow};
pub use cell::Cell;
pub use dictionary::{ColumnDoc, TableDoc, dictionary, dictionary_json, dictionary_markdown};
pub use growing::{AuthorMetricRow, CallRow, NoteMetricRow, RejectRow, SearchHitRow};
pub use notes::{NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteRow};

/// Says by what a table is split into folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionedBy {
    /// One folder.
    Nothing,
    /// When the note was published, as fine as the job says.
    Published,
    /// The UTC date on which the answer came.
    ObservedDate,
}

/// One column: what a reader sees and where it comes from.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it tells, with its unit.
    pub description: &'static str,
    /// The vendors' fields that it is read from.
    pub source: &'static str,
}

/// One row of a table; the struct's fields are its columns, in order.
pub trait Row: Sized {
    /// The table's name.
    const TABLE: &'static str;
    /// What one row is.
    const ABOUT: &'static str;
    /// By what it is split into folders.
    const PARTITION: PartitionedBy;
    /// The columns by which rows are sorted and unique.
    const SORTED_BY: &'static [&'static str];

    /// Lists the columns.
    fn columns() -> Vec<Column>;

    /// Returns how many bytes of text the row holds.
    fn text_bytes(&self) -> usize;

    /// Turns rows into one array a column.
    fn arrays(rows: &[Self]) -> Vec<ArrayRef>;
}

/// Returns a table's schema; descriptions stand in the fields' metadata.
pub fn schema<R: Row>() -> SchemaRef {
    let fields = R::columns().into_iter().map(|column| {
        let metadata = [("description".to_owned(), column.description.to_owned())].into();
        Field::new(column.name, column.data_type, column.nullable).with_metadata(metadata)
    });
    Schema::new(fields.collect::<Vec<_>>()).into()
}

/// Turns rows into a batch.
pub fn batch<R: Row>(rows: &[R]) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_new(schema::<R>(), R::arrays(rows))
}

/// Declares a row type: its documentation is the data dictionary.
macro_rules! table {
    (
        #[doc = $about:literal]
        $row:ident, $name:literal, by $partition:ident, sorted by $sorted:expr;
        $(#[doc = $description:literal] $field:ident: $type:ty = $source:literal,)+
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row {
            $(#[doc = $description] pub $field: $type,)+
        }

        impl $crate::flatten::tables::Row for $row {
            const TABLE: &'static str = $name;
            const ABOUT: &'static str = $about.trim_ascii();
            const PARTITION: $crate::flatten::tables::PartitionedBy = $crate::flatten::tables::PartitionedBy::$partition;
            const SORTED_BY: &'static [&'static str] = &$sorted;

            fn columns() -> Vec<$crate::flatten::tables::Column> {
                vec![$($crate::flatten::tables::Column {
                    name: stringify!($field),
                    data_type: <$type as $crate::flatten::tables::Cell>::data_type(),
                    nullable: <$type as $crate::flatten::tables::Cell>::NULLABLE,
                    description: $description.trim_ascii(),
                    source: $source,
                },)+]
            }

            fn text_bytes(&self) -> usize {
                0 $(+ $crate::flatten::tables::Cell::text_bytes(&self.$field))+
            }

            fn arrays(rows: &[Self]) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::flatten::tables::Cell>::array(rows.iter().map(|row| &row.$field)),)+]
            }
        }
    };
}
use table;
