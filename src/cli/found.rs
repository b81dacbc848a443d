//! What a run found: each of its searches, the figures of this run and of all, and why there is nothing if there is nothing.

use std::collections::BTreeSet;
use std::path::Path;

use super::messages::Failure;
use crate::crawl::is_cut_short;
use crate::dataset::{self, Built, Manifest};
use crate::report::{RunReport, SearchLine, Silent, Sums, silent};
use crate::state::{Added, Searched, State, Turn};

/// New notes of one snapshot that are assigned to searches; if there are more, they are only counted.
const MOST_ASSIGNED: usize = 50_000;

/// Notes that a snapshot has and the one before does not.
enum New {
    /// Of a first snapshot, all.
    All(u64),
    These(BTreeSet<String>),
    /// Too many to be listed.
    Many(u64),
    Unknown,
}

impl New {
    fn of_ids(count: u64, ids: Option<BTreeSet<String>>) -> Self {
        match ids {
            Some(ids) if ids.len() as u64 == count => Self::These(ids),
            _ if count == 0 => Self::These(BTreeSet::new()),
            _ => Self::Many(count),
        }
    }

    /// Compares a published snapshot with the one before.
    fn of_snapshot(folder: &Path, number: u64) -> Self {
        if number == 1 {
            let manifest = Manifest::read(&dataset::snapshot_folder(folder, number));
            let rows = manifest.ok().and_then(|manifest| Some(manifest.tables.get("notes")?.rows));
            return rows.map_or(Self::Unknown, Self::All);
        }
        match dataset::diff(folder, number - 1, number, MOST_ASSIGNED) {
            Ok(diff) => Self::of_ids(diff.notes.new.count, Some(diff.notes.new.ids)),
            Err(_) => Self::Unknown,
        }
    }

    fn of_build(built: &Built) -> Self {
        let all = built.rows.get("notes").copied();
        match built.new_notes {
            None => Self::Unknown,
            Some(count) if built.new_ids.is_none() && Some(count) == all => Self::All(count),
            Some(count) => Self::of_ids(count, built.new_ids.clone()),
        }
    }
}

/// Stores which snapshot is the latest when a run begins: what builds add from then on belongs to the run.
pub(super) fn begin_count(state: &mut State) -> Result<(), Failure> {
    let counted = dataset::latest(state.folder()).map_err(anyhow::Error::new)?.unwrap_or(0);
    let turn = state.turn()?;
    let Some(run) = turn.latest_run()?.map(|run| run.id) else { return Ok(()) };
    if turn.added(&run)?.is_none() {
        turn.set_added(&Added { run, counted, ..Added::default() })?;
        turn.commit()?;
    }
    Ok(())
}

/// Adds what a build published to what the builds since the latest run began have added; and what the one before it
/// published, if a kill came before it was counted.
pub(super) fn count_added(state: &mut State, built: &Built) -> Result<(), Failure> {
    let folder = state.folder().to_owned();
    let turn = state.turn()?;
    let Some(run) = turn.latest_run()? else { return Ok(()) };
    let Some(mut added) = turn.added(&run.id)? else { return Ok(()) };
    let missed = added.counted + 1..built.snapshot + u64::from(!built.published);
    let mut pieces: Vec<New> = missed.map(|number| New::of_snapshot(&folder, number)).collect();
    pieces.extend(built.published.then(|| New::of_build(built)));
    if pieces.is_empty() {
        return Ok(());
    }
    let searches = turn.searches(&run.id)?;
    for new in pieces {
        added.snapshots += 1;
        let notes = match new {
            New::All(count) => Some((count, None)),
            New::These(ids) => Some((ids.len() as u64, Some(ids))),
            New::Many(count) => {
                added.notes += count;
                None
            }
            New::Unknown => None,
        };
        let Some((count, ids)) = notes else {
            added.is_partial = true;
            continue;
        };
        added.notes += count;
        for search in searches.iter().filter(|_| count > 0) {
            let own = turn.admitted_among(search.walk, ids.as_ref())?;
            *added.by_search.entry(search.name.clone()).or_default() += own;
        }
    }
    added.counted = built.snapshot;
    turn.set_added(&added)?;
    Ok(turn.commit()?)
}

