//! `notemill schema`: what job files and tables look like.

use clap::{Subcommand, ValueEnum};

use super::Global;
use super::exit::Exit;
use super::messages::stdout;
use crate::{flatten, job};

/// Prints schemas.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    #[command(subcommand)]
    of: Of,
}

#[derive(Debug, Subcommand)]
enum Of {
    /// The JSON Schema of job files
    Job,
    /// The data dictionary: every table, column, type, description and source
    Tables {
        /// How it is written
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Markdown,
    Json,
}

impl Schema {
    pub(super) fn execute(&self, global: &Global) -> Exit {
        match &self.of {
            Of::Job => stdout(format!("{:#}\n", job::json_schema())),
            Of::Tables { format: Format::Markdown } if !global.json => {
                stdout(flatten::tables::markdown(flatten::tables::dictionary()));
            }
            Of::Tables { .. } => stdout(format!("{:#}\n", flatten::tables::dictionary_json())),
        }
        Exit::Complete
    }
}
