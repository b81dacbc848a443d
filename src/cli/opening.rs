//! What a run says first: which dataset it goes to, and whether another one may be meant.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::messages::stderr;
use super::target::home;
use super::wanted::latest_manifest;
use crate::job::{self, Job};
use crate::state;

/// Prints which dataset a command works on; before a first run also which others may be meant.
pub(super) fn announce(job: &Job, in_place: bool, quiet: bool) {
    let folder = &job.dataset;
    let is_new = !state::is_dataset(folder);
    if is_new && holds_anything(folder) {
        // Something else is there, which is told when it is opened.
        return;
    }
    if !quiet {
        let holds = if is_new { "new, empty".to_owned() } else { contents(folder) };
        stderr(format!("dataset {} ({holds})\n", absolute(folder).display()));
    }
    if !is_new || in_place {
        return;
    }
    if let Some(earlier) = earlier_place(job) {
        stderr(format!(
            "warning: `{}` holds a dataset, and this run begins another one: the job's dataset counts from the job \
             file's folder, and no longer from the current one\n\
             hint: to go on with it, add `--dataset {0}`, or move that folder to `{}`\n",
            earlier.display(),
            absolute(folder).display()
        ));
    } else if let (None, false) = (&job.written_dataset, quiet) {
        let named = neighbours(folder);
        if !named.is_empty() {
            stderr(format!(
                "hint: `{}` holds other datasets: {}; if the job was renamed, name its old folder with `dataset`\n",
                absolute(folder.parent().unwrap_or(folder)).display(),
                named.join(", ")
            ));
        }
    }
}

/// Finds the dataset at the place where versions before looked for it, from the current folder; none if it is that of
/// another job.
pub(super) fn earlier_place(job: &Job) -> Option<PathBuf> {
    let written = job.written_dataset.as_ref().map(PathBuf::from);
    let earlier = absolute(&written.unwrap_or_else(|| Path::new("data").join(&job.name)));
    let is_one = earlier != absolute(&job.dataset) && state::is_dataset(&earlier);
    (is_one && !is_of_another_job(&earlier)).then_some(earlier)
}

/// At most so many files are looked at for a job.
const MOST_JOBS: usize = 200;

/// Returns true if a job file in the current folder or in one below it names a folder as its dataset.
fn is_of_another_job(dataset: &Path) -> bool {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let here: Vec<PathBuf> = entries(Path::new(".")).collect();
    let below = here.iter().filter(|path| path.is_dir()).flat_map(|folder| entries(folder));
    let files =
        here.iter().cloned().chain(below).filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let jobs = files.take(MOST_JOBS).filter_map(|path| job::load(&path, home().as_deref()).ok());
    jobs.into_iter().any(|job| absolute(&job.dataset) == dataset)
}

fn holds_anything(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    folder.is_file() || entries.flatten().any(|entry| entry.file_name() != ".lock")
}

/// Says how many runs and notes a dataset holds.
fn contents(folder: &Path) -> String {
    // What is wrong with the state is told when it is opened.
    let runs = match state::peek(folder, Timestamp::now()).map(|peek| peek.map(|peek| peek.runs)) {
        Ok(Some(1)) => "1 run".to_owned(),
        Ok(Some(runs)) => format!("{} runs", grouped(runs)),
        Ok(None) if !state::has_state(folder) => "no state".to_owned(),
        Ok(None) | Err(_) => "its state is not read yet".to_owned(),
    };
    let notes = latest_manifest(folder).ok().flatten();
    let notes = notes.map(|manifest| manifest.tables.get("notes").map_or(0, |notes| notes.rows));
    match notes {
        Some(1) => format!("{runs}, 1 note"),
        Some(notes) => format!("{runs}, {} notes", grouped(notes)),
        None => format!("{runs}, no tables yet"),
    }
}

/// Lists the datasets beside a folder, by name.
fn neighbours(folder: &Path) -> Vec<String> {
    let entries = folder.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let folders = entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let names = folders.filter(|path| state::is_dataset(path));
    let mut names: Vec<String> =
        names.filter_map(|path| Some(format!("`{}`", path.file_name()?.to_string_lossy()))).collect();
    names.sort();
    if let Some(more) = names.len().checked_sub(3).filter(|more| *more > 0) {
        names.truncate(3);
        names.push(format!("{more} more"));
    }
    names
}

/// Writes a path from the root, without `..` and links as far as it exists.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path
}

/// Writes a number in groups of three digits: `3,410`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (3410, "3,410"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_path_is_absolute_as_far_as_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("jobs")).unwrap();
        assert_eq!(absolute(&root.join("jobs/../data/x")), root.join("data/x"));
        assert_eq!(absolute(&root.join("jobs/..")), root);
    }
}
