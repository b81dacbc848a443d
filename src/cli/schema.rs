//! `notemill schema`: what job files and tables look like.

use clap::{Subcommand, ValueEnum};

use super::Global;
use super::exit::Exit;
use super::messages::stdout;
use crate::flatten::tables::{Outline, TableDoc, dictionary, json, markdown};
use crate::{job, observations};

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
    /// The same for the observations, of which the tables are made
    Observations {
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
            Of::Tables { format } => print(global, *format, dictionary()),
            Of::Observations { format } => print(global, *format, observations::dictionary(&Outline::default())),
        }
        Exit::Complete
    }
}

fn print(global: &Global, format: Format, tables: Vec<TableDoc>) {
    match format {
        Format::Markdown if !global.json => stdout(markdown(tables)),
        _ => stdout(format!("{:#}\n", json(&tables))),
    }
}
