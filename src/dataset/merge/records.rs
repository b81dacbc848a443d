//! Records in batches: selected from observations, with the keys by which they are sorted.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::{and, filter_record_batch, interleave_record_batch};
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use super::columns::column;
use super::gather::add_text;
use super::{Family, Rank};
use crate::flatten::tables::{Outline, Row};

/// The column of observations that says whether they count.
const IS_ADMITTED: &str = "is_admitted";

/// The columns of a family's records.
#[derive(Debug)]
pub(in crate::dataset) struct Schema<F> {
    schema: SchemaRef,
    family: PhantomData<fn() -> F>,
}

impl<F> Clone for Schema<F> {
    fn clone(&self) -> Self {
        Self { schema: Arc::clone(&self.schema), family: PhantomData }
    }
}

impl<F: Family> Schema<F> {
    pub(in crate::dataset) fn new(outline: &Outline) -> Self {
        let observed = outline.schema::<F::Observed>();
        let is_own = |field: &&Arc<Field>| {
            let name = field.name().as_str();
            F::COLUMNS.map_or(name != IS_ADMITTED, |columns| columns.contains(&name))
        };
        // Descriptions are for readers.
        let plain = |field: &Arc<Field>| field.as_ref().clone().with_metadata([].into());
        let fields: Vec<Field> = observed.fields().iter().filter(is_own).map(plain).collect();
        Self { schema: arrow::datatypes::Schema::new(fields).into(), family: PhantomData }
    }

    /// Returns the columns of a record.
    pub(in crate::dataset) fn arrow(&self) -> &SchemaRef {
        &self.schema
    }

    /// Lists the columns of observations that records are selected by and made of.
    pub(in crate::dataset) fn observed(&self) -> Vec<&str> {
        let own = self.schema.fields().iter().map(|field| field.name().as_str());
        own.chain([IS_ADMITTED]).collect()
    }

    /// Selects the records among observations.
    pub(in crate::dataset) fn select(&self, observed: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = self.schema.fields().iter().map(|field| column(observed, field.name()).cloned());
        let records = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)?;
        let admitted = observed.column_by_name(IS_ADMITTED).and_then(|column| column.as_boolean_opt()).cloned();
        let selected = match (admitted, F::is_record(observed)?) {
            (Some(admitted), Some(is_record)) => Some(and(&admitted, &is_record)?),
            (admitted, is_record) => admitted.or(is_record),
        };
        match selected {
            Some(selected) if selected.true_count() < records.num_rows() => filter_record_batch(&records, &selected),
            _ => Ok(records),
        }
    }
}

/// Some records of a family, sorted by key.
pub(in crate::dataset) struct Records<F: Family> {
    /// All their columns.
    pub(in crate::dataset) batch: RecordBatch,
    /// Those that are read row by row.
    pub(in crate::dataset) columns: F::Columns,
    keys: Rows,
    /// How many bytes of text each of them holds.
    text: Vec<usize>,
}

impl<F: Family> Records<F> {
    pub(in crate::dataset) fn new(batch: RecordBatch) -> Result<Rc<Self>, ArrowError> {
        let columns = F::columns(&batch)?;
        let keys = keys_of::<F::Observed>(&batch, F::KEY)?;
        let mut text = vec![0; batch.num_rows()];
        batch.columns().iter().for_each(|column| add_text(column, &mut text));
        Ok(Rc::new(Self { batch, columns, keys, text }))
    }
}

/// Encodes the first columns of those by which a kind of observations is sorted; the bytes have the order of the values.
fn keys_of<R: Row>(batch: &RecordBatch, columns: usize) -> Result<Rows, ArrowError> {
    let columns = R::SORTED_BY.iter().take(columns).map(|name| column(batch, name).cloned());
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
    encode(&columns)
}

fn encode(columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    RowConverter::new(fields)?.convert_columns(columns)
}

/// Sorts observations of one kind, and returns them in batches of at most so many rows.
pub(in crate::dataset) fn sorted<R: Row>(
    batches: &[RecordBatch],
    rows_per_batch: usize,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let keys = batches.iter().map(|batch| keys_of::<R>(batch, R::SORTED_BY.len())).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<(&[u8], usize, usize)> = Vec::new();
    for (at, keys) in keys.iter().enumerate() {
        order.extend(keys.iter().enumerate().map(|(row, key)| (key.data(), at, row)));
    }
    // What is equal stays in the order of the answers.
    order.sort();
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let places: Vec<(usize, usize)> = order.into_iter().map(|(_, at, row)| (at, row)).collect();
    places.chunks(rows_per_batch).map(|places| interleave_record_batch(&batches, places)).collect()
}

/// One record.
pub(in crate::dataset) struct Member<F: Family> {
    /// The batch.
    pub(in crate::dataset) records: Rc<Records<F>>,
    /// The row of it.
    pub(in crate::dataset) row: usize,
}

impl<F: Family> Member<F> {
    /// Returns the columns that are read row by row.
    pub(in crate::dataset) fn columns(&self) -> &F::Columns {
        &self.records.columns
    }

    /// Returns the key, in bytes that have its order.
    pub(in crate::dataset) fn key(&self) -> &[u8] {
        self.records.keys.row(self.row).data()
    }

    /// Returns how many bytes of text the record holds.
    pub(in crate::dataset) fn text(&self) -> usize {
        self.records.text.get(self.row).copied().unwrap_or(0)
    }

    pub(super) fn rank(&self) -> Rank<'_> {
        F::rank(&self.records.columns, self.row)
    }

    /// Returns all its values, in bytes that have some order.
    pub(super) fn whole(&self) -> Result<Vec<u8>, ArrowError> {
        let row = self.records.batch.slice(self.row, 1);
        Ok(encode(row.columns())?.row(0).data().to_vec())
    }
}

/// Sorts the records of a key by rank, and those of equal rank by all their values; takes out what is there twice.
pub(super) fn rank_all<F: Family>(group: &mut Vec<Member<F>>) -> Result<(), ArrowError> {
    group.sort_by(super::by_rank);
    let is_tie = |pair: &[Member<F>]| matches!(pair, [own, other] if super::by_rank(own, other) == Ordering::Equal);
    if !group.windows(2).any(is_tie) {
        return Ok(());
    }
    let mut whole =
        group.drain(..).map(|member| Ok((member.whole()?, member))).collect::<Result<Vec<_>, ArrowError>>()?;
    whole.sort_by(|(own_bytes, own), (other_bytes, other)| {
        super::by_rank(own, other).then_with(|| own_bytes.cmp(other_bytes))
    });
    whole.dedup_by(|(own, _), (other, _)| own == other);
    group.extend(whole.into_iter().map(|(_, member)| member));
    Ok(())
}
