//! What answers together say, merged in memory by the rule that builds follow; for tests.

use std::fs;
use std::path::Path;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::RecordBatch;

use super::{
    AuthorMetrics, Authors, Calls, Family, Hits, NoteMetrics, Notes, Rejects, Schema, Sources, Stream, Tables, groups,
    sorted,
};
use crate::dataset::Layout;
use crate::dataset::merge_state::MergeError;
use crate::dataset::tables::FolderWriter;
use crate::dataset::writer::{SnapshotWriter, WriteError};
use crate::disk::Disk;
use crate::flatten::Flattened;
use crate::flatten::tables::{
    AuthorMetricRow, AuthorRow, AuthorTagRow, CallRow, NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteMetricRow,
    NoteRow, Outline, RejectRow, Row, SearchHitRow,
};
use crate::observations::Observed;

/// The records that are kept of some answers, family by family.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::dataset) struct Merged {
    notes: RecordBatch,
    authors: RecordBatch,
    hits: RecordBatch,
    note_metrics: RecordBatch,
    author_metrics: RecordBatch,
    calls: RecordBatch,
    rejects: RecordBatch,
}

/// Merges sorted records, and returns those that are kept.
fn kept<F: Family>(batches: &[RecordBatch]) -> RecordBatch {
    let streams =
        batches.iter().map(|batch| Stream::Open(Box::new([Ok(batch.clone())].into_iter()))).collect::<Vec<_>>();
    let (mut sources, mut places) = (Sources::<F>::default(), Vec::new());
    groups::<F, MergeError>(streams, |group| {
        let mut keep = Vec::new();
        F::kept(&F::winners(group), &mut keep);
        keep.sort_unstable();
        keep.dedup();
        places.extend(keep.into_iter().map(|at| sources.place(&group[at])));
        Ok(())
    })
    .unwrap();
    if places.is_empty() {
        return RecordBatch::new_empty(Schema::<F>::new(&Outline::default()).arrow().clone());
    }
    sources.records(&places).unwrap()
}

fn of_observed<F: Family>(observed: &RecordBatch) -> RecordBatch {
    let sorted = sorted::<F::Observed>(std::slice::from_ref(observed), usize::MAX).unwrap();
    let schema = Schema::<F>::new(&Outline::default());
    kept::<F>(&sorted.iter().map(|batch| schema.select(batch).unwrap()).collect::<Vec<_>>())
}

/// Fills the tables of a family, and reads one of them.
fn rows<F: Family, R: Row>(kept: &RecordBatch) -> Vec<R> {
    let home = tempfile::tempdir().unwrap();
    let outline = Outline::default();
    let target = home.path().join("000001");
    let writer = SnapshotWriter::begin(&Disk::machine(), &target, &Layout::default(), &outline, None).unwrap();
    let mut out = FolderWriter::new(&writer, "");
    let mut tables = F::Tables::new(&outline, &out).unwrap();
    let stream = Stream::Open(Box::new([Ok(kept.clone())].into_iter()));
    groups::<F, WriteError>(vec![stream], |group| tables.push(group, &F::winners(group), &mut out)).unwrap();
    tables.finish(&mut out).unwrap();
    let mut found = Vec::new();
    read_all(home.path(), R::TABLE, &mut found);
    found.iter().flat_map(R::read).collect()
}

fn read_all(folder: &Path, table: &str, found: &mut Vec<RecordBatch>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, table, found);
        } else if folder.file_name().unwrap() == table {
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
            found.extend(reader.build().unwrap().map(Result::unwrap));
        }
    }
}

impl Merged {
    /// Merges what answers say; all their positions count.
    pub(in crate::dataset) fn of<'a>(flats: impl IntoIterator<Item = &'a Flattened>) -> Self {
        let mut observed = Observed::default();
        flats.into_iter().for_each(|flat| observed.add_admitted(flat.clone(), |_| true));
        let [notes, authors, hits, calls, rejects] = observed.batches(&Outline::default()).unwrap();
        Self {
            note_metrics: of_observed::<NoteMetrics>(&notes),
            notes: of_observed::<Notes>(&notes),
            author_metrics: of_observed::<AuthorMetrics>(&authors),
            authors: of_observed::<Authors>(&authors),
            hits: of_observed::<Hits>(&hits),
            calls: of_observed::<Calls>(&calls),
            rejects: of_observed::<Rejects>(&rejects),
        }
    }

    /// Merges what is kept of two groups of answers.
    pub(in crate::dataset) fn joined(&self, other: &Self) -> Self {
        let both = |of: fn(&Self) -> &RecordBatch| [of(self).clone(), of(other).clone()];
        Self {
            notes: kept::<Notes>(&both(|merged| &merged.notes)),
            authors: kept::<Authors>(&both(|merged| &merged.authors)),
            hits: kept::<Hits>(&both(|merged| &merged.hits)),
            note_metrics: kept::<NoteMetrics>(&both(|merged| &merged.note_metrics)),
            author_metrics: kept::<AuthorMetrics>(&both(|merged| &merged.author_metrics)),
            calls: kept::<Calls>(&both(|merged| &merged.calls)),
            rejects: kept::<Rejects>(&both(|merged| &merged.rejects)),
        }
    }

    pub(in crate::dataset) fn note_rows(&self) -> Vec<NoteRow> {
        rows::<Notes, _>(&self.notes)
    }

    pub(in crate::dataset) fn image_rows(&self) -> Vec<NoteImageRow> {
        rows::<Notes, _>(&self.notes)
    }

    pub(in crate::dataset) fn hashtag_rows(&self) -> Vec<NoteHashtagRow> {
        rows::<Notes, _>(&self.notes)
    }

    pub(in crate::dataset) fn mention_rows(&self) -> Vec<NoteMentionRow> {
        rows::<Notes, _>(&self.notes)
    }

    pub(in crate::dataset) fn author_rows(&self) -> Vec<AuthorRow> {
        rows::<Authors, _>(&self.authors)
    }

    pub(in crate::dataset) fn author_tag_rows(&self) -> Vec<AuthorTagRow> {
        rows::<Authors, _>(&self.authors)
    }

    pub(in crate::dataset) fn hit_rows(&self) -> Vec<SearchHitRow> {
        rows::<Hits, _>(&self.hits)
    }

    pub(in crate::dataset) fn note_metric_rows(&self) -> Vec<NoteMetricRow> {
        rows::<NoteMetrics, _>(&self.note_metrics)
    }

    pub(in crate::dataset) fn author_metric_rows(&self) -> Vec<AuthorMetricRow> {
        rows::<AuthorMetrics, _>(&self.author_metrics)
    }

    pub(in crate::dataset) fn call_rows(&self) -> Vec<CallRow> {
        rows::<Calls, _>(&self.calls)
    }

    pub(in crate::dataset) fn reject_rows(&self) -> Vec<RejectRow> {
        rows::<Rejects, _>(&self.rejects)
    }
}
