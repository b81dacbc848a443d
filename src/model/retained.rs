//! Observations that a raw answer left behind when its body went.

use std::fmt;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

/// How many kinds of observations there are.
pub const KINDS: usize = 5;

/// The observations of one answer, at all its positions: one record batch a kind, in the order of the documentation.
#[derive(Clone, PartialEq)]
pub struct Retained {
    /// The fingerprint of the pseudonyms' key; none if users have their own ids.
    pub pseudonyms: Option<String>,
    /// Notes, authors, search hits, calls, rejects.
    pub batches: [RecordBatch; KINDS],
}

// Columns of floats are compared as they are written.
impl Eq for Retained {}

impl Retained {
    /// Makes them of batches, whose descriptions need not be kept with each answer.
    pub fn new(pseudonyms: Option<String>, batches: [RecordBatch; KINDS]) -> Self {
        Self { pseudonyms, batches: batches.map(without_descriptions) }
    }

    /// Returns about how many bytes they take.
    pub fn len(&self) -> usize {
        let columns = self.batches.iter().flat_map(RecordBatch::columns);
        columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or_default()).sum()
    }

    /// Returns true if there is no column in them.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the batches as Arrow IPC streams, one after the other, compressed: the schemas take more than the rows.
    ///
    /// # Errors
    ///
    /// A batch cannot be written.
    pub fn to_ipc(&self) -> Result<Vec<u8>, ArrowError> {
        let mut bytes = Vec::new();
        for batch in &self.batches {
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
        Ok(Self { pseudonyms, batches: [next()?, next()?, next()?, next()?, next()?] })
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
        let rows: Vec<usize> = self.batches.iter().map(RecordBatch::num_rows).collect();
        f.debug_struct("Retained").field("pseudonyms", &self.pseudonyms).field("rows", &rows).finish()
    }
}
