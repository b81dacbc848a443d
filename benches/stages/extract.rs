//! A body parsed and extracted.

use criterion::{Criterion, Throughput};
use notemill::flatten::flatten;
use notemill::json;
use notemill::model::Body;

use crate::answers;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extract");
    let made_up = answers::details(1, 0).remove(0);
    for (name, answer) in answers::samples().into_iter().chain([("made-up detail", made_up)]) {
        let body = answer.body.as_ref().map(Body::bytes).unwrap().to_vec();
        group.throughput(Throughput::Bytes(body.len() as u64));
        assert!(flatten(&answer).rejects.is_empty(), "{name}: {:?}", flatten(&answer).rejects);
        group.bench_function(format!("{name}, parsed"), |bencher| bencher.iter(|| json::parse(&body).is_ok()));
        group.bench_function(format!("{name}, parsed and extracted"), |bencher| bencher.iter(|| flatten(&answer)));
    }
    group.finish();
}
