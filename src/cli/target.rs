//! What a command works on: a job file, or a dataset's folder in its place.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::messages::{Failure, print_problems, stderr};
use crate::job::{self, Budget, Job, LoadError};
use crate::state;

/// A job, or a dataset that is there.
#[derive(Debug)]
pub(super) enum Target {
    Job(Box<Job>),
    Dataset(PathBuf),
}

impl Target {
    /// Takes a folder as a dataset and anything else as a job file.
    pub(super) fn find(path: &Path) -> Result<Self, Failure> {
        if !path.is_dir() {
            return Ok(Self::Job(Box::new(load(path)?)));
        }
        if state::is_dataset(path) {
            return Ok(Self::Dataset(path.to_owned()));
        }
        let error = anyhow!("the folder `{}` holds no dataset", path.display());
        Err(Failure::usage(error).hint("name a job file, or the folder that `notemill run` wrote"))
    }

    /// Finds the folder of a dataset that is there.
    pub(super) fn folder(path: &Path, in_place: Option<&Path>) -> Result<PathBuf, Failure> {
        let folder = match in_place {
            Some(folder) => folder.to_owned(),
            None => Self::find(path)?.dataset().to_owned(),
        };
        if !state::is_dataset(&folder) {
            let error = anyhow!("the folder `{}` holds no dataset", folder.display());
            return Err(Failure::usage(error).hint("`notemill run` makes one"));
        }
        Ok(folder)
    }

    /// Returns the job's caps; a folder alone names none.
    pub(super) fn budget(&self) -> Budget {
        match self {
            Self::Job(job) => job.budget,
            Self::Dataset(_) => Budget::default(),
        }
    }

    pub(super) fn dataset(&self) -> &Path {
        match self {
            Self::Job(job) => &job.dataset,
            Self::Dataset(folder) => folder,
        }
    }
}

/// Loads a job file; its problems and warnings are printed.
pub(super) fn load(path: &Path) -> Result<Job, Failure> {
    let job = job::load(path).map_err(|error| match error {
        LoadError::Problems(told) => {
            print_problems(&told.problems, &told.sources);
            Failure::usage(anyhow!("{told}; nothing was sent"))
        }
        error @ LoadError::Read { .. } => Failure::usage(error).hint("`notemill init` writes a commented job file"),
    })?;
    let unpriced: Vec<String> =
        job.unpriced().into_iter().map(|(endpoint, vendor)| format!("{endpoint} ({vendor})")).collect();
    if !unpriced.is_empty() {
        stderr(format!(
            "warning: {} not hold back calls without a price: {}\n\
             hint: name the price in `[vendors.NAME]`, or cap with `max_calls`\n",
            words_of_caps(&job.budget.cost_caps()),
            unpriced.join(", ")
        ));
    }
    Ok(job)
}

fn words_of_caps(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", names.join(" and "), if names.len() == 1 { "does" } else { "do" })
}
