//! A whole run: details asked of a provider on this machine that answers after a fixed time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use criterion::{BatchSize, Criterion, Throughput};
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::fetch::retry::Patience;
use notemill::job::{self, Job};
use notemill::model::{Answer, Body, Call};
use tokio::sync::watch;

use crate::answers;

const LATENCY: Duration = Duration::from_millis(20);
const NOTES: u64 = 256;
const CONCURRENCY: u32 = 32;

/// Bodies by the ids of their notes.
type Bodies = Arc<BTreeMap<String, Vec<u8>>>;

pub(crate) fn measure(criterion: &mut Criterion) {
    let bodies: Bodies = Arc::new(answers::details(NOTES, 0).iter().map(body).collect());
    // The provider has a thread of its own, so that it is never late for the crawl's sake.
    let provider = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address = provider.block_on(start(Arc::clone(&bodies)));
    let crawl = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10).throughput(Throughput::Elements(NOTES));
    group.bench_function("256 details after 20 ms each, 32 at once", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().unwrap(),
            |home| {
                let job = job_for(home.path(), &address, &bodies);
                assert_eq!(crawl.block_on(run(&job)), Ended::Complete);
                home
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn body(answer: &Answer) -> (String, Vec<u8>) {
    let Call::NoteDetail { note_id } = &answer.call else { unreachable!("only details are made") };
    (note_id.to_string(), answer.body.as_ref().map(Body::bytes).unwrap().to_vec())
}

/// Starts the provider; it is up until its runtime ends.
async fn start(bodies: Bodies) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(bodies);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn answer(
    State(bodies): State<Bodies>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Vec<u8>, StatusCode> {
    tokio::time::sleep(LATENCY).await;
    params.get("noteId").and_then(|id| bodies.get(id)).cloned().ok_or(StatusCode::NOT_FOUND)
}

fn job_for(home: &Path, address: &str, bodies: &Bodies) -> Job {
    let ids: Vec<&String> = bodies.keys().collect();
    let text = format!(
        "seeds = [{{ notes = {ids:?} }}]\nexpand = {{ authors = false }}\n[vendors.justoneapi]\n\
         base_url = \"{address}\"\nconcurrency = {CONCURRENCY}\n"
    );
    let mut job = job::check("job.toml", home, &text).unwrap();
    job.dataset = home.join("dataset");
    job
}

async fn run(job: &Job) -> Ended {
    let mut state = notemill::state::State::open(&job.dataset).unwrap();
    let begun = crawl::begin(job, &mut state, Begin::Continue).unwrap();
    let keys: BTreeMap<String, Key> =
        job.vendors.keys().map(|name| (name.clone(), Key::new("no-key-is-needed-here").unwrap())).collect();
    let (_sender, stop) = watch::channel(false);
    let ended = crawl::run(job, &mut state, &begun, &keys, Patience::default(), stop, &mut |_| {}).await.unwrap();
    crawl::close(&mut state, &begun, &ended).unwrap();
    ended
}
