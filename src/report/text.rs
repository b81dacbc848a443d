//! The run's table for people.

use std::fmt::{self, Display, Write as _};

use super::table::{cut, lines};
use super::{RunReport, Sums};
use crate::model::shown;

/// Lines of one kind at most.
const MOST_LINES: usize = 10;

/// What it means that a detail or a profile is unresolved.
pub(super) const UNRESOLVED: &str = "nothing was shown, and nothing stated to be gone; asked again by the next run";

/// Returns the table that ends a run.
pub fn text(report: &RunReport) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &RunReport) -> fmt::Result {
    let reason = shown(&report.ending.reason, 300);
    writeln!(out, "run {} of `{}` ({}): {reason}", report.run, report.job, report.origin)?;
    writeln!(out)?;
    writeln!(out, "  {:<13} {:<12} {:<9} {:>8} {:>8} {:>10}", "calls", "vendor", "outcome", "calls", "sent", "cost")?;
    for line in &report.calls {
        let (calls, sent) = (line.calls, line.attempts);
        let vendor = shown(&line.vendor, 12);
        writeln!(
            out,
            "  {:<13} {vendor:<12} {:<9} {calls:>8} {sent:>8} {:>10.2}",
            line.endpoint, line.outcome, line.cost
        )?;
    }
    writeln!(out)?;
    searches(out, report)?;
    sums(out, report)?;
    let spent = &report.spent;
    let price =
        if spent.priced { format!(", cost {:.2}", spent.cost) } else { ", cost 0 (the job names no price)".into() };
    let since = if spent.since_stop { " since the last stop" } else { "" };
    row(out, "spend", format_args!("{} calls{price}{since}{}", spent.calls, caps(report)))?;
    for (name, reach) in [("today (UTC)", &spent.today), ("in total", &spent.total)] {
        if reach.max_calls.is_some() || reach.max_cost.is_some() {
            row(out, "", format_args!("{name}, over all runs: {}", reach.words()))?;
        }
    }
    if spent.lost_calls > 0 {
        row(out, "", format_args!("{} of them were cut off by a kill and may have been billed", spent.lost_calls))?;
    }
    if let Some(saved) = saved(report) {
        row(out, "saved", saved)?;
    }
    if let Some(refresh) = report.refresh.as_ref().filter(|refresh| refresh.spared()) {
        row(out, "refresh", refresh.words())?;
    }
    if let Some(known) = report.known {
        let due = if known.due > 0 { format!("; {} more are due", known.due) } else { String::new() };
        row(out, "known", format_args!("{} notes that no listing shows any more, asked again{due}", known.asked))?;
    }
    if let Some(cost) = report.refresh.as_ref().and_then(|refresh| refresh.cost_per_new_note) {
        row(out, "new notes", format_args!("{cost:.4} each"))?;
    }
    if let Some(snapshot) = report.snapshot {
        row(out, "snapshot", changes(snapshot, report))?;
        let rows: Vec<String> = report.rows.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        for (at, tables) in rows.chunks(4).enumerate() {
            row(out, if at == 0 { "rows" } else { "" }, tables.join(", "))?;
        }
    }
    if report.raw_dropped > 0 {
        row(out, "archive", format_args!("{} raw answers dropped; their observations are kept", report.raw_dropped))?;
    }
    told(out, report)?;
    if let Some(why) = &report.no_notes {
        row(out, "no notes", shown(why, 300))?;
    }
    if let Some(read) = &report.read {
        row(out, "read", read)?;
    }
    if let Some(next) = &report.next {
        row(out, "next", next)?;
    }
    Ok(())
}

