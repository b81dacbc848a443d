//! `notemill run`: crawl, seal, build, report.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use super::exit::Exit;
use super::messages::{Failure, stderr, stdout};
use super::progress::Shown;
use super::signals::Signals;
use super::{Global, build, runtime, target};
use crate::archive::disk::{make_folder, replace_file};
use crate::crawl::{self, Begin, Begun, Ended};
use crate::dataset::Built;
use crate::fetch::Key;
use crate::fetch::retry::Patience;
use crate::job::Job;
use crate::model::Money;
use crate::report::{CallLine, Ending, RunReport, Saved, Spent, Told, markdown, text};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::state::State;

/// Crawls what is missing, then builds the tables.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The job file
    job: PathBuf,
    /// Ask a made-up universe in place of the vendors: no key, no cost
    #[arg(long)]
    sandbox: bool,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH")]
    dataset: Option<PathBuf>,
    /// Do not continue the unfinished run
    #[arg(long, conflicts_with = "retry_failed")]
    fresh: bool,
    /// Ask again only what the last run gave up
    #[arg(long)]
    retry_failed: bool,
    /// Billed and maybe-billed calls at most; the lower of this and the job's cap holds
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Cost at most, in the vendor's price unit; the lower of this and the job's cap holds
    #[arg(long, value_name = "X")]
    max_cost: Option<Money>,
    /// Exit 0 for a run that is partial (3) or stopped early (4)
    #[arg(long)]
    partial_ok: bool,
    /// Write the summary as Markdown, too
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

