//! What the command line says in place of the job: for `run`, and for `plan` beforehand.

use std::path::{Path, PathBuf};

use super::target::dataset_folder;
use crate::job::Job;
use crate::model::Money;

/// Where a run goes and what it may spend.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// Ask a made-up universe in place of the vendors: no key, no cost
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
    /// Billed and maybe-billed calls at most; the lower of this and the job's cap holds
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Cost at most, in the vendor's price unit; the lower of this and the job's cap holds
    #[arg(long, value_name = "X")]
    max_cost: Option<Money>,
}

impl Settings {
    /// Puts the command line's words in place of the job's.
    pub(super) fn apply(&self, job: &mut Job) {
        if let Some(dataset) = &self.dataset {
            job.dataset.clone_from(dataset);
        }
        job.budget.max_calls = job.budget.max_calls.into_iter().chain(self.max_calls).min();
        job.budget.max_cost = job.budget.max_cost.into_iter().chain(self.max_cost).min();
        if self.sandbox {
            // The sandbox is as fast as it is.
            job.vendors.values_mut().for_each(|settings| settings.requests_per_minute = None);
        }
    }

    /// Returns true if the dataset is not the job's.
    pub(super) const fn is_elsewhere(&self) -> bool {
        self.dataset.is_some()
    }

    /// Returns whose answers the dataset holds.
    pub(super) const fn origin(&self) -> &'static str {
        if self.sandbox { "sandbox" } else { "live" }
    }

    /// Returns the run's command, as a person would type it.
    pub(super) fn command(&self, job: &Path) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        let dataset = self.dataset.as_ref().map(|path| format!(" --dataset {}", quoted(path))).unwrap_or_default();
        let calls = self.max_calls.map(|cap| format!(" --max-calls {cap}")).unwrap_or_default();
        let cost = self.max_cost.map(|cap| format!(" --max-cost {cap}")).unwrap_or_default();
        format!("notemill run {}{sandbox}{dataset}{calls}{cost}", quoted(job))
    }
}

/// Writes a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,~".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
