//! `notemill verify`: everything on disk read once more, and all damage told.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::Global;
use super::exit::Exit;
use super::messages::{Failure, stdout};
use super::target::{Target, dataset_folder};
use crate::forget::{self, ForgetError};
use crate::model::{Finding, Inspection};
use crate::report::RunReport;
use crate::state::Harm;
use crate::{archive, dataset, state};

/// Re-reads a dataset: state, archive, snapshots, reports. Nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

/// The facts, as `--json` prints them.
#[derive(Serialize)]
struct Facts<'a> {
    dataset: &'a Path,
    sound: bool,
    read: serde_json::Map<String, serde_json::Value>,
    damage: &'a [Finding],
    notes: &'a [Finding],
    hints: Vec<&'static str>,
}

impl Verify {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let target = Target::find(&self.target)?;
        let folder = target.held(self.dataset.as_deref())?;
        let (found, hints) = verify(folder)?;
        if global.json {
            let read = found.read.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
            let sound = found.damage.is_empty();
            let facts = Facts { dataset: folder, sound, read, damage: &found.damage, notes: &found.notes, hints };
            let json = serde_json::to_string(&facts).context("cannot write what was found")?;
            stdout(format!("{json}\n"));
        } else {
            print(folder, &found, &hints);
        }
        Ok(if found.damage.is_empty() { Exit::Complete } else { Exit::Dataset })
    }
}

/// Re-reads a dataset that nobody else changes meanwhile; says what to do where something is damaged.
fn verify(folder: &Path) -> Result<(Inspection, Vec<&'static str>), Failure> {
    let held = state::hold(folder)?;
    let mut found = Inspection::default();
    let mut hints = Vec::new();
    let mut seen = 0;
    let mut hint = |found: &Inspection, hint: &'static str| {
        if found.damage.len() > seen {
            seen = found.damage.len();
            hints.push(hint);
        }
    };
    let facts = held.inspect(&mut found)?;
    hint(&found, facts.harm.map_or("", state_hint));
    archive::verify(folder, &facts, &mut found).map_err(anyhow::Error::new)?;
    hint(&found, "archive: restore the segment from a copy; its answers were paid for");
    dataset::verify(folder, facts.origin.as_deref(), &mut found).map_err(anyhow::Error::new)?;
    hint(
        &found,
        "tables: `notemill build` writes what is damaged in the latest snapshot anew, into a new one; \
         an older snapshot can be removed",
    );
    list(folder, &mut found)?;
    hint(&found, "forgotten ids: restore the list from a copy; without it they would be asked again");
    reports(folder, &mut found)?;
    hint(&found, "report: it can be removed; the table `calls` has what it told");
    Ok((found, hints))
}

/// Says what to do about a state. It is moved aside only if it is proved to be damaged: it may be all that knows some answers.
fn state_hint(harm: Harm) -> &'static str {
    match harm {
        Harm::Gone => "state: put all of `state.sqlite*` back from a copy, if there is one",
        Harm::Changed => {
            "state: its records are sound. if another program only opened it, or if you put an older copy back on purpose, \
             remove `state.sqlite.sha256` (beside an older copy also `state.sqlite-wal`): the next command goes on with what is \
             there"
        }
        Harm::Log => {
            "state: put its log back from a copy; if there is none, remove `state.sqlite.sha256` and `state.sqlite-wal`: the \
             next command goes on with what `state.sqlite` itself holds"
        }
        Harm::Records => {
            "state: put a sound copy of all `state.sqlite*` back, if there is one; else move them aside: the next run or \
             build rebuilds it from the sealed archive, less what was not sealed"
        }
    }
}

/// Reads the list of what is forgotten.
fn list(folder: &Path, found: &mut Inspection) -> Result<(), Failure> {
    let path = folder.join("forgotten.json");
    match forget::read(folder) {
        Ok(Some(forgotten)) if forgotten.is_pending() => {
            found.note(&path, "what is forgotten is not taken out yet: a kill came between; the next command goes on");
        }
        Ok(_) => {}
        Err(ForgetError::List { source, .. }) => found.damage(&path, source),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn reports(folder: &Path, found: &mut Inspection) -> Result<(), Failure> {
    let folder = folder.join("runs");
    let mut paths = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
    .with_context(|| format!("cannot list `{}`", folder.display()))?;
    paths.sort();
    let is_report = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.starts_with('.')
    };
    paths.retain(is_report);
    for path in &paths {
        let text = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        if let Err(error) = serde_json::from_slice::<RunReport>(&text) {
            found.damage(path, error);
        }
    }
    found.read.push(("reports", paths.len() as u64));
    Ok(())
}

fn print(folder: &Path, found: &Inspection, hints: &[&str]) {
    stdout(format!("read again: dataset {}\n\n", folder.display()));
    for (name, count) in &found.read {
        stdout(format!("  {name:<17} {count:>10}\n"));
    }
    let inside = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    for (kind, findings) in [("note", &found.notes), ("damaged", &found.damage)] {
        if !findings.is_empty() {
            stdout("\n");
        }
        for finding in findings {
            stdout(format!("  {kind:<8} {}: {}\n", inside(&finding.file), finding.what));
        }
    }
    match found.damage.len() {
        0 => stdout("\n  sound\n"),
        1 => stdout("\n  1 thing is damaged\n"),
        count => stdout(format!("\n  {count} things are damaged\n")),
    }
    for hint in hints {
        stdout(format!("  hint     {hint}\n"));
    }
}
