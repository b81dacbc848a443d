//! Whole runs: jobs against the sandbox and against scripted servers, over HTTP; the command line as a person sees it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod added;
mod answers;
mod budget;
mod cli;
mod clocks;
mod columns;
mod compared;
mod crawl;
mod days;
mod docs;
mod drift;
mod filters;
mod forget;
mod found;
mod hostile;
mod jobs;
mod known;
mod lists;
mod messages;
mod nights;
mod outcomes;
mod people;
mod places;
mod plan;
mod proxies;
mod refresh;
mod reliability;
mod retain;
mod scripted;
mod stored;
mod support;
mod tidy;
mod unresolved;
mod wire;
