//! Columns of record batches under their types.

use std::cmp::Reverse;

use arrow::array::{Array, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use jiff::Timestamp;

use super::Rank;
use crate::model::Count;

/// An array of times.
pub(super) type Times = arrow::array::TimestampMicrosecondArray;
/// An array of small whole numbers.
pub(super) type Numbers = arrow::array::Int32Array;

/// Finds a column.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))
}

fn other_type(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column `{name}` is of another type"))
}

macro_rules! typed {
    ($(#[doc = $doc:literal])+ $name:ident -> $array:ty, $cast:ident $(::<$type:ty>)?) => {
        $(#[doc = $doc])+
        pub(super) fn $name(batch: &RecordBatch, name: &str) -> Result<$array, ArrowError> {
            column(batch, name)?.$cast $(::<$type>)?().cloned().ok_or_else(|| other_type(name))
        }
    };
}

typed! {
    /// Finds a column of texts.
    texts -> StringArray, as_string_opt::<i32>
}
typed! {
    /// Finds a column of large whole numbers.
    whole_numbers -> Int64Array, as_primitive_opt::<Int64Type>
}
typed! {
    /// Finds a column of small whole numbers.
    numbers -> Numbers, as_primitive_opt::<Int32Type>
}
typed! {
    /// Finds a column of times.
    times -> Times, as_primitive_opt::<TimestampMicrosecondType>
}

/// Returns a value that is not null.
pub(super) fn value<T>(array: &arrow::array::PrimitiveArray<T>, row: usize) -> Option<T::Native>
where
    T: arrow::datatypes::ArrowPrimitiveType,
{
    array.is_valid(row).then(|| array.value(row))
}

/// Returns a text that is not null.
pub(super) fn text(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// Returns a time that is not null.
pub(super) fn time(array: &Times, row: usize) -> Option<Timestamp> {
    Timestamp::from_microsecond(value(array, row)?).ok()
}

/// The columns that say where an observation was made.
#[derive(Debug)]
pub(super) struct Provenance {
    sequence: Int64Array,
    observed_at: Times,
    call_key: StringArray,
    position: Numbers,
}

impl Provenance {
    /// Finds these columns.
    pub(super) fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        Ok(Self {
            sequence: whole_numbers(batch, "sequence")?,
            observed_at: times(batch, "observed_at")?,
            call_key: texts(batch, "call_key")?,
            position: numbers(batch, "position")?,
        })
    }

    /// Returns the rank of an observation: the greatest is the newest; of one answer, the first on the page.
    pub(super) fn rank(&self, row: usize) -> Rank<'_> {
        (
            self.sequence.value(row),
            self.observed_at.value(row),
            self.call_key.value(row),
            Reverse(self.position.value(row)),
        )
    }

    /// Returns what the clock said, in microseconds.
    pub(super) fn observed_at(&self, row: usize) -> i64 {
        self.observed_at.value(row)
    }
}

/// A column of counts.
#[derive(Debug)]
pub(super) struct Counts {
    structs: StructArray,
    values: Int64Array,
    units: Int64Array,
}

impl Counts {
    /// Finds a column of counts.
    pub(super) fn of(batch: &RecordBatch, name: &str) -> Result<Self, ArrowError> {
        let structs = column(batch, name)?.as_struct_opt().ok_or_else(|| other_type(name))?;
        let part = |part: &str| {
            let numbers = structs.column_by_name(part).and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
            numbers.cloned().ok_or_else(|| other_type(name))
        };
        Ok(Self { structs: structs.clone(), values: part("value")?, units: part("unit")? })
    }

    /// Returns the count of a row.
    pub(super) fn get(&self, row: usize) -> Option<Count> {
        self.structs.is_valid(row).then(|| Count { value: self.values.value(row), unit: self.units.value(row) })
    }
}
