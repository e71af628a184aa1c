//! `atsmatrix schema`: prints the JSON schema of matrix.yaml, of results/matrix.json, or of results/behaviour.json.

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
    /// results/matrix.json
    Results,
    /// results/behaviour.json
    Behaviour,
}

pub(super) fn run(options: &SchemaArgs) -> anyhow::Result<Exit> {
    let schema = match options.of {
        File::Matrix => matrix::schema(),
        File::Results => report::json::schema(),
        File::Behaviour => report::behaviour::schema(),
    };
    console::print_document(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(Exit::Success)
}
