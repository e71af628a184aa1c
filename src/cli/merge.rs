//! `atsmatrix merge`: merges the results of several shards or machines.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::PathArgs;
use super::format::AnswerFormat;
use super::gate::{MatrixMatch, compare_matrix};
use super::source::ResultsSource;
use crate::console;
use crate::decide::behaviour;
use crate::decide::merge::{self, Part};
use crate::exit::{Exit, Failure};
use crate::model::{CellId, MatrixResult};
use crate::report;
use crate::store::{CommittedFiles, Results};

/// Arguments of `atsmatrix merge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 merged, 3 the results contradict each other, 4 cells of matrix.yaml are missing.\n`atsmatrix --help` lists the others."
)]
pub(super) struct MergeArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Results to merge: matrix.json files, or git:REV
    #[arg(value_name = "RESULTS", required = true)]
    parts: Vec<ResultsSource>,
    /// Merge even if cells of matrix.yaml are missing, or there is no matrix.yaml to compare with
    #[arg(long)]
    partial: bool,
    /// Write matrix.json, behaviour.json, README.md and checked.json to this folder, replacing those there [default: print matrix.json]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &MergeArgs) -> anyhow::Result<Exit> {
    let load = |source: &ResultsSource| -> anyhow::Result<Part> {
        let mut result = source.load(&options.places)?;
        // Results edited by hand would be indistinguishable from those of a run after the merge.
        if let Some(text) = source.changed(&options.places)? {
            let message = format!("nothing was merged: {text}; run it again, or revert the change");
            return Err(Failure::new(Exit::Incomplete, message).into());
        }
        // Older results have the digest of the bytes of the same matrix.yaml.
        if let MatrixMatch::Same(matrix) = compare_matrix(&options.places, &result)? {
            result.matrix.clone_from(&matrix.digest);
        }
        Ok(Part { name: source.to_string(), result })
    };
    let parts = options.parts.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let merged = match merge::merge(&parts) {
        Ok(merged) => merged,
        Err(found) => {
            console::print_document(&options.format.show(&merge::conflicts(&found), || merge::json(&found)))?;
            return Ok(Exit::Unexpected);
        }
    };
    if !options.partial {
        let cells = cells_run(&options.places, &merged.result)?;
        let missing = merge::missing(&merged.result, cells);
        if !missing.is_empty() {
            console::print_document(
                &options.format.show(&merge::incomplete(&missing), || merge::json_incomplete(&missing)),
            )?;
            return Ok(Exit::Incomplete);
        }
    }
    let json = || String::from_utf8_lossy(&report::json::write(&merged.result)).into_owned();
    match &options.into {
        Some(dir) => {
            let day = day(options)?;
            let parts = options.parts.iter().map(|part| part.behaviour(&options.places));
            let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
            let cells = merged.result.cells.iter().map(|cell| cell.id.clone()).collect();
            let (result, behaviour) = (merged.result.clone(), behaviour::merged(&parts, &cells));
            Results::new(dir).commit_all(|_, _| CommittedFiles { result, day, behaviour })?;
            console::print_document(&options.format.show(&merge::merged(&merged, parts.len()), json))?;
        }
        None => console::print_document(&json())?,
    }
    Ok(Exit::Success)
}

/// The cells of the matrix.yaml that `result` was made with.
fn cells_run(places: &PathArgs, result: &MatrixResult) -> anyhow::Result<Vec<CellId>> {
    let why = match compare_matrix(places, result)? {
        MatrixMatch::Same(matrix) => return Ok(matrix.cells().map(|cell| cell.id()).collect()),
        MatrixMatch::Other(_) => "the results were made with another matrix.yaml",
        MatrixMatch::Absent => "there is no matrix.yaml to compare with; name it with --matrix FILE",
    };
    let message =
        format!("nothing was merged, because missing cells cannot be detected: {why}; --partial merges anyway");
    Err(Failure::new(Exit::Incomplete, message).into())
}

/// The day of the oldest part; `None` if the day of any part is unknown.
fn day(options: &MergeArgs) -> anyhow::Result<Option<Date>> {
    let days = options.parts.iter().map(|part| part.day(&options.places));
    let days: Option<Vec<Date>> = days.collect::<anyhow::Result<_>>()?;
    Ok(days.and_then(|days| days.into_iter().min()))
}
