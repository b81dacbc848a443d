//! `notemill status`: how a dataset stands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use super::Global;
use super::exit::Exit;
use super::facts::{reach, reports};
use super::messages::{Failure, stderr, stdout};
use super::target::{Target, dataset_folder};
use super::wanted::latest_manifest;
use crate::dataset;
use crate::job::Budget;
use crate::report::{Reach, Refresh, RunReport};

/// Shows a dataset: rows, runs, spend, what is unfinished.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

/// The facts, as `--json` prints them.
#[derive(Serialize)]
struct Facts {
    dataset: PathBuf,
    snapshot: Option<u64>,
    snapshots: BTreeSet<u64>,
    /// None where the list cannot be read.
    pinned: Option<BTreeSet<u64>>,
    origin: Option<String>,
    rows: std::collections::BTreeMap<String, u64>,
    runs: Vec<RunFacts>,
    unfinished: Option<String>,
    calls: u64,
    cost: f64,
    cost_per_new_note: Option<f64>,
    /// Billed and maybe-billed calls against the job's caps; none if an earlier notemill wrote the state.
    spent_today: Option<Reach>,
    spent_in_total: Option<Reach>,
}

#[derive(Serialize)]
struct RunFacts {
    run: String,
    ending: String,
    calls: u64,
    cost: f64,
    new_notes: u64,
    refresh: Option<Refresh>,
}

impl Status {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let target = Target::find(&self.target)?;
        let folder = target.held(self.dataset.as_deref())?;
        let facts = facts(folder, target.budget())?;
        if global.json {
            let json = serde_json::to_string(&facts).context("cannot write the status")?;
            stdout(format!("{json}\n"));
        } else {
            print(&facts);
        }
        Ok(Exit::Complete)
    }
}

fn facts(folder: &Path, budget: Budget) -> Result<Facts, Failure> {
    let manifest = latest_manifest(folder)?;
    let mut reports = reports(folder)?;
    reports.sort_by_key(|report| report.started_at);
    let peek = crate::state::peek(folder, Timestamp::now())?.unwrap_or_default();
    let cost = peek.cost.as_f64();
    let [today, total] = peek.spent.map_or([None, None], |[today, total]| {
        [
            Some(reach(today, budget.max_calls_per_day, budget.max_cost_per_day)),
            Some(reach(total, None, budget.max_total_cost)),
        ]
    });
    let pinned = dataset::pinned(folder).map_err(|error| {
        stderr(format!("warning: {error}; until it can be read, no snapshot is removed\n"));
    });
    let new_notes: u64 = reports.iter().map(|report| report.new_notes).sum();
    Ok(Facts {
        dataset: folder.to_owned(),
        snapshot: manifest.as_ref().map(|manifest| manifest.snapshot),
        snapshots: dataset::kept(folder).map_err(anyhow::Error::new)?,
        pinned: pinned.ok(),
        origin: manifest.as_ref().map(|manifest| manifest.origin.to_string()).or(peek.origin),
        rows: manifest
            .iter()
            .flat_map(|manifest| &manifest.tables)
            .map(|(name, table)| (name.clone(), table.rows))
            .collect(),
        calls: peek.sent,
        cost,
        cost_per_new_note: (cost > 0.0 && new_notes > 0).then(|| cost / new_notes as f64),
        runs: reports.into_iter().map(run_facts).collect(),
        unfinished: peek.unfinished,
        spent_today: today,
        spent_in_total: total,
    })
}

fn run_facts(report: RunReport) -> RunFacts {
    // A report of an earlier version has only what was answered.
    let sums = report.this_run.as_ref();
    let answered = || report.calls.iter().map(|line| line.attempts).sum();
    let cost = || report.calls.iter().map(|line| line.cost).sum();
    RunFacts {
        calls: sums.as_ref().map_or_else(answered, |sums| sums.sent),
        cost: sums.as_ref().map_or_else(cost, |sums| sums.cost),
        ending: report.ending.reason,
        new_notes: report.new_notes,
        refresh: report.refresh,
        run: report.run,
    }
}

fn print(facts: &Facts) {
    let snapshot = facts.snapshot.map_or_else(|| "none yet".to_owned(), |snapshot| format!("{snapshot:06}"));
    let origin = facts.origin.as_deref().map(|origin| format!(" ({origin})")).unwrap_or_default();
    stdout(format!("dataset {}{origin}, snapshot {snapshot}\n\n", facts.dataset.display()));
    if let (Some(first), Some(last)) = (facts.snapshots.first(), facts.snapshots.last()) {
        let pinned: Vec<String> = facts.pinned.iter().flatten().map(|pinned| format!("{pinned:06}")).collect();
        let pinned = if pinned.is_empty() { String::new() } else { format!(", pinned: {}", pinned.join(", ")) };
        stdout(format!("  kept {} snapshots, {first:06} to {last:06}{pinned}\n\n", facts.snapshots.len()));
    }
    facts.rows.iter().for_each(|(table, rows)| stdout(format!("  {table:<16} {rows:>10}\n")));
    stdout(format!(
        "\n  {:<20} {:>8} {:>10} {:>10} {:>10} {:>10}  ended\n",
        "run", "sent", "cost", "saved", "new notes", "per note"
    ));
    for run in &facts.runs {
        let ending = crate::model::shown(&run.ending, 100);
        let (saved, each) = run.refresh.as_ref().map_or_else(Default::default, |refresh| {
            let at_least = if refresh.at_least { "≥ " } else { "" };
            let each = refresh.cost_per_new_note.map(|cost| format!("{cost:.4}")).unwrap_or_default();
            (format!("{at_least}{:.2}", refresh.cost_without - refresh.cost), each)
        });
        stdout(format!(
            "  {:<20} {:>8} {:>10.2} {saved:>10} {:>10} {each:>10}  {ending}\n",
            run.run, run.calls, run.cost, run.new_notes
        ));
    }
    if let Some(refresh) = facts.runs.last().and_then(|run| run.refresh.as_ref()).filter(|refresh| refresh.spared()) {
        stdout(format!("\n  the last run      {}\n", refresh.words()));
    }
    stdout(format!("\n  spent             {} sent, cost {:.2}\n", facts.calls, facts.cost));
    for (name, reach) in [("spent today (UTC)", &facts.spent_today), ("in total", &facts.spent_in_total)] {
        if let Some(reach) = reach {
            stdout(format!("  {name:<17} {}\n", reach.words()));
        }
    }
    if let Some(cost) = facts.cost_per_new_note {
        stdout(format!("  cost per new note {cost:.4}\n"));
    }
    if let Some(run) = &facts.unfinished {
        stdout(format!("  unfinished        {run}: the next `notemill run` continues it\n"));
    }
}
