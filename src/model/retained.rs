//! Observations that a raw answer left behind when its body went.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

/// How many kinds of observations there are.
pub const KINDS: usize = 5;

/// The observations of one answer, at all its positions: some rows of record batches that it shares with other answers, one
/// batch a kind. A batch of its own for each answer would take more memory than the answer did.
#[derive(Clone)]
pub struct Retained {
    /// The fingerprint of the pseudonyms' key; none if users have their own ids.
    pub pseudonyms: Option<String>,
    shared: Arc<[RecordBatch; KINDS]>,
    /// The first row in each batch, and how many there are.
    rows: [(usize, usize); KINDS],
}

impl PartialEq for Retained {
    fn eq(&self, other: &Self) -> bool {
        self.pseudonyms == other.pseudonyms && self.batches() == other.batches()
    }
}

// Columns of floats are compared as they are written.
impl Eq for Retained {}

impl Retained {
    /// Makes them of all rows of some batches, whose descriptions need not be kept with each answer.
    pub fn new(pseudonyms: Option<String>, batches: [RecordBatch; KINDS]) -> Self {
        let shared = batches.map(without_descriptions);
        let rows = shared.each_ref().map(|batch| (0, batch.num_rows()));
        Self { pseudonyms, shared: Arc::new(shared), rows }
    }

    /// Makes them of some rows of shared batches: the first in each batch, and how many there are.
    pub const fn of(
        pseudonyms: Option<String>,
        shared: Arc<[RecordBatch; KINDS]>,
        rows: [(usize, usize); KINDS],
    ) -> Self {
        Self { pseudonyms, shared, rows }
    }

    /// Returns the rows, one batch a kind: notes, authors, search hits, calls, rejects.
    pub fn batches(&self) -> [RecordBatch; KINDS] {
        let mut rows = self.rows.iter();
        self.shared.each_ref().map(|batch| {
            let (from, length) = rows.next().copied().unwrap_or_default();
            batch.slice(from, length)
        })
    }

    /// Returns true if any text, or any number as it is written, is what `is_wanted` looks for.
    pub fn any_value(&self, mut is_wanted: impl FnMut(&str) -> bool) -> bool {
        self.batches().iter().flat_map(RecordBatch::columns).any(|column| any_in(column, &mut is_wanted))
    }

    /// Takes the rows of another answer in, if they stand behind these in the same batches. Returns true if it did.
    pub fn extend(&mut self, other: &Self) -> bool {
        let pairs = || self.rows.iter().zip(&other.rows);
        let is_next = pairs().all(|((from, length), (next, more))| from + length == *next || *more == 0);
        if !Arc::ptr_eq(&self.shared, &other.shared) || !is_next {
            return false;
        }
        self.rows.iter_mut().zip(&other.rows).for_each(|((_, length), (_, more))| *length += more);
        true
    }

    /// Writes the batches as Arrow IPC streams, one after the other, compressed: the schemas take more than the rows.
    ///
    /// # Errors
    ///
    /// A batch cannot be written.
    pub fn to_ipc(&self) -> Result<Vec<u8>, ArrowError> {
        let mut bytes = Vec::new();
        for batch in &self.batches() {
            let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
            writer.write(batch)?;
            writer.finish()?;
        }
        Ok(zstd::stream::encode_all(bytes.as_slice(), 3)?)
    }

    /// Reads what [`Retained::to_ipc`] wrote.
    ///
    /// # Errors
    ///
    /// The bytes are damaged.
    pub fn from_ipc(pseudonyms: Option<String>, bytes: &[u8]) -> Result<Self, ArrowError> {
        let bytes = zstd::stream::decode_all(bytes)?;
        let mut bytes = bytes.as_slice();
        let mut next = || -> Result<RecordBatch, ArrowError> {
            let mut reader = StreamReader::try_new(&mut bytes, None)?;
            let batch = reader.next().unwrap_or_else(|| Err(ArrowError::IpcError("there is no batch".into())))?;
            match reader.next() {
                None => Ok(batch),
                Some(_) => Err(ArrowError::IpcError("there is more than one batch".into())),
            }
        };
        Ok(Self::new(pseudonyms, [next()?, next()?, next()?, next()?, next()?]))
    }
}

fn any_in(array: &ArrayRef, is_wanted: &mut dyn FnMut(&str) -> bool) -> bool {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().flatten().any(is_wanted),
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().flatten().any(|number| is_wanted(&number.to_string()))
        }
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().iter().flatten().any(|number| is_wanted(&number.to_string()))
        }
        DataType::Struct(_) => array.as_struct().columns().iter().any(|column| any_in(column, is_wanted)),
        DataType::List(_) => array.as_list::<i32>().iter().flatten().any(|list| any_in(&list, is_wanted)),
        // Dates, flags and places in lists.
        _ => false,
    }
}

/// Takes the descriptions off the columns of a batch.
pub fn without_descriptions(batch: RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let mut metadata = field.metadata().clone();
        metadata.remove("description");
        field.as_ref().clone().with_metadata(metadata)
    });
    let plain = Schema::new(fields.collect::<Vec<_>>());
    // The types are the same.
    batch.clone().with_schema(plain.into()).unwrap_or(batch)
}

impl fmt::Debug for Retained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.map(|(_, rows)| rows);
        f.debug_struct("Retained").field("pseudonyms", &self.pseudonyms).field("rows", &rows).finish_non_exhaustive()
    }
}
