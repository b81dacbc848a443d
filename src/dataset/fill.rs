//! How full the columns of a snapshot's tables are, as its manifest tells.

use std::path::Path;

use super::manifest::{Manifest, NULLS_SINCE};
use super::snapshots::{kept, snapshot_folder};
use crate::flatten::tables::{AuthorRow, NoteRow, Row as _, TableDoc};
use crate::model::Fill;
use crate::report::ColumnFill;

/// The tables whose columns are watched.
const WATCHED: &[&str] = &[NoteRow::TABLE, AuthorRow::TABLE];

impl Manifest {
    /// Describes the snapshot's tables: the columns that it has, and how full they are.
    pub fn dictionary(&self) -> Vec<TableDoc> {
        let mut tables = self.outline.dictionary_in(self.layout.time_zone.name());
        // Older versions did not count nulls.
        if self.schema_version < NULLS_SINCE {
            return tables;
        }
        for table in &mut tables {
            let Some(entry) = self.tables.get(table.name).filter(|entry| entry.rows > 0) else { continue };
            for column in &mut table.columns {
                let nulls: u64 = entry.files.iter().filter_map(|file| file.nulls.get(column.name.as_ref())).sum();
                column.fill = Some(Fill { rows: entry.rows, filled: entry.rows.saturating_sub(nulls) });
            }
        }
        tables
    }
}

/// Compares a snapshot with the one before it that is kept: the columns that are filled in another share of the rows.
/// Nothing where there is none, or where a manifest cannot be read: that is told elsewhere.
pub fn fill_changes(dataset: &Path, snapshot: u64) -> Vec<ColumnFill> {
    let before = kept(dataset).ok().and_then(|kept| kept.range(..snapshot).next_back().copied());
    before.and_then(|before| changes(dataset, before, snapshot)).unwrap_or_default()
}

fn changes(dataset: &Path, before: u64, now: u64) -> Option<Vec<ColumnFill>> {
    let fills = |number| -> Option<Vec<TableDoc>> {
        let mut tables = Manifest::read(&snapshot_folder(dataset, number)).ok()?.dictionary();
        tables.retain(|table| WATCHED.contains(&table.name));
        Some(tables)
    };
    let (old, new) = (fills(before)?, fills(now)?);
    let mut told = Vec::new();
    for (old, new) in old.iter().zip(&new) {
        for column in &new.columns {
            let same = old.columns.iter().find(|other| other.name == column.name);
            let (Some(before), Some(now)) = (same.and_then(|same| same.fill), column.fill) else { continue };
            if u128::from(before.filled) * u128::from(now.rows) != u128::from(now.filled) * u128::from(before.rows) {
                told.push(ColumnFill {
                    table: new.name.to_owned(),
                    column: column.name.clone().into_owned(),
                    before,
                    now,
                });
            }
        }
    }
    Some(told)
}
