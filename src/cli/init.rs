//! `notemill init`: a commented job file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::exit::Exit;
use super::messages::{Failure, stderr};
use crate::job;

/// Writes a commented job file.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Where to write it; a file that is there is left alone
    #[arg(default_value = "job.toml")]
    file: PathBuf,
}

impl Init {
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        let name = self.file.display();
        let file = OpenOptions::new().write(true).create_new(true).open(&self.file);
        let mut file = file.with_context(|| format!("cannot make the job file `{name}`")).map_err(Failure::usage)?;
        file.write_all(job::template().as_bytes()).with_context(|| format!("cannot write the job file `{name}`"))?;
        stderr(format!("wrote `{name}`; try it for free: notemill run {name} --sandbox\n"));
        Ok(Exit::Complete)
    }
}
