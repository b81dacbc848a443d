//! How long each stage takes, from a body to a whole run: `cargo bench`, or `cargo bench -- extract` for one stage.
//!
//! | stage | what is measured |
//! |---|---|
//! | `extract` | a body parsed and extracted: what it tells of notes and authors |
//! | `merge` | observations in the cache to tables, of notes that were seen before |
//! | `write` | all tables from what earlier builds learnt; the writer of one table is not public |
//! | `build` | answers in memory to a published snapshot |
//! | `run` | a crawl of details against a provider on this machine that answers after a fixed time |
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod answers;
mod build;
mod extract;
mod merge;
mod run;
mod write;

use criterion::Criterion;

/// The command has the same.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    extract::measure(&mut criterion);
    merge::measure(&mut criterion);
    write::measure(&mut criterion);
    build::measure(&mut criterion);
    run::measure(&mut criterion);
    criterion.final_summary();
}
