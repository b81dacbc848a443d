//! `notemill build`: new answers become tables, offline.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Global;
use super::exit::Exit;
use super::forget;
use super::found;
use super::messages::{Failure, stderr, stdout};
use super::recipe;
use super::settings::{last_day, moment_of};
use super::target::{Target, dataset_folder};
use super::wanted::{Wanted, latest_manifest};
use crate::archive::{self, ArchiveError};
use crate::crawl;
use crate::dataset::{self, BuildError, Built, Effort, LatestError, Origin};
use crate::observations;
use crate::report::DatedAhead;
use crate::state::{Clock, State, StateError};

/// Flattens answers into tables and publishes a snapshot; nothing is asked of anyone.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// Ignore the tables that stand
    #[arg(long)]
    from_scratch: bool,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

impl Build {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let target = Target::find(&self.target)?;
        let folder = target.held(self.dataset.as_deref())?;
        let mut state = open(folder)?;
        warn_of_clock(&mut state)?;
        let wanted = Wanted::of(&target, &mut state)?;
        let run = state.turn()?.latest_run()?.map_or_else(|| "recovered".to_owned(), |run| run.id);
        archive::seal(&mut state, &run)?;
        let effort = Effort { from_scratch: self.from_scratch, ..Effort::default() };
        let built = publish(&mut state, &wanted, effort)?;
        crawl::close_if_done(&mut state)?;
        let raw_dropped = drop_raw(&mut state, &wanted)?;
        if global.json {
            let facts = serde_json::json!({
                "snapshot": built.snapshot, "published": built.published, "rows": built.rows, "raw_dropped": raw_dropped,
            });
            stdout(format!("{facts}\n"));
        } else {
            let what = if built.published { "published" } else { "unchanged:" };
            stdout(format!("{what} snapshot {:06} in {}\n", built.snapshot, folder.display()));
            built.rows.iter().for_each(|(table, rows)| stdout(format!("  {table:<16} {rows:>10}\n")));
            if raw_dropped > 0 {
                stdout(format!("{raw_dropped} raw answers dropped; their observations are kept\n"));
            }
        }
        Ok(Exit::Complete)
    }
}

/// Opens a dataset: locks it, and makes its state agree with its archive.
pub(super) fn open(folder: &Path) -> Result<State, Failure> {
    let mut state = State::open(folder)?;
    // All of this is known before anything is asked, for no snapshot could be published later.
    limits(&mut state)?;
    if let Some(copied) = dataset::mend_latest(state.disk(), folder)? {
        stderr(format!(
            "`latest` was a copy of snapshot {copied:06}, as copying without links leaves it: it is mended\n"
        ));
    }
    let learnt = archive::reconcile(&mut state)?;
    if let Some(doubt) = state.doubt() {
        stderr(format!("warning: {doubt}\n"));
    }
    if learnt > 0 {
        stderr(format!(
            "warning: the archive held {learnt} answers that `state.sqlite` did not know; they are known again. \
             answers that a lost state had not yet sealed are gone\n"
        ));
    }
    // Before anything else: what is forgotten may still stand here, or have come back with what was learnt.
    forget::finish(&mut state, learnt > 0)?;
    if state.origin()?.is_none()
        && let Some(manifest) = latest_manifest(folder)?
    {
        state.claim_origin(&manifest.origin.to_string())?;
    }
    if state.origin()?.as_deref() == Some("sandbox") {
        // Answers of the sandbox age by the sandbox's clock.
        let now = moment_of(last_day(&state.turn()?)?);
        state = state.with_clock(Clock::standing(now));
    }
    Ok(state)
}

/// Warns of answers that are dated ahead of the clock, before anything is asked, and returns what it said of them.
pub(super) fn warn_of_clock(state: &mut State) -> Result<Option<DatedAhead>, Failure> {
    let found = state.turn()?.dated_ahead()?;
    let ahead = found.map(|ahead| DatedAhead { clock: ahead.now, latest: ahead.latest, answers: ahead.answers });
    if let Some(ahead) = &ahead {
        stderr(format!("warning: {}\n", ahead.words()));
    }
    Ok(ahead)
}

