//! What was read from the files of seeds that a job names: said before anything is paid for it.

use super::messages::{stderr, stdout};
use crate::job::{Job, SeedList};
use crate::model::shown;

/// Prints what each file lists, behind a label: how many, the first and the last.
pub(super) fn print(job: &Job, label: &str) {
    for list in &job.lists {
        stdout(format!("  {label}{}\n", words(list)));
    }
}

/// Warns of what may have been meant otherwise.
pub(super) fn warn(job: &Job) {
    for list in &job.lists {
        for warning in &list.warnings {
            stderr(format!("warning: `{}`: {warning}\n", shown(&list.path, 120)));
        }
    }
}

fn words(list: &SeedList) -> String {
    let (key, path, unit, count) = (list.key, shown(&list.path, 120), list.unit, list.count);
    let from = shown(&list.first, 40);
    let read_as = if list.read_as.is_empty() { String::new() } else { format!(" ({})", list.read_as.join("; ")) };
    if count == 1 {
        return format!("{key} `{path}`: 1 {unit}, `{from}`{read_as}");
    }
    let to = shown(&list.last, 40);
    format!("{key} `{path}`: {count} {unit}s, first `{from}`, last `{to}`{read_as}")
}