impl Run {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let mut job = target::load(&self.job)?;
        self.apply(&mut job);
        let keys = if self.sandbox { sandbox_keys(&job) } else { read_keys(&job)? };
        let mut state = build::open(&job.dataset)?;
        state.claim_origin(if self.sandbox { "sandbox" } else { "live" })?;
        let how = match (self.fresh, self.retry_failed) {
            (true, _) => Begin::Fresh,
            (_, true) => Begin::RetryFailed,
            _ => Begin::Continue,
        };
        let begun = crawl::begin(&job, &mut state, how)?;
        announce(&begun, self.retry_failed, global.quiet);
        // The runtime lives on during the build: it is what hears signals.
        let runtime = runtime()?;
        let (ended, signals) = runtime.block_on(self.crawl(&mut job, &mut state, &begun, &keys, global))?;
        signals.leave_at_once();
        if let Some(exit) = signals.exit().filter(|_| ended == Ended::Interrupted) {
            let next = self.command();
            stderr(format!("stopped; what was paid for is kept. to go on: {next}\n"));
            return Ok(exit);
        }
        let built = build::publish(&mut state, job.output.into())?;
        let report = self.report(&job, &mut state, &begun, &ended, &built)?;
        self.tell(&report, &job.dataset, global)?;
        crawl::close(&mut state, &begun, &ended)?;
        Ok(exit(&report))
    }

    /// Puts the command line's words in place of the job's.
    fn apply(&self, job: &mut Job) {
        if let Some(dataset) = &self.dataset {
            job.dataset.clone_from(dataset);
        }
        job.budget.max_calls = job.budget.max_calls.into_iter().chain(self.max_calls).min();
        job.budget.max_cost = job.budget.max_cost.into_iter().chain(self.max_cost).min();
    }

    async fn crawl(
        &self,
        job: &mut Job,
        state: &mut State,
        begun: &Begun,
        keys: &BTreeMap<String, Key>,
        global: &Global,
    ) -> Result<(Ended, Signals), Failure> {
        let signals = Signals::listen().context("cannot listen for signals")?;
        let _sandbox = if self.sandbox { Some(into_sandbox(job).await?) } else { None };
        let mut shown = Shown::new(global.quiet);
        let patience = Patience::default();
        let ended =
            crawl::run(job, state, begun, keys, patience, signals.stop.clone(), &mut |progress| shown.show(progress))
                .await;
        shown.say("building the tables");
        shown.finish();
        Ok((ended?, signals))
    }

    fn report(
        &self,
        job: &Job,
        state: &mut State,
        begun: &Begun,
        ended: &Ended,
        built: &Built,
    ) -> Result<RunReport, Failure> {
        let run = &begun.run.id;
        // A run that goes on adds to what it told before.
        let file = report_file(&job.dataset, run);
        let earlier =
            std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<RunReport>(&text).ok());
        let origin = state.origin()?.unwrap_or_default();
        let turn = state.turn()?;
        let tallies = turn.tallies(run)?;
        let given_up = turn.given_up(run)?;
        let rejects = built.rejects_by_run.get(run).copied().unwrap_or(0);
        let spent = turn.spent_and_reserved(run)?;
        let duplicates = turn.duplicates(run)?;
        let mut walks = BTreeMap::new();
        let mut capped = BTreeMap::new();
        for (name, notes, ended) in turn.ended_walks(run)? {
            if is_capped(job, &name, notes) {
                capped.insert(name, notes);
            }
            *walks.entry(ended).or_insert(0) += 1;
        }
        let ending = ending(ended, !given_up.is_empty() || rejects > 0, self.partial_ok);
        let next = self.next(ended, !given_up.is_empty());
        let calls = tallies.into_iter().map(|tally| CallLine {
            endpoint: tally.endpoint,
            vendor: tally.vendor,
            outcome: tally.outcome,
            calls: tally.answers,
            attempts: tally.attempts,
            cost: tally.cost.as_f64(),
        });
        Ok(RunReport {
            run: run.clone(),
            job: job.name.clone(),
            origin,
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: begun.run.started_at,
            finished_at: Timestamp::now(),
            continued: begun.continued,
            ending,
            calls: calls.collect(),
            spent: Spent {
                since_stop: begun.fresh_cap,
                calls: spent.calls,
                cost: spent.cost.as_f64(),
                max_calls: job.budget.max_calls,
                max_cost: job.budget.max_cost.map(Money::as_f64),
                lost_calls: turn.lost(run)?.calls,
                priced: job.vendors.values().any(|vendor| !vendor.price.is_empty()),
            },
            saved: Saved {
                duplicates: duplicates.calls,
                duplicates_cost: duplicates.cost.as_f64(),
                reused: turn.reused(run)?,
            },
            rows: built.rows.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect(),
            new_notes: built.new_notes.unwrap_or(0) + earlier.map_or(0, |earlier| earlier.new_notes),
            changed_notes: built.changed_notes.unwrap_or(0),
            snapshot: Some(built.snapshot),
            told: Told {
                given_up,
                rejects,
                skipped: built.skipped_by_run.get(run).copied().unwrap_or(0),
                capped,
                walks,
                plain_http: if self.sandbox { Vec::new() } else { plain_http(job) },
            },
            next,
        })
    }

    /// Tells the report to everyone who reads it: a person, the dataset, a CI job.
    fn tell(&self, report: &RunReport, dataset: &Path, global: &Global) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(report).context("cannot write the report")?;
        make_folder(&dataset.join("runs")).map_err(anyhow::Error::new)?;
        let file = report_file(dataset, &report.run);
        replace_file(&file, json.as_bytes()).map_err(anyhow::Error::new)?;
        let summaries = self.summary.iter().cloned().chain(std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from));
        for path in summaries {
            append(&path, &markdown(report))
                .with_context(|| format!("cannot write the summary `{}`", path.display()))?;
        }
        stdout(if global.json { format!("{json}\n") } else { text(report) });
        Ok(())
    }

    fn next(&self, ended: &Ended, given_up: bool) -> Option<String> {
        match ended {
            Ended::Complete if given_up => Some(format!("{} --retry-failed", self.command())),
            Ended::Complete => None,
            Ended::Budget { .. } => Some(format!("{} (goes on with a fresh cap)", self.command())),
            Ended::NoVendor { .. } | Ended::Interrupted => Some(self.command()),
            Ended::Refused { vendor, .. } => {
                Some(format!("set the right key for `{vendor}`, then: {}", self.command()))
            }
        }
    }

    /// Returns this command, as a person would type it again.
    fn command(&self) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        let dataset = self.dataset.as_ref().map(|path| format!(" --dataset {}", path.display())).unwrap_or_default();
        format!("notemill run {}{sandbox}{dataset}", self.job.display())
    }
}

fn report_file(dataset: &Path, run: &str) -> PathBuf {
    dataset.join("runs").join(format!("{run}.json"))
}

fn announce(begun: &Begun, retry_failed: bool, quiet: bool) {
    if quiet {
        return;
    }
    let run = &begun.run.id;
    if retry_failed {
        stderr(format!("run {run}: asking again the {} calls that were given up\n", begun.retried));
    } else if begun.replanned {
        stderr(format!("continuing run {run} with the changed job; what it was answered stays free\n"));
    } else if begun.continued {
        stderr(format!("continuing run {run}\n"));
    }
    if begun.lost > 0 {
        stderr(format!(
            "{} calls were cut off by a kill: they count as maybe billed and are asked again\n",
            begun.lost
        ));
    }
}