/// Returns a line for each search of a run.
pub(super) fn search_lines(searches: &[Searched], added: &Added) -> Vec<SearchLine> {
    let line = |search: &Searched| SearchLine {
        keyword: search.query.keyword.clone(),
        sort: search.query.sort.to_string(),
        note_type: search.query.note_type.to_string(),
        published: search.query.published.to_string(),
        pages: search.pages,
        shown: u64::from(search.shown),
        notes: u64::from(search.admitted),
        new_notes: (!added.is_partial).then(|| added.by_search.get(&search.name).copied().unwrap_or(0)),
        ended: search
            .ended
            .clone()
            .unwrap_or_else(|| if search.pages == 0 { "not begun" } else { "unfinished" }.to_owned()),
    };
    searches.iter().map(line).collect()
}

/// Returns the figures of a run, and of all runs of its dataset.
pub(super) fn sums(turn: &Turn<'_>, run: &str, added: &Added, built: &Built) -> Result<(Sums, Sums), Failure> {
    let (own, all) = (turn.sent(Some(run))?, turn.sent(None)?);
    let notes = built.rows.get("notes").copied().unwrap_or(0);
    let this_run = Sums {
        sent: own.sent,
        cost: own.cost.as_f64(),
        notes: turn.notes_of_run(run)?,
        new_notes: added.notes,
        snapshots: added.snapshots,
    };
    let in_total = Sums { sent: all.sent, cost: all.cost.as_f64(), notes, new_notes: notes, snapshots: built.snapshot };
    Ok((this_run, in_total))
}

/// Compares a run's searches with those of the last finished run before it. Reports that cannot be read are passed over.
pub(super) fn fallen_silent(searches: &[SearchLine], run: &str, reports: &[RunReport]) -> Vec<Silent> {
    let finished = |report: &&RunReport| report.ending.kind == "complete" && report.run.as_str() != run;
    let before = reports.iter().filter(finished).max_by_key(|report| report.started_at);
    before.map(|before| silent(searches, before, is_cut_short)).unwrap_or_default()
}

/// Says why a run or its dataset has no notes; none if both have some.
pub(super) fn why_no_notes(report: &RunReport) -> Option<String> {
    let this_run = report.this_run.as_ref().filter(|sums| sums.notes == 0)?;
    let searches = &report.searches;
    let mut why = Vec::new();
    let asked = searches.iter().filter(|search| search.pages > 0);
    let (bare, dropped): (Vec<_>, Vec<_>) = asked.partition(|search| search.shown == 0);
    if !bare.is_empty() {
        why.push(format!("{} of {} searches showed nothing", bare.len(), searches.len()));
    }
    let shown: u64 = dropped.iter().map(|search| search.shown).sum();
    if shown > 0 {
        why.push(format!("searches showed {shown} notes, and none passed the job's limits and filters"));
    }
    let given_up: u64 = report.told.given_up.values().sum();
    if given_up > 0 {
        why.push(format!("{given_up} calls were given up"));
    }
    let nothing: u64 = report
        .calls
        .iter()
        .filter(|line| line.outcome == "empty" && line.endpoint != "search_notes")
        .map(|line| line.calls)
        .sum();
    let gone: u64 = report.calls.iter().filter(|line| line.outcome == "gone").map(|line| line.calls).sum();
    if gone > 0 {
        why.push(format!("{gone} notes or profiles are stated to be gone"));
    }
    if nothing > 0 {
        why.push(format!("{nothing} notes, lists or profiles showed nothing"));
    }
    if this_run.sent == 0 {
        why.push(if report.saved.reused > 0 {
            "no call was due: earlier answers are young enough".to_owned()
        } else {
            format!("no call was sent: {}", report.ending.reason)
        });
    } else if report.ending.kind != "complete" {
        why.push(report.ending.reason.clone());
    }
    if why.is_empty() {
        why.push("the job's seeds led to none".to_owned());
    }
    let held = report.rows.get("notes").copied().unwrap_or(0);
    let scope = if held == 0 { "the dataset is empty" } else { "this run showed none" };
    Some(format!("{scope}: {}", why.join("; ")))
}

/// Says where to read the tables; from the current folder if they are in it.
pub(super) fn read(dataset: &Path) -> String {
    let folder = dataset.canonicalize().unwrap_or_else(|_| dataset.to_owned());
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let folder = folder.strip_prefix(&here).unwrap_or(&folder);
    // Some file systems have no links.
    let latest = match dataset::latest(dataset) {
        Ok(Some(number)) if !dataset.join("latest").is_symlink() => dataset::snapshot_folder(folder, number),
        _ => folder.join("latest"),
    };
    format!("{}: a folder for each table, and README.md with every column", latest.display())
}
