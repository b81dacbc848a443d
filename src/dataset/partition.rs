//! Folders: by what a table is split, and what the folders are called.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::flatten::tables::PartitionedBy;
use crate::job::{Compression, Output, Partition};

/// The name that readers understand as "null".
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Says how tables are laid out on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// How `notes` and its child tables are partitioned.
    pub partition: Partition,
    /// How files are compressed.
    pub compression: Compression,
    /// How many snapshots are kept; the latest always is. A manifest does not tell it: read from there, it is all.
    #[serde(skip, default = "all")]
    pub keep_snapshots: u32,
}

const fn all() -> u32 {
    u32::MAX
}

impl Default for Layout {
    fn default() -> Self {
        Self { partition: Partition::default(), compression: Compression::default(), keep_snapshots: all() }
    }
}

impl From<Output> for Layout {
    fn from(output: Output) -> Self {
        let Output { partition, compression, keep_snapshots } = output;
        Self { partition, compression, keep_snapshots }
    }
}

/// Returns the folder inside a table's folder for rows of this time; empty for a table that is not split.
pub(super) fn folder(by: PartitionedBy, partition: Partition, time: Option<Timestamp>) -> String {
    let Some(column) = column(by, partition) else { return String::new() };
    let Some(time) = time else { return format!("{column}={NULL}") };
    let date = TimeZone::UTC.to_datetime(time).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    match (by, partition) {
        (PartitionedBy::Published, Partition::Year) => format!("{column}={year:04}"),
        (PartitionedBy::Published, Partition::Month) => format!("{column}={year:04}-{month:02}"),
        _ => format!("{column}={year:04}-{month:02}-{day:02}"),
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
        let time = Some("2026-02-10T23:59:59Z".parse().unwrap());
        let published = |partition, time| folder(PartitionedBy::Published, partition, time);
        assert_eq!(published(Partition::None, time), "");
        assert_eq!(published(Partition::Year, time), "published_year=2026");
        assert_eq!(published(Partition::Month, time), "published_month=2026-02");
        assert_eq!(published(Partition::Day, time), "published_date=2026-02-10");
        assert_eq!(published(Partition::Month, None), "published_month=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(published(Partition::None, None), "");
        assert_eq!(folder(PartitionedBy::ObservedDate, Partition::Year, time), "observed_date=2026-02-10");
        assert_eq!(folder(PartitionedBy::Nothing, Partition::Year, time), "");
    }
}
