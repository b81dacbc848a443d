//! The run's table as Markdown, for a CI job's summary page.

use std::fmt::{self, Write as _};

use super::RunReport;
use super::text::{UNRESOLVED, changes, saved, sum_lines};
use crate::model::shown;

/// Lines of drift at most.
const MOST_DRIFT: usize = 8;
/// Searches at most.
const MOST_SEARCHES: usize = 30;

/// Returns the report as Markdown. Text from the network stands in code spans, on one line each.
pub fn markdown(report: &RunReport) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &RunReport) -> fmt::Result {
    writeln!(out, "## notemill: {} — {}\n", code(&report.job), plain(&report.ending.reason))?;
    writeln!(out, "| calls | vendor | outcome | calls | sent | cost |\n|---|---|---|---:|---:|---:|")?;
    for line in &report.calls {
        let (endpoint, vendor, outcome) = (&line.endpoint, &line.vendor, &line.outcome);
        writeln!(
            out,
            "| {endpoint} | {} | {outcome} | {} | {} | {:.2} |",
            code(vendor),
            line.calls,
            line.attempts,
            line.cost
        )?;
    }
    writeln!(out)?;
    searches(out, report)?;
    if let (Some(run), Some(total)) = (&report.this_run, &report.in_total) {
        writeln!(out, "| | this run | in total |\n|---|---:|---:|")?;
        for (name, [run, total]) in sum_lines(run, total) {
            writeln!(out, "| {name} | {run} | {total} |")?;
        }
        writeln!(out)?;
    }
    let spent = &report.spent;
    writeln!(out, "- spend: {} calls, cost {:.2}", spent.calls, spent.cost)?;
    if let Some(saved) = saved(report) {
        writeln!(out, "- saved: {saved}")?;
    }
    if let Some(refresh) = report.refresh.as_ref().filter(|refresh| refresh.spared()) {
        writeln!(out, "- refresh: {}", refresh.words())?;
    }
    if let Some(known) = report.known {
        writeln!(
            out,
            "- known: {} notes that no listing shows any more, asked again; {} more due",
            known.asked, known.due
        )?;
    }
    if let Some(cost) = report.refresh.as_ref().and_then(|refresh| refresh.cost_per_new_note) {
        writeln!(out, "- new notes: {cost:.4} each")?;
    }
    if let Some(snapshot) = report.snapshot {
        writeln!(out, "- snapshot {}", changes(snapshot, report))?;
        let rows: Vec<String> = report.rows.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        writeln!(out, "- rows: {}", rows.join(", "))?;
    }
    if report.raw_dropped > 0 {
        writeln!(out, "- archive: {} raw answers dropped; their observations are kept", report.raw_dropped)?;
    }
    for (reason, calls) in &report.told.given_up {
        writeln!(out, "- given up: {calls} × {}", code(reason))?;
    }
    for (endpoint, calls) in &report.told.unresolved {
        writeln!(out, "- empty: {calls} × {endpoint}: {UNRESOLVED}")?;
    }
    for (walk, left_out) in &report.told.left_out {
        writeln!(out, "- left out: {} of {}", left_out.words(), code(walk))?;
    }
    for (reason, walks) in &report.told.cut_short {
        writeln!(out, "- cut short: {walks} × {}", code(reason))?;
    }
    writeln!(out, "- rejects: {}, skipped: {}", report.told.rejects, report.told.skipped)?;
    for (query, notes) in &report.told.capped {
        writeln!(out, "- capped: {} showed {notes} notes", code(query))?;
    }
    let (lines, more) = report.drift.lines(MOST_DRIFT);
    for line in &lines {
        writeln!(out, "- drift: {}", span(line, 400))?;
    }
    if more > 0 {
        writeln!(out, "- drift: {more} more in `runs/{}.json`", report.run)?;
    }
    for silent in report.silent.iter().take(MOST_SEARCHES) {
        writeln!(out, "- warning: {}", silent.words(code))?;
    }
    if let Some(ahead) = &report.told.dated_ahead {
        writeln!(out, "- warning: {}", ahead.words())?;
    }
    if let Some(why) = &report.no_notes {
        writeln!(out, "- no notes: {}", plain(why))?;
    }
    if let Some(read) = &report.read {
        writeln!(out, "- read: {}", code(read))?;
    }
    if let Some(next) = &report.next {
        writeln!(out, "- next: {}", code(next))?;
    }
    Ok(())
}

/// What each search found; of many, the first.
fn searches(out: &mut String, report: &RunReport) -> fmt::Result {
    if report.searches.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "| search | sort | type | published | pages | notes | new | ended |\n|---|---|---|---|---:|---:|---:|---|"
    )?;
    for search in report.searches.iter().take(MOST_SEARCHES) {
        let (keyword, ended) = (code(&search.keyword), plain(&search.ended));
        let (sort, note_type, published) = (&search.sort, &search.note_type, &search.published);
        let new = search.new_notes.map(|new| new.to_string()).unwrap_or_default();
        let (pages, notes) = (search.pages, search.notes);
        writeln!(out, "| {keyword} | {sort} | {note_type} | {published} | {pages} | {notes} | {new} | {ended} |")?;
    }
    writeln!(out)?;
    if report.searches.len() > MOST_SEARCHES {
        let more = report.searches.len() - MOST_SEARCHES;
        writeln!(out, "and {more} more: see `searches` in `runs/{}.json`\n", report.run)?;
    }
    Ok(())
}

fn code(text: &str) -> String {
    span(text, 120)
}

fn span(text: &str, limit: usize) -> String {
    format!("`{}`", shown(text, limit).replace(['`', '|'], "'"))
}

fn plain(text: &str) -> String {
    shown(text, 200).replace(['<', '>', '|', '[', ']'], " ")
}