/// Reports, once for a dataset, what its file system lacks.
fn limits(state: &mut State) -> Result<(), Failure> {
    let new = state.take_new_limits()?;
    let folder = state.folder().display();
    if new.no_links {
        stderr(format!(
            "warning: the file system of `{folder}` has no symbolic links: there is no `latest`, and `latest.json` names \
             the snapshot to read\n"
        ));
    }
    if new.no_folder_sync {
        stderr(format!(
            "warning: the file system of `{folder}` cannot sync folders: if the power fails, what was written last may \
             be lost\n"
        ));
    }
    Ok(())
}

impl From<LatestError> for Failure {
    fn from(error: LatestError) -> Self {
        match error {
            LatestError::Other { .. } => Self {
                error: error.into(),
                hint: Some("move it out of the dataset's folder: the next run or build makes the link again".into()),
                exit: Exit::Dataset,
            },
            LatestError::Disk(_) => Self {
                error: error.into(),
                hint: Some("check the disk: space, rights, mount; nothing was sent".into()),
                exit: Exit::Failure,
            },
        }
    }
}

/// Turns every sealed answer into tables and publishes them.
pub(super) fn publish(state: &mut State, wanted: &Wanted, effort: Effort) -> Result<Built, Failure> {
    let Wanted { layout, recipe, .. } = wanted;
    let folder = state.folder().to_owned();
    let origin = match state.origin()?.as_deref() {
        Some("sandbox") => Origin::Sandbox,
        _ => Origin::Live,
    };
    // One that cannot be read is told by the build.
    let before = latest_manifest(&folder).ok().flatten();
    let segments = archive::segments(state)?;
    let built = dataset::build(&segments, state.disk(), &folder, layout, recipe, origin, effort).map_err(failure)?;
    for path in &built.damaged {
        stderr(format!("warning: `{}` was damaged; the new snapshot has it whole\n", path.display()));
    }
    found::count_added(state, &built)?;
    recipe::warn(&folder, before.as_ref(), recipe)?;
    if state.turn()?.has_told()? {
        recipe::warn_of_empty(before.as_ref(), recipe);
    }
    if let Err(error) = dataset::pinned(&folder) {
        stderr(format!("warning: {error}; until it can be read, no snapshot is removed\n"));
    }
    Ok(built)
}

/// Retains observations in the place of raw answers that are older than they are kept. Returns how many there were.
///
/// Done last: what cannot be told keeps nothing else from being finished.
pub(super) fn drop_raw(state: &mut State, wanted: &Wanted) -> Result<u64, Failure> {
    let Some(age) = wanted.retain else { return Ok(0) };
    let recipe = &wanted.recipe;
    let turn = state.turn()?;
    // Of no age at all are all of them, whatever the clock says. What is dated ahead of the clock stays until its own date
    // is old enough: what was kept too long can still be dropped, and what was dropped is gone.
    let until = if age.is_zero() { Timestamp::MAX } else { turn.now().checked_sub(age).unwrap_or(Timestamp::MIN) };
    drop(turn);
    let hides = recipe.outline().pseudonyms.is_some();
    let dropped = archive::expire(state, until, hides, |answers| observations::retain_all(recipe, answers))?;
    if state.is_uncompacted()? {
        match state.compact() {
            Err(error @ StateError::HeldBack { .. }) => {
                stderr(format!("warning: {error}: parts of raw answers may stand in its log until the next command\n"));
            }
            done => done?,
        }
    }
    Ok(dropped)
}

fn failure(error: BuildError<ArchiveError>) -> Failure {
    let (exit, hint) = match error {
        BuildError::Answer(error) => return error.into(),
        BuildError::Origin { .. } => (Exit::Dataset, "name another dataset with `--dataset`"),
        BuildError::Newer { .. } => (Exit::Dataset, "use the newer notemill that wrote it"),
        BuildError::Damaged { .. } => {
            (Exit::Dataset, "move `snapshots` aside: `notemill build` makes the tables again from the archive")
        }
        BuildError::Disk(_) | BuildError::Parquet(_) | BuildError::Cache { .. } => (
            Exit::Failure,
            "the snapshot before still stands, and what was paid for is in the archive: `notemill build` tries again",
        ),
    };
    Failure { error: anyhow::Error::new(error), hint: Some(hint.into()), exit }
}
