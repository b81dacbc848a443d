//! Libraries that panic over damaged bytes, held so that damage stays an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a reader of someone else's; a panic in it is an error that says so.
pub fn caught<T>(read: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "its reader gave up on it")
}
