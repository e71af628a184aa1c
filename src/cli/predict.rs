//! `atsmatrix predict`: which known issues will affect which cells, without an engine.

use clap::Args;

use super::format::AnswerFormat;
use super::source::ResultsSource;
use super::{PathArgs, SelectionArgs};
use crate::config::matrix::Matrix;
use crate::console;
use crate::decide::predict::{self, Predictions};
use crate::exit::{Exit, Failure};
use crate::model::{CellId, MatrixResult};

/// Arguments of `atsmatrix predict`.
#[derive(Debug, Args)]
#[command(
    after_help = "Versions come from the results on disk where a run found them, else from matrix.yaml. Nothing is run, and \
                        the gate never takes a prediction for a result.\n\n\
                        Exit codes: 0 predicted, 5 nothing selected. `atsmatrix --help` lists the others."
)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    places: PathArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// List known issues that make no trial fail too: known limitations, and what no trial shows
    #[arg(long)]
    full: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &PredictArgs) -> anyhow::Result<Exit> {
    let (matrix, _) = options.places.read()?;
    let selection = options.selection.selection(&matrix)?;
    // Results that cannot be read lend no versions; `show` says what is wrong with them.
    let results = ResultsSource::on_disk(&options.places).load(&options.places).ok();
    let predictions = Predictions::of(&matrix, results.as_ref(), |cell: &CellId| selection.matches(cell));
    if predictions.cells.is_empty() {
        return Ok(Exit::NothingSelected);
    }
    let show = || predict::json(&predictions);
    console::print_document(&options.format.show(&predict::outline(&predictions, options.full), show))?;
    Ok(Exit::Success)
}

/// Prints what is predicted for the cells of `matrix` that `results` have no answer for.
pub(super) fn print_unanswered(matrix: &Matrix, results: &MatrixResult) -> Result<(), Failure> {
    let shown = |cell: &CellId| results.cells.iter().any(|result| result.id == *cell);
    match predict::unanswered(&Predictions::of(matrix, Some(results), shown)) {
        Some(outline) => console::print_document(&format!("\n{}", AnswerFormat::Text.show(&outline, String::new))),
        None => Ok(()),
    }
}
