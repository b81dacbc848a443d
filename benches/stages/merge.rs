//! Many observations of the same notes.

use criterion::{BatchSize, Criterion, Throughput};
use notemill::dataset::merge::Merged;
use notemill::flatten::{Flattened, flatten};

use crate::answers;

const NOTES: u64 = 500;
/// How often each note was seen.
const NIGHTS: i64 = 4;

pub(crate) fn measure(criterion: &mut Criterion) {
    let nights = (0..NIGHTS).flat_map(|night| answers::details(NOTES, night * 86_400));
    let flats: Vec<Flattened> = nights.map(|answer| flatten(&answer)).collect();
    let mut group = criterion.benchmark_group("merge");
    group.throughput(Throughput::Elements(flats.len() as u64));
    group.bench_function("2,000 answers about 500 notes", |bencher| {
        bencher.iter_batched(|| flats.clone(), merged, BatchSize::LargeInput);
    });
    group.finish();
}

fn merged(flats: Vec<Flattened>) -> Merged {
    flats.into_iter().fold(Merged::default(), |mut merged, flat| {
        merged.add(flat);
        merged
    })
}
