//! What the command line says in place of the job: for `run`, and for `plan` beforehand.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;
use url::Url;

use super::messages::Failure;
use super::target::dataset_folder;
use crate::job::Job;
use crate::model::Money;
use crate::sandbox::{self, universe};
use crate::state::Turn;

/// Where a run goes and what it may spend.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Settings {
    /// Ask a made-up universe in place of the vendors: no key, no cost
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The sandbox's day, from 0: its universe and its clock are so many days on. Without it, the dataset's last day
    #[arg(long, value_name = "N", requires = "sandbox", value_parser = clap::value_parser!(u32).range(..=crate::sandbox::MAX_DAY))]
    day: Option<u32>,
    /// A sandbox that runs already, such as `http://127.0.0.1:7070`; its day is the run's
    #[arg(long, value_name = "ADDRESS", requires = "sandbox", conflicts_with = "day")]
    pub(super) at: Option<Url>,
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

    /// Returns the sandbox's day if it is named, or if a sandbox that runs already reports it.
    pub(super) fn named_day(&self) -> Result<Option<u32>, Failure> {
        let Some(address) = &self.at else { return Ok(self.day) };
        let day = sandbox::day_of(address).map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("cannot ask the sandbox at `{address}` for its day"));
            Failure::usage(error)
                .hint("`notemill sandbox --listen 127.0.0.1:7070 --day 3` starts one; name its address")
        });
        Ok(Some(day?))
    }

    /// Returns whose answers the dataset holds.
    pub(super) const fn origin(&self) -> &'static str {
        if self.sandbox { "sandbox" } else { "live" }
    }

    /// Returns the same for whatever day the dataset has seen last.
    pub(super) fn without_day(&self) -> Self {
        Self { day: None, ..self.clone() }
    }

    /// Returns the run's command, as a person would type it.
    pub(super) fn command(&self, job: &Path) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        let day = self.day.map(|day| format!(" --day {day}")).unwrap_or_default();
        let at = self.at.as_ref().map(|address| format!(" --at {address}")).unwrap_or_default();
        let dataset = self.dataset.as_ref().map(|path| format!(" --dataset {}", quoted(path))).unwrap_or_default();
        let calls = self.max_calls.map(|cap| format!(" --max-calls {cap}")).unwrap_or_default();
        let cost = self.max_cost.map(|cap| format!(" --max-cost {cap}")).unwrap_or_default();
        format!("notemill run {}{sandbox}{day}{at}{dataset}{calls}{cost}", quoted(job))
    }
}

/// Returns the day of the sandbox that a run of a dataset asks: the one that is named, else the last that it has seen.
pub(super) fn sandbox_day(named: Option<u32>, turn: &Turn<'_>) -> Result<u32, Failure> {
    let seen = last_day(turn)?;
    match named {
        Some(day) if day < seen => {
            let error = anyhow!("the dataset has seen day {seen} of the sandbox, and its clock does not step back");
            Err(Failure::usage(error).hint("name that day or a later one, or another folder with `--dataset`"))
        }
        day => Ok(day.unwrap_or(seen)),
    }
}

/// Returns the last day that a sandbox's dataset has seen; the first if it has seen none.
pub(super) fn last_day(turn: &Turn<'_>) -> Result<u32, Failure> {
    let run = turn.latest_run()?.map(|run| run.started_at);
    let last = turn.last_moment()?.max(run);
    Ok(last.map_or(0, |last| universe::day_at(last.as_second())))
}

/// Returns the time of a sandbox's day, at which the clock of its dataset is fixed; a live run uses the machine's clock.
pub(super) fn moment_of(day: u32) -> Timestamp {
    Timestamp::from_second(universe::moment_of(day)).unwrap_or(Timestamp::MAX)
}

/// Writes a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,~".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
