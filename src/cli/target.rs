//! What a command works on: a job file, or a dataset's folder in its place.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use clap::builder::{PathBufValueParser, TypedValueParser};

use super::messages::{Failure, print_problems, stderr};
use super::opening;
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
        state::check_unused(path)?;
        let error = anyhow!("the folder `{}` holds no dataset", path.display());
        Err(Failure::usage(error).hint("name a job file, or the folder that `notemill run` wrote"))
    }

    /// Finds the folder of a dataset that is there.
    pub(super) fn folder(path: &Path, in_place: Option<&Path>) -> Result<PathBuf, Failure> {
        let folder = match in_place {
            Some(folder) => folder.to_owned(),
            None => return Ok(Self::find(path)?.held(None)?.to_owned()),
        };
        if state::is_dataset(&folder) { Ok(folder) } else { Err(no_dataset(&folder, None)) }
    }

    /// Returns the dataset's folder, or the one in its place, if there is a dataset in it.
    pub(super) fn held<'t>(&'t self, in_place: Option<&'t Path>) -> Result<&'t Path, Failure> {
        let folder = in_place.unwrap_or_else(|| self.dataset());
        if state::is_dataset(folder) {
            return Ok(folder);
        }
        let job = match self {
            Self::Job(job) if in_place.is_none() => Some(&**job),
            _ => None,
        };
        Err(no_dataset(folder, job))
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

fn no_dataset(folder: &Path, job: Option<&Job>) -> Failure {
    // Another process may be making it at this moment.
    if let Err(error) = state::check_unused(folder) {
        return error.into();
    }
    let error = anyhow!("the folder `{}` holds no dataset", opening::absolute(folder).display());
    let earlier = job.and_then(opening::earlier_place);
    Failure::usage(error).hint(earlier.map_or("`notemill run` makes one".to_owned(), |earlier| {
        format!(
            "the job's dataset counts from the job file's folder; the one at `{}` is named with `--dataset`",
            earlier.display()
        )
    }))
}

/// Reads the folder behind `--dataset`: from the current folder, or from the home folder behind a `~`.
pub(super) fn dataset_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let Some(text) = path.to_str() else { return Ok(path) };
        job::resolve(text, Path::new(""), home().as_deref())
            .map_err(|(message, hint)| hint.map_or(message.clone(), |hint| format!("{message}; {hint}")))
    })
}

/// Returns what `~` stands for.
pub(super) fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// Loads a job file; its problems and warnings are printed.
pub(super) fn load(path: &Path) -> Result<Job, Failure> {
    let job = job::load(path, home().as_deref()).map_err(|error| match error {
        LoadError::Problems(told) => {
            print_problems(&told.problems, &told.sources);
            Failure::usage(anyhow!("{told}; nothing was sent"))
        }
        error @ LoadError::Read { .. } => Failure::usage(error).hint("`notemill init` writes a commented job file"),
        error @ (LoadError::Encoding { .. } | LoadError::NotText { .. }) => {
            Failure::usage(error).hint("save it as UTF-8: in Notepad, `Save as` with the encoding `UTF-8`")
        }
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
