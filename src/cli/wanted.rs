//! How a command makes its tables, and how long it keeps raw answers: as the job says, or as what stands.

use std::path::Path;
use std::time::Duration;

use super::exit::Exit;
use super::messages::Failure;
use super::recipe;
use super::target::Target;
use crate::archive;
use crate::dataset::{self, Layout, Manifest};
use crate::flatten::Recipe;
use crate::job::Job;
use crate::observations;
use crate::state::State;

/// What is wanted of a build.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) layout: Layout,
    pub(super) recipe: Recipe,
    /// How long raw answers are kept; none is forever.
    pub(super) retain: Option<Duration>,
}

impl Wanted {
    pub(super) fn of_job(job: &Job) -> Result<Self, Failure> {
        Ok(Self { layout: job.output.clone().into(), recipe: recipe::of_job(job)?, retain: job.retain })
    }

    /// Takes up what the job says, else what the tables that stand are like. Without a job, no raw answer goes.
    pub(super) fn of(target: &Target, state: &mut State) -> Result<Self, Failure> {
        let wanted = match target {
            Target::Job(job) => Self::of_job(job)?,
            Target::Dataset(folder) => {
                let manifest = latest_manifest(folder)?;
                let layout = manifest.as_ref().map(Manifest::wanted_layout).unwrap_or_default();
                Self { layout, recipe: recipe::of_standing(manifest.as_ref())?, retain: None }
            }
        };
        wanted.check(state)?;
        Ok(wanted)
    }

    /// Checks that observations can be read that are retained in the place of answers, before anything is asked. What earlier
    /// versions kept of answers is converted.
    pub(super) fn check(&self, state: &mut State) -> Result<(), Failure> {
        recipe::check_told(&state.turn()?.told_keys()?, &self.recipe)?;
        Ok(archive::convert(state, |answer| observations::retain(&self.recipe, answer))?)
    }
}

/// Reads the manifest of the latest snapshot; none where there is no snapshot yet.
pub(super) fn latest_manifest(folder: &Path) -> Result<Option<Manifest>, Failure> {
    let Some(latest) = dataset::latest(folder).map_err(anyhow::Error::new)? else { return Ok(None) };
    let manifest = Manifest::read(&dataset::snapshot_folder(folder, latest)).map_err(|error| Failure {
        error: anyhow::Error::new(error),
        hint: Some("`notemill build JOB` with the job file publishes the tables again, from the archive".into()),
        exit: Exit::Dataset,
    })?;
    Ok(Some(manifest))
}
