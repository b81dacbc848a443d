//! What a run tells when it ends: gathered from the state and the build, told to everyone who reads it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::exit::Exit;
use super::found;
use super::messages::{Failure, stdout};
use crate::crawl::{self, Begun, Ended, FILTER_IGNORED, UNTIL_KNOWN, is_cut_short};
use crate::dataset::{self, Built};
use crate::disk::Disk;
use crate::job::{Job, is_plain_http_to_afar};
use crate::model::{Endpoint, Money};
use crate::report::{
    CallLine, DatedAhead, Drift, Ending, EndpointDrift, Known, LeftOut, Reach, Refresh, Reused, RunReport, Saved,
    Spent, Told, markdown, text,
};
use crate::state::{Dropped, Spend, State, Tally, Turn, WalkSummary};

/// What the person asked for, as far as the report needs it.
#[derive(Debug)]
pub(super) struct Asked {
    /// The command, as it would be typed again.
    pub(super) command: String,
    /// The same without a day, if the run has a sandbox of its own.
    pub(super) again: Option<String>,
    pub(super) partial_ok: bool,
    /// The sandbox's day; none in a live run.
    pub(super) day: Option<u32>,
    /// Answers that were dated ahead of the clock when it began.
    pub(super) dated_ahead: Option<DatedAhead>,
}

/// Gathers the facts of a run after its build.
pub(super) fn gather(
    asked: &Asked,
    job: &Job,
    state: &mut State,
    begun: &Begun,
    ended: &Ended,
    built: &Built,
) -> Result<RunReport, Failure> {
    let run = &begun.run.id;
    // A run that goes on adds to what it told before.
    let file = report_file(&job.dataset, run);
    let earlier = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<RunReport>(&text).ok());
    let origin = state.origin()?.unwrap_or_default();
    let turn = state.turn()?;
    let now = turn.now();
    let tallies = turn.tallies(run)?;
    let given_up = turn.given_up(run)?;
    let rejects = built.rejects_by_run.get(run).copied().unwrap_or(0);
    let spent = turn.spent_and_reserved(run)?;
    let (today, total) = (turn.spent_on_day(turn.now())?, turn.spent_in_total()?);
    let duplicates = turn.shared_details(run, crawl::price(job, Endpoint::NoteDetail))?;
    let reused = turn.saved(run)?;
    let added = turn.added(run)?.unwrap_or_default();
    let new_notes = added.notes;
    let searches = found::search_lines(&turn.searches(run)?, &added);
    let silent = found::fallen_silent(&searches, run, &reports(&job.dataset)?);
    let (this_run, in_total) = found::sums(&turn, run, &added, built)?;
    let drift = drift(&turn, job, run, built)?;
    let mut walks = BTreeMap::new();
    let mut capped = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    for WalkSummary { name, notes, dropped, ended, .. } in turn.walk_summaries(run)? {
        if is_capped(job, &name, notes) {
            capped.insert(name.clone(), notes);
        }
        if dropped != Dropped::default() {
            let Dropped { note_type, published, since } = dropped;
            left_out.insert(name, LeftOut { notes, note_type, published, since });
        }
        *walks.entry(ended.unwrap_or_else(|| "unfinished".to_owned())).or_insert(0) += 1;
    }
    let unresolved = turn.unresolved(run)?;
    let has_failed = !given_up.is_empty() || !unresolved.is_empty();
    let partial = has_failed || rejects > 0 || walks.contains_key(FILTER_IGNORED);
    let ending = ending(ended, partial, drifted(&drift, job.drift_limit), asked.partial_ok);
    let next = next(asked, ended, has_failed);
    let calls = tallies.iter().map(|tally| CallLine {
        endpoint: tally.endpoint.clone(),
        vendor: tally.vendor.clone(),
        outcome: tally.outcome.clone(),
        calls: tally.answers,
        attempts: tally.attempts,
        cost: tally.cost.as_f64(),
    });
    let mut report = RunReport {
        run: run.clone(),
        job: job.name.clone(),
        origin,
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: begun.run.started_at,
        finished_at: now,
        continued: begun.continued,
        ending,
        calls: calls.collect(),
        spent: Spent {
            since_stop: begun.fresh_cap,
            calls: spent.calls,
            cost: spent.cost.as_f64(),
            max_calls: job.budget.max_calls,
            max_cost: job.budget.max_cost.map(Money::as_f64),
            today: reach(today, job.budget.max_calls_per_day, job.budget.max_cost_per_day),
            total: reach(total, None, job.budget.max_total_cost),
            lost_calls: turn.lost(run)?.calls,
            priced: job.vendors.values().any(|vendor| !vendor.price.is_empty()),
        },
        saved: Saved {
            duplicates: duplicates.calls,
            duplicates_cost: duplicates.cost.as_f64(),
            reused: turn.reused_billed(run)?,
        },
        refresh: Some(refresh(&tallies, &reused, walks.contains_key(UNTIL_KNOWN), new_notes)),
        known: crawl::known_until(&turn, job, run)?
            .map(|until| Ok::<_, Failure>(Known { asked: turn.known_asked(run)?, due: turn.count_due(run, until)? }))
            .transpose()?,
        searches,
        silent,
        this_run: Some(this_run),
        in_total: Some(in_total),
        no_notes: None,
        rows: built.rows.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect(),
        new_notes,
        snapshot_new_notes: built.new_notes,
        changed_notes: built.changed_notes.unwrap_or(0),
        snapshot: Some(built.snapshot),
        raw_dropped: earlier.as_ref().map_or(0, |earlier| earlier.raw_dropped),
        told: Told {
            given_up,
            unresolved,
            left_out,
            rejects,
            skipped: built.skipped_by_run.get(run).copied().unwrap_or(0),
            capped,
            cut_short: walks.clone().into_iter().filter(|(reason, _)| is_cut_short(reason)).collect(),
            walks,
            plain_http: if asked.day.is_some() { Vec::new() } else { plain_http(job) },
            dated_ahead: asked.dated_ahead,
        },
        drift,
        read: Some(found::read(&job.dataset)),
        next: Some(next),
    };
    report.no_notes = found::why_no_notes(&report);
    Ok(report)
}

