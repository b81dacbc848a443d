//! Tests of whole job files: right ones, wrong ones, ones with keys in them, and nonsense.

mod any_text;
pub(super) mod documented;
mod files;
mod hidden;
mod right;
mod wrong;
mod zone;

use std::path::Path;

use super::{Job, Problems, check};

fn checked(text: &str) -> Result<Job, Problems> {
    check("job.toml", Path::new("no-such-folder"), text)
}

fn good(text: &str) -> Job {
    checked(text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

fn bad(text: &str) -> Problems {
    match checked(text) {
        Err(problems) => problems,
        Ok(job) => panic!("{job:#?}\n{text}"),
    }
}
