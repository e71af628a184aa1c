//! `atsmatrix merge`: results of shards or of several machines made one.

use std::path::PathBuf;

use clap::Args;

use super::Places;
use super::format::Format;
use super::source::Source;
use crate::exit::Exit;
use crate::merge::{self, Part};
use crate::store::Results;
use crate::{console, report};

/// Options of `atsmatrix merge`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 merged, 3 the results contradict each other.")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The results: matrix.json files, or git:REV
    #[arg(value_name = "RESULTS", required = true)]
    parts: Vec<Source>,
    /// Write matrix.json and README.md here, in place of what is there [default: print matrix.json]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// How to say what became of it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let load = |source: &Source| -> anyhow::Result<Part> {
        Ok(Part { name: source.to_string(), result: source.load(&options.places)? })
    };
    let parts = options.parts.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let merged = match merge::merge(&parts) {
        Ok(merged) => merged,
        Err(found) => {
            console::print(&options.format.show(&merge::conflicts(&found), || merge::json(&found)));
            return Ok(Exit::Unexpected);
        }
    };
    let json = || String::from_utf8_lossy(&report::json::write(&merged.result)).into_owned();
    match &options.into {
        Some(dir) => {
            Results::new(dir).commit(|_| merged.result.clone())?;
            console::print(&options.format.show(&merge::merged(&merged, parts.len()), json));
        }
        None => console::print(&json()),
    }
    Ok(Exit::Success)
}