/// Puts what was spent beside its caps.
pub(super) fn reach(spent: Spend, max_calls: Option<u64>, max_cost: Option<Money>) -> Reach {
    let max_cost = max_cost.map(Money::as_f64);
    Reach { calls: spent.calls, cost: spent.cost.as_f64(), max_calls, max_cost }
}

/// Compares what a run cost with what it would have cost without the refresh rules.
fn refresh(tallies: &[Tally], saved: &BTreeMap<String, Spend>, at_least: bool, new_notes: u64) -> Refresh {
    let total = |spends: &mut dyn Iterator<Item = (u64, Money)>| {
        spends.fold((0, Money::ZERO), |(calls, cost), (more, price)| (calls + more, cost + price))
    };
    let (calls, cost) = total(&mut tallies.iter().map(|tally| (tally.answers, tally.cost)));
    let (spared, price) = total(&mut saved.values().map(|saved| (saved.calls, saved.cost)));
    let reused = |saved: &Spend| Reused { calls: saved.calls, cost: saved.cost.as_f64() };
    Refresh {
        calls,
        cost: cost.as_f64(),
        calls_without: calls + spared,
        cost_without: (cost + price).as_f64(),
        at_least,
        saved: saved.iter().map(|(endpoint, saved)| (endpoint.clone(), reused(saved))).collect(),
        cost_per_new_note: (cost > Money::ZERO && new_notes > 0).then(|| cost.as_f64() / new_notes as f64),
    }
}

/// Keeps the report in the dataset.
pub(super) fn keep(report: &RunReport, disk: &Disk, dataset: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).context("cannot write the report")?;
    let runs = dataset.join("runs");
    let kept = disk
        .make_folder(&runs)
        .and_then(|()| disk.remove_leftovers(&runs, |_| true))
        .and_then(|()| disk.replace_file(&report_file(dataset, &report.run), json.as_bytes()));
    Ok(kept.map_err(anyhow::Error::new)?)
}

/// Reads every run's report; one that cannot be read is skipped, for it is a copy of facts that are stored elsewhere.
pub(super) fn reports(folder: &Path) -> Result<Vec<RunReport>, Failure> {
    let folder = folder.join("runs");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot list `{}`", folder.display()));
            return Err(error.into());
        }
    };
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    Ok(texts.filter_map(|text| serde_json::from_str(&text).ok()).collect())
}

/// Tells the report to a person or a program, and to a CI job. What cannot be written there takes nothing back.
pub(super) fn tell(report: &RunReport, summary: Option<&Path>, json: bool) -> Result<(), Failure> {
    if json {
        let json = serde_json::to_string_pretty(report).context("cannot write the report")?;
        stdout(format!("{json}\n"));
    } else {
        stdout(text(report));
    }
    let of_ci = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from);
    for path in summary.map(Path::to_owned).into_iter().chain(of_ci) {
        append(&path, &markdown(report)).with_context(|| format!("cannot write the summary `{}`", path.display()))?;
    }
    Ok(())
}

