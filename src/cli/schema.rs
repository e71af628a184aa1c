//! `atsmatrix schema`: prints the JSON schema of matrix.yaml, of files with trials, or of a results file.

use clap::{Args, ValueEnum};

use crate::config::matrix;
use crate::console;
use crate::exit::Exit;
use crate::report;

/// Arguments of `atsmatrix schema`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 printed. `atsmatrix --help` lists the others.")]
pub(super) struct SchemaArgs {
    /// File that the schema describes
    #[arg(value_enum, default_value_t)]
    of: File,
}

/// A file with a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum File {
    /// matrix.yaml
    #[default]
    Matrix,
    /// Files with trials that matrix.yaml names
    Trials,
    /// results/matrix.json
    Results,
    /// results/behaviour.json
    Behaviour,
}

pub(super) fn run(options: &SchemaArgs) -> anyhow::Result<Exit> {
    let schema = match options.of {
        File::Matrix => matrix::schema(),
        File::Trials => matrix::trials_schema(),
        File::Results => report::json::schema(),
        File::Behaviour => report::behaviour::schema(),
    };
    console::print_document(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(Exit::Success)
}
