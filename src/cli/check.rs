//! `notemill check`: all problems of job files and vendor descriptions.

use std::path::PathBuf;

use super::exit::Exit;
use super::messages::{Failure, print_failure, print_problems, stdout};
use super::{Global, target};
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
        for path in &self.vendor {
            let shown = path.display().to_string();
            if check_vendor(path, &shown) { good.push(shown) } else { bad.push(shown) }
        }
        for path in &self.jobs {
            let shown = path.display().to_string();
            match target::load(path) {
                Ok(_) => good.push(shown),
                Err(failure) => {
                    print_failure(&failure);
                    bad.push(shown);
                }
            }
        }
        if global.json {
            stdout(format!("{}\n", serde_json::json!({ "good": good, "bad": bad })));
        } else {
            for name in &good {
                stdout(format!("{name}: good\n"));
            }
        }
        if bad.is_empty() { Exit::Complete } else { Exit::Usage }
    }
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