/// Reads the keys of every vendor that the job can call.
fn read_keys(job: &Job) -> Result<BTreeMap<String, Key>, Failure> {
    let needed: BTreeSet<&String> = job.route.values().flatten().collect();
    let mut keys = BTreeMap::new();
    for (name, settings) in job.vendors.iter().filter(|(name, _)| needed.contains(name)) {
        let variable = |name: &str| std::env::var(name).ok();
        keys.insert(name.clone(), Key::read(name, &settings.token_env, variable)?);
    }
    Ok(keys)
}

/// Any key will do; it must not be a word that answers hold.
const SANDBOX_KEY: &str = "notemill-run-sandbox";

fn sandbox_keys(job: &Job) -> BTreeMap<String, Key> {
    job.vendors.keys().filter_map(|name| Some((name.clone(), Key::new(SANDBOX_KEY)?))).collect()
}

/// Starts the sandbox and points every vendor of the job at it.
async fn into_sandbox(job: &mut Job) -> Result<Sandbox, Failure> {
    let sandbox = crate::sandbox::start(SandboxOptions::default()).await;
    let sandbox = sandbox.map_err(|error| anyhow::Error::new(error).context("cannot start the sandbox"))?;
    let address = url::Url::parse(&sandbox.base_url()).context("cannot read the sandbox's address")?;
    for settings in job.vendors.values_mut() {
        settings.base_url = address.clone();
        settings.requests_per_minute = None;
    }
    Ok(sandbox)
}

fn plain_http(job: &Job) -> Vec<String> {
    let is_far = |url: &url::Url| {
        url.scheme() == "http"
            && !match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    };
    job.vendors.iter().filter(|(_, vendor)| is_far(&vendor.base_url)).map(|(name, _)| name.clone()).collect()
}

/// Tells whether a search showed about as many notes as its vendor ever shows.
fn is_capped(job: &Job, name: &str, notes: u32) -> bool {
    let Some(vendors) = job.route.get(&crate::model::Endpoint::SearchNotes) else { return false };
    let cap =
        vendors.iter().filter_map(|name| Some(job.vendors.get(name)?.description.limits.result_cap)).max().unwrap_or(0);
    name.starts_with("search_notes ") && cap > 0 && notes >= cap - cap / 10
}

fn ending(ended: &Ended, partial: bool, partial_ok: bool) -> Ending {
    let (kind, reason, exit) = match ended {
        Ended::Complete if partial => {
            ("complete", "finished, but not everything could be had".to_owned(), Exit::Partial)
        }
        Ended::Complete => ("complete", "complete".to_owned(), Exit::Complete),
        Ended::Budget { cap } => ("budget", format!("stopped at the cap {cap}"), Exit::Stopped),
        Ended::NoVendor { vendor, reason } => {
            ("no_vendor", format!("stopped: `{vendor}` is finished for this run ({reason})"), Exit::Stopped)
        }
        Ended::Refused { vendor, reason } => {
            ("refused", format!("stopped: `{vendor}` refused the key ({reason})"), Exit::Refused)
        }
        Ended::Interrupted => ("interrupted", "stopped by a signal".to_owned(), Exit::Interrupted),
    };
    let excused = partial_ok && matches!(exit, Exit::Partial | Exit::Stopped);
    Ending { kind: kind.into(), reason, exit_code: if excused { 0 } else { exit.code() } }
}

fn exit(report: &RunReport) -> Exit {
    let all = [Exit::Partial, Exit::Stopped, Exit::Refused, Exit::Interrupted];
    all.into_iter().find(|exit| exit.code() == report.ending.exit_code).unwrap_or(Exit::Complete)
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_ok_excuses_three_and_four_only() {
        let code = |ended: &Ended, partial, ok| ending(ended, partial, ok).exit_code;
        let refused = Ended::Refused { vendor: "v".into(), reason: String::new() };
        let stopped = Ended::Budget { cap: "max_calls = 1".into() };
        assert_eq!((code(&Ended::Complete, true, false), code(&Ended::Complete, true, true)), (3, 0));
        assert_eq!((code(&stopped, false, false), code(&stopped, false, true)), (4, 0));
        assert_eq!((code(&refused, false, false), code(&refused, false, true)), (5, 5));
        assert_eq!(code(&Ended::Complete, false, false), 0);
    }
}
