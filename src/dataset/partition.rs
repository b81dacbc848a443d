//! Folders: by what a table is split, and what the folders are called.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::flatten::tables::PartitionedBy;
use crate::job::{Compression, Output, Partition};
use crate::model::Zone;

/// The date in the folder of a table without rows.
const NO_DATE: Date = date(1970, 1, 1);

/// Says how tables are laid out on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// How `notes` and its child tables are partitioned.
    pub partition: Partition,
    /// The time zone in which partitions count dates. Manifests of older versions do not name it: they counted in UTC.
    #[serde(default = "utc")]
    pub time_zone: Zone,
    /// How files are compressed.
    pub compression: Compression,
    /// How many snapshots are kept; the latest always is. A manifest does not tell it: read from there, it is all.
    #[serde(skip, default = "all")]
    pub keep_snapshots: u32,
}

const fn utc() -> Zone {
    Zone::UTC
}

const fn all() -> u32 {
    u32::MAX
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            partition: Partition::default(),
            time_zone: Zone::default(),
            compression: Compression::default(),
            keep_snapshots: all(),
        }
    }
}

impl From<Output> for Layout {
    fn from(output: Output) -> Self {
        let Output { partition, time_zone, compression, keep_snapshots } = output;
        Self { partition, time_zone, compression, keep_snapshots }
    }
}

impl Layout {
    /// Returns how records are sorted into folders.
    pub(super) fn partitions(&self) -> PartitionSpec {
        PartitionSpec { partition: self.partition, time_zone: self.time_zone.clone() }
    }
}

/// Says in which folder of its table a record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartitionSpec {
    partition: Partition,
    time_zone: Zone,
}

impl PartitionSpec {
    /// Returns the folder inside a table's folder for rows of this time; empty for a table that is not split.
    pub(super) fn folder(&self, by: PartitionedBy, time: Timestamp) -> String {
        self.of_date(by, self.time_zone.date(time))
    }

    /// Returns the same if it is known without a time, or if there is one.
    pub(super) fn folder_if_known(&self, by: PartitionedBy, time: Option<Timestamp>) -> Option<String> {
        match time {
            Some(time) => Some(self.folder(by, time)),
            None => column(by, self.partition).is_none().then(String::new),
        }
    }

    /// Returns the folder of the empty file that stands for a table without rows.
    pub(super) fn folder_of_nothing(&self, by: PartitionedBy) -> String {
        self.of_date(by, NO_DATE)
    }

    fn of_date(&self, by: PartitionedBy, date: Date) -> String {
        let Some(column) = column(by, self.partition) else { return String::new() };
        let (year, month, day) = (date.year(), date.month(), date.day());
        match (by, self.partition) {
            (PartitionedBy::Published, Partition::Year) => format!("{column}={year:04}"),
            (PartitionedBy::Published, Partition::Month) => format!("{column}={year:04}-{month:02}"),
            _ => format!("{column}={year:04}-{month:02}-{day:02}"),
        }
    }
}

fn column(by: PartitionedBy, partition: Partition) -> Option<&'static str> {
    match (by, partition) {
        (PartitionedBy::Nothing, _) | (PartitionedBy::Published, Partition::None) => None,
        (PartitionedBy::Published, Partition::Year) => Some("published_year"),
        (PartitionedBy::Published, Partition::Month) => Some("published_month"),
        (PartitionedBy::Published, Partition::Day) => Some("published_date"),
        (PartitionedBy::ObservedDate, _) => Some("observed_date"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flatten::tables::PARTITION_COLUMNS;

    #[test]
    fn no_folder_is_named_after_a_column_that_a_job_may_add() {
        for by in [PartitionedBy::Published, PartitionedBy::ObservedDate] {
            for partition in [Partition::None, Partition::Year, Partition::Month, Partition::Day] {
                assert!(column(by, partition).is_none_or(|name| PARTITION_COLUMNS.contains(&name)));
            }
        }
    }

    #[test]
    fn folders_are_named_as_readers_expect() {
        use PartitionedBy::{Nothing, ObservedDate, Published};
        let time = Some("2025-12-31T16:00:00Z".parse().unwrap());
        for (by, partition, time, utc, shanghai) in [
            (Published, Partition::None, time, Some(""), Some("")),
            (Published, Partition::None, None, Some(""), Some("")),
            (Published, Partition::Year, time, Some("published_year=2025"), Some("published_year=2026")),
            (Published, Partition::Month, time, Some("published_month=2025-12"), Some("published_month=2026-01")),
            (Published, Partition::Month, None, None, None),
            (Published, Partition::Day, time, Some("published_date=2025-12-31"), Some("published_date=2026-01-01")),
            (ObservedDate, Partition::None, time, Some("observed_date=2025-12-31"), Some("observed_date=2026-01-01")),
            (Nothing, Partition::Year, time, Some(""), Some("")),
        ] {
            for (time_zone, folder) in [(Zone::UTC, utc), (Zone::default(), shanghai)] {
                let spec = PartitionSpec { partition, time_zone };
                assert_eq!(spec.folder_if_known(by, time).as_deref(), folder, "{by:?} {spec:?}");
            }
        }
    }

    #[test]
    fn a_table_without_rows_lies_in_1970_in_every_zone() {
        for name in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
            let spec = PartitionSpec { partition: Partition::Year, time_zone: name.parse().unwrap() };
            assert_eq!(spec.folder_of_nothing(PartitionedBy::Published), "published_year=1970");
            assert_eq!(spec.folder_of_nothing(PartitionedBy::ObservedDate), "observed_date=1970-01-01");
        }
    }
}
