//! `atsmatrix merge`: results of shards or of several machines made one.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::Places;
use super::format::Format;
use super::gate::{Present, present};
use super::source::Source;
use crate::console;
use crate::decide::merge::{self, Part};
use crate::exit::{Exit, Failure};
use crate::model::{CellId, MatrixResult};
use crate::report;
use crate::store::Results;

/// Options of `atsmatrix merge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 merged, 3 the results contradict each other, 4 cells of matrix.yaml are missing."
)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The results: matrix.json files, or git:REV
    #[arg(value_name = "RESULTS", required = true)]
    parts: Vec<Source>,
    /// Merge also where cells of matrix.yaml are missing, or there is no such file to compare with
    #[arg(long)]
    partial: bool,
    /// Write matrix.json, README.md and checked.json here, in place of what is there [default: print matrix.json]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// How to say what became of it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let load = |source: &Source| -> anyhow::Result<Part> {
        let mut result = source.load(&options.places)?;
        // What was made by hand would come out as if a run had made it.
        if let Some(text) = source.changed(&options.places)? {
            let message = format!("nothing was merged: {text}; run it again, or take back the change");
            return Err(Failure::new(Exit::Incomplete, message).into());
        }
        // Older results name the bytes of the same matrix.yaml.
        if let Present::Same(matrix) = present(&options.places, &result)? {
            result.matrix.clone_from(&matrix.digest);
        }
        Ok(Part { name: source.to_string(), result })
    };
    let parts = options.parts.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let merged = match merge::merge(&parts) {
        Ok(merged) => merged,
        Err(found) => {
            console::document(&options.format.show(&merge::conflicts(&found), || merge::json(&found)))?;
            return Ok(Exit::Unexpected);
        }
    };
    if !options.partial {
        let cells = cells_run(&options.places, &merged.result)?;
        let missing = merge::missing(&merged.result, cells);
        if !missing.is_empty() {
            console::document(&options.format.show(&merge::incomplete(&missing), || merge::json_incomplete(&missing)))?;
            return Ok(Exit::Incomplete);
        }
    }
    let json = || String::from_utf8_lossy(&report::json::write(&merged.result)).into_owned();
    match &options.into {
        Some(dir) => {
            let day = day(options)?;
            Results::new(dir).commit_checked(|_| (merged.result.clone(), day))?;
            console::document(&options.format.show(&merge::merged(&merged, parts.len()), json))?;
        }
        None => console::document(&json())?,
    }
    Ok(Exit::Success)
}

/// The cells of the matrix.yaml that `result` was made with.
fn cells_run(places: &Places, result: &MatrixResult) -> anyhow::Result<Vec<CellId>> {
    let why = match present(places, result)? {
        Present::Same(matrix) => return Ok(matrix.cells().map(|cell| cell.id()).collect()),
        Present::Other(_) => "the results were made with another matrix.yaml than the one here",
        Present::Absent => "there is no matrix.yaml to compare with: name it with --matrix FILE",
    };
    let message = format!("nothing was merged, as nobody can tell whether cells are missing: {why}, or say --partial");
    Err(Failure::new(Exit::Incomplete, message).into())
}

/// The merged results are as old as the oldest of them; `None`: nobody knows.
fn day(options: &Options) -> anyhow::Result<Option<Date>> {
    let days = options.parts.iter().map(|part| part.day(&options.places));
    let days: Option<Vec<Date>> = days.collect::<anyhow::Result<_>>()?;
    Ok(days.and_then(|days| days.into_iter().min()))
}
