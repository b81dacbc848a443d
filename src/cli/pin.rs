//! `notemill pin`: a snapshot kept for good, or given back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::messages::{Failure, stdout};
use super::target::{Target, dataset_folder};
use crate::dataset::{self, PinError};
use crate::disk::Disk;
use crate::state;

/// Keeps a snapshot for good: no build removes it.
#[derive(Debug, clap::Args)]
pub(super) struct Pin {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// The snapshot's number; the latest if left out
    snapshot: Option<u64>,
    /// Give it back: the next build may remove it
    #[arg(long)]
    remove: bool,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

impl Pin {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let folder = Target::folder(&self.target, self.dataset.as_deref())?;
        // A build that removes old snapshots must not come between.
        let _held = state::hold(&folder)?;
        let latest = dataset::latest(&folder).map_err(anyhow::Error::new)?;
        let snapshot = self.snapshot.or(latest).ok_or_else(|| {
            let error = anyhow!("the dataset `{}` has no snapshot yet", folder.display());
            Failure::usage(error).hint("`notemill build` publishes one")
        })?;
        let disk = Disk::machine();
        let changed = if self.remove {
            dataset::unpin(&disk, &folder, snapshot)?
        } else {
            dataset::pin(&disk, &folder, snapshot)?
        };
        let pinned = dataset::pinned(&folder)?;
        if global.json {
            stdout(format!("{}\n", json!({ "snapshot": snapshot, "changed": changed, "pinned": pinned })));
        } else {
            let what = match (self.remove, changed) {
                (false, true) => "is pinned: no build removes it",
                (false, false) => "was pinned already",
                (true, true) => "is no longer pinned",
                (true, false) => "was not pinned",
            };
            stdout(format!("snapshot {snapshot:06} {what}\n"));
        }
        Ok(Exit::Complete)
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        match &error {
            PinError::Disk(_) => anyhow::Error::new(error).into(),
            PinError::Damaged { .. } => Self {
                error: error.into(),
                hint: Some(
                    "remove it, then pin again what must be kept; until then no build removes any snapshot".into(),
                ),
                exit: Exit::Dataset,
            },
            PinError::Absent { kept, .. } => {
                let kept = told(kept);
                Self::usage(error).hint(kept)
            }
        }
    }
}

/// Says which snapshots there are.
pub(super) fn told(kept: &BTreeSet<u64>) -> String {
    let kept: Vec<String> = kept.iter().map(|number| format!("{number:06}")).collect();
    if kept.is_empty() { "there is none yet".into() } else { format!("these are there: {}", kept.join(", ")) }
}
