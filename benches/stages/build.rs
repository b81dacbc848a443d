//! A whole build: answers in memory to a published snapshot on disk.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use notemill::dataset::{self, Effort, Layout, Origin};
use notemill::disk::Disk;
use notemill::flatten::Recipe;

use crate::answers::{self, InMemory};

const NOTES: u64 = 2_000;

pub(crate) fn measure(criterion: &mut Criterion) {
    let parts = [InMemory(answers::details(NOTES, 0))];
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10).throughput(Throughput::Elements(NOTES));
    group.bench_function("2,000 details of 24 months", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().unwrap(),
            |home| {
                build(home.path(), &parts, NOTES, &Layout::default());
                home
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Builds so many notes on one thread, so that figures of different machines can be compared.
pub(crate) fn build(home: &Path, parts: &[InMemory], notes: u64, layout: &Layout) {
    let effort = Effort { threads: 1, ..Effort::default() };
    let (disk, recipe) = (Disk::machine(), Recipe::default());
    let built = dataset::build(parts, &disk, home, layout, &recipe, Origin::Sandbox, effort).unwrap();
    assert_eq!(built.rows["notes"], notes);
}
