//! `atsmatrix schema`: the JSON schemas of what is written by hand and of what is committed.

use clap::{Args, ValueEnum};

use crate::config::matrix;
use crate::console;
use crate::exit::Exit;
use crate::report;

/// Options of `atsmatrix schema`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Of which file
    #[arg(value_enum, default_value_t)]
    of: File,
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum File {
    /// matrix.yaml
    #[default]
    Matrix,
    /// results/matrix.json
    Results,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let schema = match options.of {
        File::Matrix => matrix::schema(),
        File::Results => report::json::schema(),
    };
    console::document(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(Exit::Success)
}
