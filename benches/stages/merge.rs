//! The observations in the cache merged anew, and all tables written, as when only the merge rule is another one.

use criterion::{BatchSize, Criterion, Throughput};
use notemill::dataset::Layout;

use crate::answers::{self, InMemory};
use crate::build::build;

const NOTES: u64 = 500;
/// How often each note was seen.
const NIGHTS: i64 = 4;

pub(crate) fn measure(criterion: &mut Criterion) {
    let nights = (0..NIGHTS).flat_map(|night| answers::details(NOTES, night * 86_400));
    let parts = [InMemory(nights.collect())];
    let build = |home: &std::path::Path| build(home, &parts, NOTES, &Layout::default());
    let mut group = criterion.benchmark_group("merge");
    group.sample_size(10).throughput(Throughput::Elements(NOTES * NIGHTS.unsigned_abs()));
    group.bench_function("2,000 answers about 500 notes", |bencher| {
        bencher.iter_batched(
            || {
                let home = tempfile::tempdir().unwrap();
                build(home.path());
                std::fs::remove_dir_all(home.path().join(".cache/merge_state")).unwrap();
                home
            },
            |home| {
                build(home.path());
                home
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
