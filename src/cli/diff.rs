//! `notemill diff`: what one snapshot has that another has not, or has otherwise.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Global;
use super::exit::Exit;
use super::messages::{Failure, stdout};
use super::pin;
use super::target::{Target, dataset_folder};
use crate::dataset::{self, Diff as Compared, DiffError, Ids, TableDiff};
use crate::model::shown;

/// Ids of one kind that are shown to a person; `--json` has all.
const SHOWN: usize = 5;

/// Compares two snapshots: notes and authors that are new, gone or changed, and notes that vanished from the platform.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// The snapshot to compare with; the one before the latest if left out
    before: Option<u64>,
    /// The snapshot that is compared; the latest if left out
    after: Option<u64>,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

impl Diff {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let folder = Target::folder(&self.target, self.dataset.as_deref())?;
        let (before, after) = dataset::compared(&folder, self.before, self.after)?;
        let most = if global.json { usize::MAX } else { SHOWN };
        let diff = dataset::diff(&folder, before, after, most)?;
        if global.json {
            let json = serde_json::to_string(&diff).context("cannot write the comparison")?;
            stdout(format!("{json}\n"));
        } else {
            print(&diff);
        }
        Ok(Exit::Complete)
    }
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        let damaged = |error: DiffError, hint: &str| Self {
            error: error.into(),
            hint: Some(hint.to_owned()),
            exit: Exit::Dataset,
        };
        match &error {
            DiffError::Disk(_) => anyhow::Error::new(error).into(),
            DiffError::Manifest(_) => {
                damaged(error, "compare with another snapshot; `notemill verify` tells all damage")
            }
            DiffError::Damaged { .. } => damaged(
                error,
                "`notemill build` writes what is damaged in the latest snapshot anew, into a new one; \
                 for an older one, compare with another: `notemill verify` tells which are sound",
            ),
            DiffError::Absent { kept, .. } => {
                let kept = pin::told(kept);
                Self::usage(error).hint(kept)
            }
            DiffError::Alone => Self::usage(error)
                .hint("each run or build that changes a table publishes a snapshot, and `keep_snapshots` are kept"),
        }
    }
}

fn print(diff: &Compared) {
    stdout("compared\n");
    for side in [&diff.before, &diff.after] {
        stdout(format!("  snapshot {:06}, manifest {}\n", side.snapshot, side.manifest_sha256));
    }
    stdout(format!("\n  {:<16} {:>10} {:>10} {:>10}\n", "rows", "before", "after", "more"));
    for (table, rows) in &diff.rows {
        let more = rows.after.cast_signed() - rows.before.cast_signed();
        stdout(format!("  {:<16} {:>10} {:>10} {more:>+10}\n", shown(table, 40), rows.before, rows.after));
    }
    for (table, told) in [("notes", &diff.notes), ("authors", &diff.authors)] {
        print_table(table, told);
    }
}

fn print_table(table: &str, told: &TableDiff) {
    let (new, gone, changed) = (&told.new, &told.gone, &told.changed);
    let (vanished, returned) = (&told.vanished, &told.returned);
    let flips = match table {
        "notes" => format!(", {} vanished, {} returned", vanished.count, returned.count),
        _ => String::new(),
    };
    stdout(format!("\n  {table:<9} {} new, {} gone, {} changed{flips}\n", new.count, gone.count, changed.count));
    for (name, ids) in
        [("new", new), ("gone", gone), ("changed", changed), ("vanished", vanished), ("returned", returned)]
    {
        if ids.count > 0 {
            stdout(format!("    {name:<9} {}\n", listed(ids)));
        }
    }
    if !told.columns.is_empty() {
        let mut columns: Vec<_> = told.columns.iter().collect();
        columns.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let columns: Vec<String> = columns.iter().map(|(name, count)| format!("{} {count}", shown(name, 60))).collect();
        for (at, columns) in columns.chunks(4).enumerate() {
            stdout(format!("    {:<9} {}\n", if at == 0 { "columns" } else { "" }, columns.join(", ")));
        }
    }
    for (name, growth) in &told.growth {
        let (name, rows) = (shown(name, 60), growth.rows);
        stdout(format!("    {:<9} {name} by {:+} in {rows} rows, median {:+}\n", "growth", growth.sum, growth.median));
    }
    if !told.not_compared.is_empty() {
        let columns: Vec<String> = told.not_compared.iter().map(|name| shown(name, 60)).collect();
        stdout(format!("    {:<9} {}: not in both, or of another type\n", "skipped", columns.join(", ")));
    }
}

fn listed(ids: &Ids) -> String {
    let first: Vec<String> = ids.ids.iter().take(SHOWN).map(|id| shown(id, 64)).collect();
    match ids.count - first.len() as u64 {
        0 => first.join(", "),
        more => format!("{} and {more} more (`--json` has all)", first.join(", ")),
    }
}
