//! `notemill plan`: what a run would ask and cost. Sends nothing, changes nothing, needs no key.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

use super::exit::Exit;
use super::messages::{Failure, stdout};
use super::settings::{Settings, moment_of, sandbox_day};
use super::{Global, lists, opening, target};
use crate::crawl::{self, Begin, Cap, Plan as Estimate, Span, ThisRun};
use crate::forget;
use crate::model::shown;
use crate::state::{Clock, Draft, StateError};

/// Tells what a run would cost: calls and price by stage. Sends nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Plan {
    /// The job file
    job: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// As if the unfinished run were not continued
    #[arg(long)]
    fresh: bool,
}

impl Plan {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let mut job = target::load(&self.job)?;
        self.settings.apply(&mut job);
        opening::announce(&job, self.settings.is_elsewhere(), global.quiet);
        lists::warn(&job);
        forget::leave_out(&mut job)?;
        let named = self.settings.named_day()?;
        let mut draft = Draft::of(&job.dataset)?;
        let wanted = self.settings.origin();
        let turn = draft.turn()?;
        if let Some(found) = turn.origin()?.filter(|found| found != wanted) {
            return Err(StateError::Origin { found, wanted: wanted.into() }.into());
        }
        let day = if self.settings.sandbox { Some(sandbox_day(named, &turn)?) } else { None };
        drop(turn);
        if let Some(day) = day {
            draft = draft.with_clock(Clock::standing(moment_of(day)));
        }
        let turn = draft.turn()?;
        let how = if self.fresh { Begin::Fresh } else { Begin::Continue };
        let plan = crawl::plan(&turn, &job, how, turn.now())?;
        if global.json {
            let mut json = serde_json::to_value(&plan).context("cannot write the plan")?;
            json["lists"] = serde_json::to_value(&job.lists).context("cannot write the plan")?;
            let json = serde_json::to_string_pretty(&json).context("cannot write the plan")?;
            stdout(format!("{json}\n"));
        } else {
            stdout(text(&plan, &job.name, wanted, &self.next()));
            lists::print(&job, "read      ");
        }
        Ok(Exit::Complete)
    }

    /// Returns the run's command, as a person would type it.
    fn next(&self) -> String {
        format!("{}{}", self.settings.command(&self.job), if self.fresh { " --fresh" } else { "" })
    }
}

fn text(plan: &Estimate, job: &str, origin: &str, next: &str) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut out, plan, job, origin, next);
    out
}

fn write(out: &mut String, plan: &Estimate, job: &str, origin: &str, next: &str) -> fmt::Result {
    let run = match &plan.continues {
        Some(run) if plan.replanned => format!("continues run {run} with the changed job"),
        Some(run) => format!("continues run {run}"),
        None => "a new run".to_owned(),
    };
    writeln!(out, "plan of `{job}` ({origin}): {run}; nothing is sent\n")?;
    writeln!(out, "  {:<26} {:>9} {:>24}  {:>32}", "", "answered", "calls", "cost")?;
    writeln!(
        out,
        "  {:<13} {:<12} {:>9} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
        "stage", "vendor", "already", "low", "expected", "high", "low", "expected", "high"
    )?;
    for stage in &plan.stages {
        let (endpoint, vendor, cost) = (stage.endpoint.as_str(), shown(&stage.vendor, 12), costs(stage.cost));
        writeln!(out, "  {endpoint:<13} {vendor:<12} {:>9} {} {cost}", stage.covered, counts(stage.calls))?;
    }
    let covered: u64 = plan.stages.iter().map(|stage| stage.covered).sum();
    writeln!(out, "  {:<26} {covered:>9} {} {}\n", "all", counts(plan.calls), costs(plan.cost))?;
    let is_exact = plan.calls.high == Some(plan.calls.low);
    if plan.calls.high == Some(0) {
        row(out, "exact", "every call is answered already")?;
    } else if is_exact {
        row(out, "exact", "these calls, whatever the vendors answer")?;
    }
    if !plan.unpriced.is_empty() {
        let names: Vec<&str> = plan.unpriced.iter().map(|endpoint| endpoint.as_str()).collect();
        row(out, "prices", &format!("none for {}: they count as 0", names.join(", ")))?;
    }
    row(out, "this run", &this_run(plan))?;
    for cap in &plan.caps {
        row(out, "cap", &words(cap, plan))?;
    }
    if plan.calls.high.is_none() {
        row(out, "no limit", "nothing but a cap bounds it: `max_pages`, `max_notes`, `max_calls` would")?;
    }
    let minutes = plan.minutes.map(|minutes| span(&minutes, |minutes| duration(*minutes)));
    row(
        out,
        "time",
        &minutes.map_or("no limit of calls a minute".into(), |told| format!("{told}, by calls a minute")),
    )?;
    if let Some(days) = plan.days {
        let of_a_day: Vec<String> = plan
            .caps
            .iter()
            .filter(|cap| cap.name.ends_with("_per_day"))
            .map(|cap| format!("`{}`", cap.name))
            .collect();
        row(out, "days", &format!("{}, by {}", span(&days, ToString::to_string), of_a_day.join(" and ")))?;
    }
    for (at, basis) in plan.basis.iter().filter(|_| !is_exact).enumerate() {
        let from = basis.learnt_from.map_or("assumed".into(), |cases| format!("learnt from {cases}"));
        row(out, if at == 0 { "expected" } else { "" }, &format!("{}: {:.2} ({from})", basis.name, basis.value))?;
    }
    row(out, "retries", "come on top, and so does a change of vendor")?;
    row(out, "next", next)
}

