//! Schema drift: in what the answers of a run look different from those of the last finished run.

mod compare;
mod told;

use serde::{Deserialize, Serialize};

use crate::model::Fill;
use crate::vendor::{Kind, Shape};
use compare::compare;

/// What vendors changed without notice, as far as the answers show it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drift {
    /// How many paths are new, gone or of another type; the job's `drift_limit` is about them.
    pub paths: u64,
    /// Each endpoint of each vendor that answered.
    pub endpoints: Vec<EndpointDrift>,
    /// Columns that are filled more or less than in the snapshot before.
    pub columns: Vec<ColumnFill>,
}

/// What is different in the answers of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointDrift {
    /// The endpoint.
    pub endpoint: String,
    /// The vendor.
    pub vendor: String,
    /// How many answers of this run were looked at.
    pub answers: u64,
    /// How many paths they have.
    pub paths: u64,
    /// The run that they are compared with; none where no finished run asked the same.
    pub compared_with: Option<String>,
    /// Whether there were too many paths to compare anything.
    pub is_full: bool,
    /// What is different; the worst first.
    pub findings: Vec<Finding>,
}

/// Says how a path is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Most answers had it, and none has it now.
    Gone,
    /// It has another type.
    Retyped,
    /// No answer had it, and many have it now.
    New,
}

/// One path that is different; null counts as not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How.
    pub change: Change,
    /// The path: `[]` is any element, `{}` any entry of a map.
    pub path: String,
    /// How many paths below it came or went with it; they have no findings of their own.
    pub below: u64,
    /// How it was.
    pub before: Seen,
    /// How it is.
    pub now: Seen,
    /// A call that shows it; of a path that is gone, one of the earlier run.
    pub example: String,
}

/// In how many answers a path was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// In so many answers.
    pub answers: u64,
    /// Of so many that have what it stands in.
    pub of: u64,
    /// With these types.
    pub types: Vec<Kind>,
}

/// How many rows of a column are not null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnFill {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// In the snapshot before.
    pub before: Fill,
    /// In this run's snapshot.
    pub now: Fill,
}

impl EndpointDrift {
    /// Compares the answers of one endpoint with those of an earlier run.
    pub fn new(endpoint: &str, vendor: &str, now: &Shape, before: Option<(String, &Shape)>) -> Self {
        let is_full = now.is_full() || before.as_ref().is_some_and(|(_, before)| before.is_full());
        let findings = match &before {
            Some((_, before)) if !is_full => compare(before, now),
            _ => Vec::new(),
        };
        Self {
            endpoint: endpoint.to_owned(),
            vendor: vendor.to_owned(),
            answers: now.answers(),
            paths: now.paths().len() as u64,
            compared_with: before.map(|(run, _)| run),
            is_full,
            findings,
        }
    }
}
