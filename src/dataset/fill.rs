//! How full the columns of a snapshot's tables are, as the Parquet footers tell.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::manifest::Manifest;
use super::snapshots::{kept, snapshot_folder};
use crate::flatten::tables::{AuthorRow, NoteRow, Row as _};
use crate::model::caught;
use crate::report::{ColumnFill, Fill};

/// The tables whose columns are watched.
const WATCHED: &[&str] = &[NoteRow::TABLE, AuthorRow::TABLE];

/// Compares a snapshot with the one before it that is kept: the columns that are filled in another share of the rows.
/// Nothing where there is none, or where a footer cannot be read: that is told elsewhere.
pub fn fill_changes(dataset: &Path, snapshot: u64) -> Vec<ColumnFill> {
    let before = kept(dataset).ok().and_then(|kept| kept.range(..snapshot).next_back().copied());
    before.and_then(|before| changes(dataset, before, snapshot)).unwrap_or_default()
}

fn changes(dataset: &Path, before: u64, now: u64) -> Option<Vec<ColumnFill>> {
    let folders = [before, now].map(|number| snapshot_folder(dataset, number));
    let [old, new] = [Manifest::read(&folders[0]).ok()?, Manifest::read(&folders[1]).ok()?];
    let mut told = Vec::new();
    for table in WATCHED {
        let (old, new) = (fills(&folders[0], &old, table)?, fills(&folders[1], &new, table)?);
        for (column, now) in new {
            let Some(before) = old.get(&column).copied() else { continue };
            if u128::from(before.filled) * u128::from(now.rows) != u128::from(now.filled) * u128::from(before.rows) {
                told.push(ColumnFill { table: (*table).to_owned(), column, before, now });
            }
        }
    }
    Some(told)
}

/// Counts what is not null in each column of a table. Columns of lists are left out: their nulls are not told apart.
fn fills(folder: &Path, manifest: &Manifest, table: &str) -> Option<BTreeMap<String, Fill>> {
    let mut fills: BTreeMap<String, Fill> = BTreeMap::new();
    for file in &manifest.tables.get(table)?.files {
        let opened = File::open(folder.join(&file.path)).ok()?;
        let footer = caught(|| ParquetMetaDataReader::new().parse_and_finish(&opened)).ok()?.ok()?;
        add(&footer, &mut fills)?;
    }
    Some(fills)
}

fn add(footer: &ParquetMetaData, fills: &mut BTreeMap<String, Fill>) -> Option<()> {
    for group in footer.row_groups() {
        for column in group.columns() {
            let [name] = column.column_path().parts() else { continue };
            let rows = u64::try_from(group.num_rows()).ok()?;
            let nulls = column.statistics()?.null_count_opt()?;
            let fill = fills.entry(name.clone()).or_default();
            fill.rows += rows;
            fill.filled += rows.saturating_sub(nulls);
        }
    }
    Some(())
}
