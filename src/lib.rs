//! Builds Xiaohongshu datasets from paid REST APIs.

pub mod dataset;
pub mod flatten;
pub mod job;
pub mod model;
pub mod vendor;
