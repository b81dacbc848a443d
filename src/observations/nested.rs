//! Columns that hold structs: counts with their units, and lists of images, hashtags, mentions and labels.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};

use crate::flatten::tables::Cell;
use crate::model::Count;

/// A struct inside a column.
pub trait Nested: Sized {
    /// Returns its fields.
    fn fields() -> Fields;

    /// Converts structs to one array a field.
    fn arrays(items: &[&Self]) -> Vec<ArrayRef>;

    /// Reads a struct.
    fn read(structs: &StructArray, row: usize) -> Self;
}

/// Declares a struct that is the element of a list.
macro_rules! nested {
    ($(#[doc = $about:literal])+ $name:ident; $($(#[doc = $doc:literal])+ $field:ident: $type:ty,)+) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl $crate::observations::nested::Nested for $name {
            fn fields() -> arrow::datatypes::Fields {
                vec![$(arrow::datatypes::Field::new(
                    stringify!($field),
                    <$type as $crate::flatten::tables::Cell>::data_type(),
                    <$type as $crate::flatten::tables::Cell>::NULLABLE,
                ),)+].into()
            }

            fn arrays(items: &[&Self]) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::flatten::tables::Cell>::array(items.iter().map(|item| &item.$field)),)+]
            }

            fn read(structs: &arrow::array::StructArray, row: usize) -> Self {
                Self { $($field: $crate::flatten::tables::Cell::read(&structs[stringify!($field)], row),)+ }
            }
        }
    };
}
pub(super) use nested;

/// Parquet's name for the element of a list; Arrow's default differs.
fn element<T: Nested>() -> Arc<Field> {
    Field::new("element", DataType::Struct(T::fields()), false).into()
}

impl<T: Nested> Cell for Vec<T> {
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::List(element::<T>())
    }

    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a,
    {
        let (mut items, mut lengths) = (Vec::new(), Vec::new());
        for cell in cells {
            items.extend(cell);
            lengths.push(cell.len());
        }
        let structs = StructArray::new(T::fields(), T::arrays(&items), None);
        Arc::new(ListArray::new(element::<T>(), OffsetBuffer::from_lengths(lengths), Arc::new(structs), None))
    }

    fn read(array: &ArrayRef, row: usize) -> Self {
        let list = array.as_list::<i32>().value(row);
        (0..list.len()).map(|row| T::read(list.as_struct(), row)).collect()
    }
}

fn count_fields() -> Fields {
    vec![Field::new("value", DataType::Int64, false), Field::new("unit", DataType::Int64, false)].into()
}

/// A count: its value, and the unit of the last digit that was written.
impl Cell for Option<Count> {
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        DataType::Struct(count_fields())
    }

    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a,
    {
        let cells: Vec<Self> = cells.copied().collect();
        let numbers = |of: fn(Count) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(cells.iter().map(|cell| cell.map_or(0, of))))
        };
        let nulls: NullBuffer = cells.iter().map(Option::is_some).collect();
        let arrays = vec![numbers(|count| count.value), numbers(|count| count.unit)];
        Arc::new(StructArray::new(count_fields(), arrays, Some(nulls).filter(|nulls| nulls.null_count() > 0)))
    }

    fn read(array: &ArrayRef, row: usize) -> Self {
        let number = |name| i64::read(&array.as_struct()[name], row);
        array.is_valid(row).then(|| Count { value: number("value"), unit: number("unit") })
    }
}

/// A text that many rows share.
impl Cell for Arc<str> {
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a,
    {
        Arc::new(arrow::array::StringArray::from_iter_values(cells))
    }

    fn read(array: &ArrayRef, row: usize) -> Self {
        String::read(array, row).into()
    }
}
