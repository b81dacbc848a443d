//! Builds Xiaohongshu datasets from paid REST APIs.

pub mod job;
pub mod model;
pub mod sandbox;
pub mod vendor;
