//! Whole runs: jobs against the sandbox and against scripted servers, over HTTP.

mod crawl;
mod outcomes;
mod scripted;
mod support;
