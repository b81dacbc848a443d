//! The types that a column can have.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, ListBuilder,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use jiff::Timestamp;

/// A value of a column, and how many of them become an Arrow array.
pub trait Cell: Sized {
    /// Whether the column may hold null.
    const NULLABLE: bool;

    /// Returns the column's Arrow type.
    fn data_type() -> DataType;

    /// Turns values into an array.
    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;

    /// Reads a value of an array of this type.
    fn read(array: &ArrayRef, row: usize) -> Self;
}

const UTC: &str = "UTC";

macro_rules! cell {
    (
        $type:ty, $nullable:literal, $data_type:expr, $cells:ident => $array:expr, ($from:ident, $row:ident) => $read:expr
    ) => {
        impl Cell for $type {
            const NULLABLE: bool = $nullable;

            fn data_type() -> DataType {
                $data_type
            }

            fn array<'a>($cells: impl Iterator<Item = &'a Self>) -> ArrayRef
            where
                Self: 'a,
            {
                Arc::new($array)
            }

            fn read($from: &ArrayRef, $row: usize) -> Self {
                $read
            }
        }
    };
}

/// Every word of the columns that have words of their own.
const WORDS: [&[&str]; 4] = [
    &["search", "user_notes", "detail", "note", "profile", "shown", "gone", "empty", "male", "female", "stated"],
    &["search_notes", "note_detail", "user_profile", "yes", "no", "unknown"],
    &["ok", "retry", "throttle", "stop", "refuse", "reject", "general", "popularity_descending", "time_descending"],
    &["comment_descending", "collect_descending", "all", "video", "image", "any", "day", "week", "half_year"],
];

/// Finds a word; nothing if it is none of ours.
fn known_word(text: &str) -> &'static str {
    WORDS.into_iter().flatten().find(|word| **word == text).copied().unwrap_or_default()
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// Parquet's own name for what a list holds; Arrow's default differs.
fn element() -> Field {
    Field::new("element", DataType::Utf8, false)
}

fn lists<'a>(cells: impl Iterator<Item = &'a Option<Vec<String>>>) -> ListArray {
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element());
    for cell in cells {
        for text in cell.iter().flatten() {
            builder.values().append_value(text);
        }
        builder.append(cell.is_some());
    }
    builder.finish()
}

/// Reads a value that may be null.
fn read_nullable<T: Cell>(array: &ArrayRef, row: usize) -> Option<T> {
    array.is_valid(row).then(|| T::read(array, row))
}

fn read_texts(array: &ArrayRef) -> Vec<String> {
    (0..array.len()).map(|row| String::read(array, row)).collect()
}

cell!(String, false, DataType::Utf8, cells => StringArray::from_iter_values(cells),
    (array, row) => array.as_string::<i32>().value(row).to_owned());
cell!(Option<String>, true, DataType::Utf8, cells => cells.map(Option::as_deref).collect::<StringArray>(),
    (array, row) => read_nullable(array, row));
cell!(&'static str, false, DataType::Utf8, cells => StringArray::from_iter_values(cells),
    (array, row) => known_word(array.as_string::<i32>().value(row)));
cell!(Option<&'static str>, true, DataType::Utf8, cells => cells.copied().collect::<StringArray>(),
    (array, row) => read_nullable(array, row));
cell!(Option<Vec<String>>, true, DataType::List(element().into()), cells => lists(cells),
    (array, row) => array.is_valid(row).then(|| read_texts(&array.as_list::<i32>().value(row))));
cell!(bool, false, DataType::Boolean, cells => cells.copied().map(Some).collect::<BooleanArray>(),
    (array, row) => array.as_boolean().value(row));
cell!(Option<bool>, true, DataType::Boolean, cells => cells.copied().collect::<BooleanArray>(),
    (array, row) => read_nullable(array, row));
cell!(i32, false, DataType::Int32, cells => Int32Array::from_iter_values(cells.copied()),
    (array, row) => array.as_primitive::<Int32Type>().value(row));
cell!(Option<i32>, true, DataType::Int32, cells => cells.copied().collect::<Int32Array>(),
    (array, row) => read_nullable(array, row));
cell!(i64, false, DataType::Int64, cells => Int64Array::from_iter_values(cells.copied()),
    (array, row) => array.as_primitive::<Int64Type>().value(row));
cell!(Option<i64>, true, DataType::Int64, cells => cells.copied().collect::<Int64Array>(),
    (array, row) => read_nullable(array, row));
cell!(f64, false, DataType::Float64, cells => Float64Array::from_iter_values(cells.copied()),
    (array, row) => array.as_primitive::<Float64Type>().value(row));
cell!(Option<f64>, true, DataType::Float64, cells => cells.copied().collect::<Float64Array>(),
    (array, row) => read_nullable(array, row));
cell!(Timestamp, false, time(), cells =>
    TimestampMicrosecondArray::from_iter_values(cells.map(|cell| cell.as_microsecond())).with_timezone(UTC),
    (array, row) => Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row)).unwrap_or_default());
cell!(Option<Timestamp>, true, time(), cells =>
    cells.map(|cell| cell.map(Timestamp::as_microsecond)).collect::<TimestampMicrosecondArray>().with_timezone(UTC),
    (array, row) => read_nullable(array, row));
