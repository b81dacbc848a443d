//! The tables: one place for every column's name, type, description and source, and for the way to Arrow.

mod authors;
mod cell;
mod dictionary;
mod growing;
mod notes;
mod outline;

use std::borrow::Cow;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use crate::model::Extra;

pub use authors::{AuthorRow, AuthorTagRow};
pub use cell::Cell;
pub(crate) use dictionary::describe;
pub use dictionary::{ColumnDoc, TableDoc, dictionary, json, markdown};
pub use growing::{AuthorMetricRow, CallRow, NoteMetricRow, RejectRow, SearchHitRow};
pub use notes::{NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteRow};
pub use outline::{AddedColumn, ColumnType, Outline};

/// Says by what a table is split into folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionedBy {
    /// One folder.
    Nothing,
    /// When the note was published, else the second in its id, else when it was first seen; as fine as the job says.
    Published,
    /// The date on which the answer came.
    ObservedDate,
}

impl PartitionedBy {
    /// Says it in words, with the time zone in which dates count; none for one folder.
    fn about(self, time_zone: &str) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Published => Some(format!(
                "when the note was published, else the second in its id, else when it was first seen; dates count in \
                 {time_zone}"
            )),
            Self::ObservedDate => Some(format!("the date of the answer in {time_zone}")),
        }
    }
}

/// The columns that readers make from the names of folders; no column of a file may be called so.
pub const PARTITION_COLUMNS: [&str; 4] = ["published_year", "published_month", "published_date", "observed_date"];

/// One column: what a reader sees and where it comes from.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it tells, with its unit.
    pub description: Cow<'static, str>,
    /// The vendors' fields that it is read from.
    pub source: Cow<'static, str>,
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
    /// The table whose added columns it has.
    const ADDED_OF: &'static str = Self::TABLE;
    /// The prefix of the names of added columns.
    const ADDED_PREFIX: &'static str = "";

    /// Lists the columns.
    fn columns() -> Vec<Column>;

    /// Turns rows into one array a column.
    fn arrays(rows: &[Self]) -> Vec<ArrayRef>;

    /// Reads the rows of a batch that has all columns, less what the job adds.
    fn read(batch: &arrow::array::RecordBatch) -> Vec<Self>;

    /// Returns the values of the columns that the job adds, in their order; what is not there is null.
    fn added(&self) -> &[Option<Extra>] {
        &[]
    }
}

/// Declares a row type: its documentation is the data dictionary.
macro_rules! table {
    (
        #[doc = $about:literal]
        $row:ident, $name:literal, by $partition:ident, sorted by $sorted:expr $(, with $added:ident $(of $table:literal as $prefix:literal)?)?;
        $(#[doc = $description:literal] $field:ident: $type:ty = $source:literal,)+
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row {
            $(#[doc = $description] pub $field: $type,)+
            $(
                /// The values of the columns that the job adds, in their order.
                pub $added: Vec<Option<$crate::model::Extra>>,
            )?
        }

        impl $crate::flatten::tables::Row for $row {
            const TABLE: &'static str = $name;
            const ABOUT: &'static str = $about.trim_ascii();
            const PARTITION: $crate::flatten::tables::PartitionedBy = $crate::flatten::tables::PartitionedBy::$partition;
            const SORTED_BY: &'static [&'static str] = &$sorted;
            $($(
                const ADDED_OF: &'static str = $table;
                const ADDED_PREFIX: &'static str = $prefix;
            )?)?

            fn columns() -> Vec<$crate::flatten::tables::Column> {
                vec![$($crate::flatten::tables::Column {
                    name: stringify!($field).into(),
                    data_type: <$type as $crate::flatten::tables::Cell>::data_type(),
                    nullable: <$type as $crate::flatten::tables::Cell>::NULLABLE,
                    description: $description.trim_ascii().into(),
                    source: $source.into(),
                },)+]
            }

            fn arrays(rows: &[Self]) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::flatten::tables::Cell>::array(rows.iter().map(|row| &row.$field)),)+]
            }

            fn read(batch: &arrow::array::RecordBatch) -> Vec<Self> {
                let read = |row: usize| Self {
                    $($field: $crate::flatten::tables::Cell::read(&batch[stringify!($field)], row),)+
                    $($added: Vec::new(),)?
                };
                (0..batch.num_rows()).map(read).collect()
            }

            $(
                fn added(&self) -> &[Option<$crate::model::Extra>] {
                    &self.$added
                }
            )?
        }
    };
}
pub(crate) use table;
