//! `notemill check`: all problems of job files and vendor descriptions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::exit::Exit;
use super::messages::{Failure, print_failure, print_problems, stderr, stdout};
use super::{Global, lists, target};
use crate::job::Job;
use crate::model::shown;
use crate::vendor::Description;

/// Validates job files.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Job files
    #[arg(required_unless_present = "vendor")]
    jobs: Vec<PathBuf>,
    /// A vendor's description, as `file` names it in a job
    #[arg(long, value_name = "FILE")]
    vendor: Vec<PathBuf>,
}

impl Check {
    pub(super) fn execute(&self, global: &Global) -> Exit {
        let mut good = Vec::new();
        let mut bad = Vec::new();
        let mut tables = serde_json::Map::new();
        let mut read = BTreeMap::new();
        for path in &self.vendor {
            let shown = path.display().to_string();
            if check_vendor(path, &shown) { good.push(shown) } else { bad.push(shown) }
        }
        for path in &self.jobs {
            let shown = path.display().to_string();
            match target::load(path) {
                Ok(job) => {
                    lists::warn(&job);
                    let changes = changes(&job);
                    if !changes.is_empty() {
                        tables.insert(shown.clone(), changes.into());
                    }
                    if !job.budget.has_cap() && !global.quiet {
                        stderr(format!(
                            "warning: no cap is set in `{shown}`: a run asks everything that it finds\n\
                             hint: set `max_calls`, `max_calls_per_day`, `max_cost_per_day` or `max_total_cost` under `[budget]`\n"
                        ));
                    }
                    if !job.lists.is_empty() {
                        read.insert(shown.clone(), job);
                    }
                    good.push(shown);
                }
                Err(failure) => {
                    print_failure(&failure);
                    bad.push(shown);
                }
            }
        }
        if global.json {
            let lists: BTreeMap<_, _> = read.iter().map(|(name, job)| (name, &job.lists)).collect();
            let facts = serde_json::json!({ "good": good, "bad": bad, "tables": tables, "lists": lists });
            stdout(format!("{facts}\n"));
        } else {
            for name in &good {
                stdout(format!("{name}: good\n"));
                read.get(name).into_iter().for_each(|job| lists::print(job, ""));
                for change in tables.get(name).and_then(serde_json::Value::as_array).into_iter().flatten() {
                    stdout(format!("  {}\n", change.as_str().unwrap_or_default()));
                }
            }
        }
        if bad.is_empty() { Exit::Complete } else { Exit::Usage }
    }
}

/// Says what a job adds to the tables and takes out of them, and how long it keeps raw answers.
fn changes(job: &Job) -> Vec<String> {
    let outline = &job.outline;
    let tables = [("notes", &outline.notes), ("authors", &outline.authors)];
    let added = tables.iter().flat_map(|(table, columns)| {
        columns.iter().map(move |(name, column)| {
            format!("adds {table}.{name} ({}) from `{}`", column.kind.as_str(), shown(&column.path, 80))
        })
    });
    let dropped = outline.dropped.iter().map(|name| format!("leaves out {name}"));
    let hidden = job.pseudonymize_key_env.iter().map(|name| format!("users under pseudonyms, by the key in `{name}`"));
    let kept = job.retain.iter().map(|age| {
        let units = [("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)];
        let whole = units.iter().find(|(_, unit)| age.as_secs() % unit == 0).filter(|_| !age.is_zero());
        let after = whole.map_or("each build".to_owned(), |(name, unit)| format!("{} {name}", age.as_secs() / unit));
        format!("drops raw answers after {after}")
    });
    added.chain(dropped).chain(hidden).chain(kept).collect()
}

fn check_vendor(path: &std::path::Path, shown: &str) -> bool {
    match std::fs::read_to_string(path) {
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot read the vendor's description `{shown}`"));
            print_failure(&Failure::usage(error));
            false
        }
        Ok(text) => match Description::parse(shown, &text) {
            Ok(_) => true,
            Err(problems) => {
                print_problems(&problems, &[(shown.to_owned(), text)]);
                false
            }
        },
    }
}
