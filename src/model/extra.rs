//! Values of the columns that a job adds to a table.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Holds one value of a column that a job adds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Extra {
    /// Text.
    Text(String),
    /// A JSON value, as text.
    Json(String),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(Float),
    /// True or false.
    Truth(bool),
    /// A time in UTC.
    Time(Timestamp),
}

impl Extra {
    /// Returns how many bytes of text the value holds.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            _ => 0,
        }
    }
}

/// Holds a number that is told apart from every other: the better of two observations must be one of them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Float(pub f64);

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Float {}
