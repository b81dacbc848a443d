//! Builds Xiaohongshu datasets from paid REST APIs.

pub mod archive;
pub mod cli;
pub mod crawl;
pub mod dataset;
pub mod fetch;
pub mod flatten;
pub mod job;
pub mod model;
pub mod report;
pub mod sandbox;
pub mod state;
pub mod vendor;