/// Says what this run does under its caps: `at most 300 calls, about 40 of 45.00`.
fn this_run(plan: &Estimate) -> String {
    let ThisRun { calls_at_most, cost_expected, cost_at_most } = plan.this_run;
    let calls = calls_at_most.map_or("no limit of calls".into(), |calls| format!("at most {calls} calls"));
    let is_priced = plan.stages.iter().any(|stage| stage.price.is_some());
    let of = cost_at_most.map(|most| format!(" of {most:.2}")).unwrap_or_default();
    let about = format!("{cost_expected:.2}");
    let about = about.strip_suffix(".00").unwrap_or(&about);
    if is_priced { format!("{calls}, about {about}{of}") } else { calls }
}

fn words(cap: &Cap, plan: &Estimate) -> String {
    let spent = if cap.left < cap.limit { format!(" ({} left)", cap.left) } else { String::new() };
    let cap_is = format!("{} = {}{spent}", cap.name, cap.limit);
    let after = cap.after_calls.unwrap_or_default();
    match cap.stops {
        Some("low") => format!("{cap_is} stops the run after about {after} of {} calls or more", plan.calls.low),
        Some("expected") => format!("{cap_is} stops the run after about {after} of {} calls", plan.calls.expected),
        Some(_) => format!("{cap_is} stops the run only if it is larger than expected"),
        None => format!("{cap_is} is not reached"),
    }
}

fn counts(calls: Span<u64>) -> String {
    let high = calls.high.map_or("no limit".into(), |high| high.to_string());
    format!("{:>8} {:>8} {high:>8}", calls.low, calls.expected)
}

fn costs(cost: Span<f64>) -> String {
    let high = cost.high.map_or("no limit".into(), |high| format!("{high:.2}"));
    format!("{:>10.2} {:>10.2} {high:>10}", cost.low, cost.expected)
}

fn span<T>(span: &Span<T>, word: impl Fn(&T) -> String) -> String {
    let high = span.high.as_ref().map_or("no limit".into(), &word);
    format!("{} / {} / {high}", word(&span.low), word(&span.expected))
}

fn duration(minutes: f64) -> String {
    match minutes {
        minutes if minutes <= 0.0 => "0 min".into(),
        minutes if minutes < 1.0 => "under 1 min".into(),
        minutes if minutes < 120.0 => format!("{minutes:.0} min"),
        minutes if minutes < 48.0 * 60.0 => format!("{:.1} h", minutes / 60.0),
        minutes => format!("{:.1} days", minutes / 1440.0),
    }
}

fn row(out: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "  {name:<9} {value}")
}
