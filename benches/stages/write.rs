//! The tables written anew from what earlier builds learnt, as when a job asks for another compression.

use criterion::{BatchSize, Criterion, Throughput};
use notemill::dataset::Layout;
use notemill::job::Compression;

use crate::answers::{self, InMemory};
use crate::build::build;

const NOTES: u64 = 2_000;

pub(crate) fn measure(criterion: &mut Criterion) {
    let parts = [InMemory(answers::details(NOTES, 0))];
    let layout = |compression| Layout { compression, ..Layout::default() };
    let mut group = criterion.benchmark_group("write");
    group.sample_size(10).throughput(Throughput::Elements(NOTES));
    for (name, before, compression) in [
        ("all tables of 2,000 details, zstd", Compression::None, Compression::Zstd),
        ("all tables of 2,000 details, plain", Compression::Zstd, Compression::None),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let home = tempfile::tempdir().unwrap();
                    build(home.path(), &parts, NOTES, &layout(before));
                    home
                },
                |home| {
                    build(home.path(), &parts, NOTES, &layout(compression));
                    home
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
