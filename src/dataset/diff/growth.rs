//! How much counts grew, over all rows that two snapshots have.

use std::collections::BTreeMap;

use serde::Serialize;

/// How one count grew in the rows where it is another one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// In how many rows; rows in which either snapshot tells no count are not among them.
    pub rows: u64,
    /// By how much in all; negative where counts fell.
    pub sum: i64,
    /// The median of these rows.
    pub median: f64,
}

/// Steps by how often they were seen: many rows take few different ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(BTreeMap<i64, u64>);

impl Steps {
    pub(super) fn add(&mut self, step: i64) {
        if step != 0 {
            *self.0.entry(step).or_default() += 1;
        }
    }

    /// Sums up; none where nothing changed.
    pub(super) fn growth(&self) -> Option<Growth> {
        let rows: u64 = self.0.values().sum();
        let sum = self.0.iter().fold(0_i64, |sum, (step, times)| {
            let times = i64::try_from(*times).unwrap_or(i64::MAX);
            sum.saturating_add(step.saturating_mul(times))
        });
        let (low, high) = (self.at(rows.checked_sub(1)? / 2)?, self.at(rows / 2)?);
        Some(Growth { rows, sum, median: f64::midpoint(low as f64, high as f64) })
    }

    /// Returns the step at a place of the sorted list, from 0.
    fn at(&self, place: u64) -> Option<i64> {
        let mut before = 0;
        self.0.iter().find_map(|(step, times)| {
            before += times;
            (place < before).then_some(*step)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(steps: &[i64]) -> Option<(u64, i64, f64)> {
        let mut seen = Steps::default();
        for step in steps {
            seen.add(*step);
        }
        seen.growth().map(|growth| (growth.rows, growth.sum, growth.median))
    }

    #[test]
    fn sums_and_medians_are_of_what_changed() {
        assert_eq!(growth(&[]), None);
        assert_eq!(growth(&[0, 0]), None);
        assert_eq!(growth(&[0, 5]), Some((1, 5, 5.0)));
        assert_eq!(growth(&[4, -2, 1, 0]), Some((3, 3, 1.0)));
        assert_eq!(growth(&[7, 2, 2, 10]), Some((4, 21, 4.5)));
        assert_eq!(growth(&[i64::MAX, i64::MAX]), Some((2, i64::MAX, i64::MAX as f64)));
    }
}
