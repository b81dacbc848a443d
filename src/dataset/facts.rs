//! What the records of a folder tell together, so that the card and the reports need not read them again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Sums over some records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// From when to when the notes were published, as vendors told.
    pub(super) published: Option<(Timestamp, Timestamp)>,
    /// From when to when the answers came.
    pub(super) observed: Option<(Timestamp, Timestamp)>,
    /// Calls, by vendor and endpoint.
    pub(super) calls: BTreeMap<String, BTreeMap<String, u64>>,
    /// Things that could not be read, by run.
    pub(super) rejects: BTreeMap<String, u64>,
    /// Elements that were not asked for, by run.
    pub(super) skipped: BTreeMap<String, u64>,
}

impl Facts {
    /// Adds what other records tell.
    pub(super) fn add(&mut self, other: &Self) {
        for (span, other) in [(&mut self.published, other.published), (&mut self.observed, other.observed)] {
            if let Some((first, last)) = other {
                widen(span, first);
                widen(span, last);
            }
        }
        for (vendor, endpoints) in &other.calls {
            sum(self.calls.entry(vendor.clone()).or_default(), endpoints);
        }
        sum(&mut self.rejects, &other.rejects);
        sum(&mut self.skipped, &other.skipped);
    }
}

/// Makes a span hold a moment.
pub(super) fn widen(span: &mut Option<(Timestamp, Timestamp)>, time: Timestamp) {
    let (first, last) = span.unwrap_or((time, time));
    *span = Some((first.min(time), last.max(time)));
}

/// Adds to the count of a name.
pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    if let Some(count) = counts.get_mut(name) {
        *count += by;
    } else if by > 0 {
        counts.insert(name.to_owned(), by);
    }
}

fn sum(own: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (name, by) in other {
        count(own, name, *by);
    }
}