fn next(asked: &Asked, ended: &Ended, has_failed: bool) -> String {
    let Asked { command, again, day, .. } = asked;
    match (ended, day.zip(again.as_ref())) {
        (Ended::Complete, _) if has_failed => format!("{command} --retry-failed"),
        (Ended::Complete, Some((day, again))) => format!("{again} --day {} (the next night)", day + 1),
        (Ended::Complete, None) => format!("{command} (asks only for what has aged)"),
        (Ended::Budget { cap }, _) if cap.contains("_per_day") => format!("{command} (on the next UTC day)"),
        (Ended::Budget { cap }, _) if cap.starts_with("max_total_cost") => {
            format!("raise `max_total_cost` under `[budget]`, then: {command}")
        }
        (Ended::Budget { .. }, _) => format!("{command} (goes on with a fresh cap)"),
        (Ended::NoVendor { .. } | Ended::Interrupted, _) => command.clone(),
        (Ended::Refused { vendor, .. }, _) => format!("set the right key for `{vendor}`, then: {command}"),
    }
}

fn report_file(dataset: &Path, run: &str) -> PathBuf {
    dataset.join("runs").join(format!("{run}.json"))
}

fn plain_http(job: &Job) -> Vec<String> {
    let far = job.vendors.iter().filter(|(_, vendor)| is_plain_http_to_afar(&vendor.base_url));
    far.map(|(name, _)| name.clone()).collect()
}

/// Tells whether a search showed about as many notes as its vendor ever shows.
fn is_capped(job: &Job, name: &str, notes: u32) -> bool {
    let Some(vendors) = job.route.get(&Endpoint::SearchNotes) else { return false };
    let cap =
        vendors.iter().filter_map(|name| Some(job.vendors.get(name)?.description.limits.result_cap)).max().unwrap_or(0);
    name.starts_with("search_notes ") && cap > 0 && notes >= cap - cap / 10
}

/// Compares what the run's answers look like with the last finished run's, and its snapshot with the one before.
fn drift(turn: &Turn<'_>, job: &Job, run: &str, built: &Built) -> Result<Drift, Failure> {
    let mut drift = Drift::default();
    for kept in turn.shapes(run)? {
        let before = turn.shape_before(run, &kept)?;
        let before = before.as_ref().map(|(run, shape)| (run.clone(), shape));
        drift.endpoints.push(EndpointDrift::new(&kept.endpoint, &kept.vendor, &kept.shape, before));
    }
    drift.paths = drift.endpoints.iter().map(|endpoint| endpoint.findings.len() as u64).sum();
    if built.published {
        drift.columns = dataset::fill_changes(&job.dataset, built.snapshot);
    }
    Ok(drift)
}

/// Says that the answers changed more than the job allows.
fn drifted(drift: &Drift, limit: Option<u32>) -> Option<String> {
    let (limit, paths) = (limit.filter(|limit| drift.paths > u64::from(*limit))?, drift.paths);
    Some(format!("{paths} JSON paths are new, gone or of another type (drift_limit = {limit})"))
}

fn ending(ended: &Ended, partial: bool, drifted: Option<String>, partial_ok: bool) -> Ending {
    let partial = partial.then(|| "not everything could be had".to_owned());
    let (kind, reason, exit) = match ended {
        Ended::Complete if partial.is_some() || drifted.is_some() => {
            let reasons: Vec<String> = partial.into_iter().chain(drifted).collect();
            ("complete", format!("finished, but {}", reasons.join(", and ")), Exit::Partial)
        }
        Ended::Complete => ("complete", "complete".to_owned(), Exit::Complete),
        Ended::Budget { cap } => {
            let until = match cap.as_str() {
                cap if cap.contains("_per_day") => ": it goes on after midnight UTC",
                cap if cap.starts_with("max_total_cost") => ": it goes on only if that is raised",
                _ => "",
            };
            ("budget", format!("stopped at the cap {cap}{until}"), Exit::Stopped)
        }
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

/// Returns the exit code that the report tells.
pub(super) fn exit(report: &RunReport) -> Exit {
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
        let code = |ended: &Ended, partial, ok| ending(ended, partial, None, ok).exit_code;
        let refused = Ended::Refused { vendor: "v".into(), reason: String::new() };
        let stopped = Ended::Budget { cap: "max_calls = 1".into() };
        assert_eq!((code(&Ended::Complete, true, false), code(&Ended::Complete, true, true)), (3, 0));
        assert_eq!((code(&stopped, false, false), code(&stopped, false, true)), (4, 0));
        for (cap, until) in [
            ("max_cost = 2", ""),
            ("max_calls_per_day = 1", ": it goes on after midnight UTC"),
            ("max_cost_per_day = 1.5", ": it goes on after midnight UTC"),
            ("max_total_cost = 1.5", ": it goes on only if that is raised"),
        ] {
            let ended = Ended::Budget { cap: cap.into() };
            let told = ending(&ended, false, None, false);
            assert_eq!((told.reason, told.exit_code), (format!("stopped at the cap {cap}{until}"), 4));
        }
        assert_eq!((code(&refused, false, false), code(&refused, false, true)), (5, 5));
        assert_eq!(code(&Ended::Complete, false, false), 0);
    }
}
