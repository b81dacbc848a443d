//! Columns gathered from the records that won them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, Int32Array, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{interleave, interleave_record_batch, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::columns::column;
use super::{Family, Member, Records};
use crate::flatten::tables::{Outline, Row};

/// Where a value stands: in which source, in which row of it.
pub(in crate::dataset) type Place = (usize, usize);

/// The batches that places point into.
pub(in crate::dataset) struct Sources<F: Family>(Vec<Rc<Records<F>>>);

impl<F: Family> Default for Sources<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Family> Sources<F> {
    /// Returns the place of a record; its batch is kept until all are cleared.
    pub(in crate::dataset) fn place(&mut self, member: &Member<F>) -> Place {
        // A record's batch is mostly that of the record before.
        let found = self.0.iter().rposition(|own| Rc::ptr_eq(own, &member.records));
        let source = found.unwrap_or_else(|| {
            self.0.push(Rc::clone(&member.records));
            self.0.len() - 1
        });
        (source, member.row)
    }

    fn columns(&self, name: &str) -> Result<Vec<&dyn Array>, ArrowError> {
        self.0.iter().map(|records| Ok(column(&records.batch, name)?.as_ref())).collect()
    }

    /// Returns whole records.
    pub(in crate::dataset) fn records(&self, places: &[Place]) -> Result<RecordBatch, ArrowError> {
        let batches: Vec<&RecordBatch> = self.0.iter().map(|records| &records.batch).collect();
        interleave_record_batch(&batches, places)
    }

    /// Gathers a column.
    pub(super) fn column(&self, name: &str, places: &[Place]) -> Result<ArrayRef, ArrowError> {
        interleave(&self.columns(name)?, places)
    }

    /// Gathers a column with nulls where there is no place.
    pub(super) fn nullable(&self, name: &str, places: &[Option<Place>]) -> Result<ArrayRef, ArrowError> {
        let mut columns = self.columns(name)?;
        let null = new_null_array(columns.first().map_or(&DataType::Null, |column| column.data_type()), 1);
        let nowhere = (columns.len(), 0);
        if places.iter().any(Option::is_none) {
            columns.push(null.as_ref());
        }
        let places: Vec<Place> = places.iter().map(|place| place.unwrap_or(nowhere)).collect();
        interleave(&columns, &places)
    }

    /// Forgets all batches: places that were given point nowhere now.
    pub(in crate::dataset) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The columns of some rows of a table, by name.
#[derive(Default)]
pub(in crate::dataset) struct Gathered(HashMap<String, ArrayRef>);

impl Gathered {
    /// Adds a column.
    pub(super) fn add(&mut self, name: impl Into<String>, column: ArrayRef) {
        self.0.insert(name.into(), column);
    }

    /// Returns the rows as a batch of the table; columns that it goes without are left out.
    pub(super) fn batch<R: Row>(mut self, outline: &Outline) -> Result<RecordBatch, ArrowError> {
        let schema = outline.schema::<R>();
        let take = |name: &String| {
            let column = self.0.remove(name);
            column.ok_or_else(|| ArrowError::SchemaError(format!("column `{name}` was not gathered")))
        };
        let columns = schema.fields().iter().map(|field| field.name()).map(take).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&schema), columns)
    }
}

/// Makes a row of a table for each element of each list: with the id of the list's row and the element's fields. `position`,
/// where elements have none, is their place in the list.
pub(super) fn elements<R: Row>(
    outline: &Outline,
    id: &str,
    ids: &ArrayRef,
    lists: &ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let (mut owners, mut positions) = (Vec::new(), Vec::new());
    let lists =
        lists.as_list_opt::<i32>().ok_or_else(|| ArrowError::SchemaError("elements are no lists".to_owned()))?;
    for (owner, length) in (0_u32..).zip(lists.offsets().lengths()) {
        owners.extend(std::iter::repeat_n(owner, length));
        positions.extend((0_i32..).take(length));
    }
    let mut columns = Gathered::default();
    columns.add("position", Arc::new(Int32Array::from(positions)));
    let first = lists.value_offsets().first().map_or(0, |first| *first as usize);
    let values = lists.values().slice(first, owners.len());
    if let Some(structs) = values.as_struct_opt() {
        for (field, column) in structs.fields().iter().zip(structs.columns()) {
            columns.add(field.name(), Arc::clone(column));
        }
    }
    columns.add(id, take(ids, &UInt32Array::from(owners), None)?);
    columns.batch::<R>(outline)
}

/// Returns how many bytes of text the rows of a batch hold.
pub(in crate::dataset) fn text_bytes(batch: &RecordBatch) -> usize {
    let mut text = vec![0; batch.num_rows()];
    batch.columns().iter().for_each(|column| add_text(column, &mut text));
    text.into_iter().sum()
}

/// Adds how many bytes of text each row of a column holds.
pub(super) fn add_text(column: &ArrayRef, text: &mut [usize]) {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            text.iter_mut().zip(texts.offsets().lengths()).for_each(|(text, length)| *text += length);
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let mut inner = vec![0; lists.values().len()];
            add_text(lists.values(), &mut inner);
            for (text, ends) in text.iter_mut().zip(lists.value_offsets().windows(2)) {
                if let [first, end] = ends {
                    *text += inner.get(*first as usize..*end as usize).unwrap_or_default().iter().sum::<usize>();
                }
            }
        }
        DataType::Struct(_) => column.as_struct().columns().iter().for_each(|column| add_text(column, text)),
        _ => {}
    }
}