/// What each search found; of many, the first.
fn searches(out: &mut String, report: &RunReport) -> fmt::Result {
    if report.searches.is_empty() {
        return Ok(());
    }
    let head = ["searches", "sort", "type", "published", "pages", "notes", "new", "ended"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(report.searches.iter().take(MOST_LINES).map(|search| {
        vec![
            cut(&shown(&search.keyword, 60), 24),
            search.sort.clone(),
            search.note_type.clone(),
            search.published.clone(),
            search.pages.to_string(),
            search.notes.to_string(),
            search.new_notes.map(|new| new.to_string()).unwrap_or_default(),
            shown(&search.ended, 60),
        ]
    }));
    for line in lines(&rows, &[4, 5, 6]) {
        writeln!(out, "  {line}")?;
    }
    if report.searches.len() > MOST_LINES {
        let more = report.searches.len() - MOST_LINES;
        writeln!(out, "  and {more} more: see `searches` in runs/{}.json", report.run)?;
    }
    writeln!(out)
}

fn sums(out: &mut String, report: &RunReport) -> fmt::Result {
    let (Some(run), Some(total)) = (&report.this_run, &report.in_total) else { return Ok(()) };
    writeln!(out, "  {:<13} {:>12} {:>12}", "", "this run", "in total")?;
    for (name, [run, total]) in sum_lines(run, total) {
        writeln!(out, "  {name:<13} {run:>12} {total:>12}")?;
    }
    writeln!(out)
}

/// Returns the figures of a run and of all runs, each with its name.
pub(super) fn sum_lines(run: &Sums, total: &Sums) -> [(&'static str, [String; 2]); 5] {
    let both = |of: fn(&Sums) -> u64| [run, total].map(|sums| of(sums).to_string());
    [
        ("calls sent", both(|sums| sums.sent)),
        ("cost", [run, total].map(|sums| format!("{:.2}", sums.cost))),
        ("notes", both(|sums| sums.notes)),
        ("new notes", both(|sums| sums.new_notes)),
        ("snapshots", both(|sums| sums.snapshots)),
    ]
}

/// Returns what several lists would have paid for; none if nothing.
pub(super) fn saved(report: &RunReport) -> Option<String> {
    let saved = &report.saved;
    let worth = if report.spent.priced { format!(", worth {:.2}", saved.duplicates_cost) } else { String::new() };
    let details = if saved.duplicates == 1 { "detail" } else { "details" };
    let words = format!("{} {details} that several lists led to and that were paid once{worth}", saved.duplicates);
    (saved.duplicates > 0).then_some(words)
}

/// Returns what a snapshot has that the one before does not, as `diff` counts it.
pub(super) fn changes(snapshot: u64, report: &RunReport) -> String {
    // A report of an earlier version has only the run's.
    let new = report.snapshot_new_notes.unwrap_or(report.new_notes);
    format!("{snapshot:06}: {new} new notes, {} changed", report.changed_notes)
}

fn caps(report: &RunReport) -> String {
    let calls = report.spent.max_calls.map(|cap| format!("{cap} calls"));
    let cost = report.spent.max_cost.map(|cap| format!("cost {cap:.2}"));
    let caps: Vec<String> = calls.into_iter().chain(cost).collect();
    let reaches = [&report.spent.today, &report.spent.total];
    if caps.is_empty() && reaches.iter().any(|reach| reach.max_calls.is_some() || reach.max_cost.is_some()) {
        return String::new();
    }
    if caps.is_empty() { " (no cap)".into() } else { format!(" (cap: {})", caps.join(", ")) }
}

fn told(out: &mut String, report: &RunReport) -> fmt::Result {
    let told = &report.told;
    for (reason, calls) in told.given_up.iter().take(MOST_LINES) {
        row(out, "given up", format_args!("{calls} × {}", shown(reason, 100)))?;
    }
    if told.given_up.len() > MOST_LINES {
        row(out, "", format_args!("and {} other reasons: see the table `calls`", told.given_up.len() - MOST_LINES))?;
    }
    for (endpoint, calls) in &told.unresolved {
        row(out, "empty", format_args!("{calls} × {endpoint}: {UNRESOLVED}"))?;
    }
    for (walk, left_out) in told.left_out.iter().take(MOST_LINES) {
        row(out, "left out", format_args!("{} of {}", left_out.words(), shown(walk, 200)))?;
    }
    if told.left_out.len() > MOST_LINES {
        let (more, run) = (told.left_out.len() - MOST_LINES, &report.run);
        row(out, "", format_args!("and of {more} other walks: see `left_out` in runs/{run}.json"))?;
    }
    for (reason, walks) in &told.cut_short {
        row(out, "cut short", format_args!("{walks} × {}", shown(reason, 100)))?;
    }
    if told.rejects > 0 {
        row(
            out,
            "rejects",
            format_args!("{} items or values could not be read: see the table `rejects`", told.rejects),
        )?;
    }
    if told.skipped > 0 {
        row(out, "skipped", format_args!("{} items that were not asked for", told.skipped))?;
    }
    for (query, notes) in &told.capped {
        row(out, "capped", format_args!("{} showed {notes} notes, about all that a vendor shows", shown(query, 80)))?;
    }
    if !told.capped.is_empty() {
        row(out, "", "for more: vary `sort`, `note_type` and `published`; rows are joined by id")?;
    }
    drift(out, report)?;
    for silent in report.silent.iter().take(MOST_LINES) {
        row(out, "warning", silent.words(|text| format!("`{}`", shown(text, 60))))?;
    }
    if report.silent.len() > MOST_LINES {
        row(
            out,
            "",
            format_args!("and {} more: see `silent` in runs/{}.json", report.silent.len() - MOST_LINES, report.run),
        )?;
    }
    if let Some(ahead) = &told.dated_ahead {
        row(out, "warning", ahead.words())?;
    }
    for vendor in &told.plain_http {
        row(out, "warning", format_args!("the key of `{vendor}` travelled over plain HTTP"))?;
    }
    Ok(())
}

fn drift(out: &mut String, report: &RunReport) -> fmt::Result {
    let (lines, more) = report.drift.lines(MOST_LINES - 2);
    for (at, line) in lines.iter().enumerate() {
        row(out, if at == 0 { "drift" } else { "" }, line)?;
    }
    if more > 0 {
        row(out, "", format_args!("and {more} more: see `drift` in runs/{}.json", report.run))?;
    }
    Ok(())
}

fn row(out: &mut String, name: &str, value: impl Display) -> fmt::Result {
    writeln!(out, "  {name:<9} {value}")
}
