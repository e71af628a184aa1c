//! `atsmatrix diff`: compares two results, or how ATS behaves in two cells.

use clap::Args;

use super::format::AnswerFormat;
use super::source::ResultsSource;
use super::{PathArgs, suggest_cell};
use crate::console;
use crate::decide::behaviour::{self, BehaviourSide};
use crate::decide::compare;
use crate::exit::{Exit, Failure};
use crate::model::{BehaviourRecords, CellId, CellResult};

/// Arguments of `atsmatrix diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 compared, whatever differs, 4 no results. `atsmatrix --help` lists the others.")]
pub(super) struct DiffArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Earlier results: a matrix.json, or git:REV, for example git:HEAD~3
    #[arg(value_name = "BEFORE", required_unless_present = "behaviour")]
    before: Option<ResultsSource>,
    /// Later results [default: the results on disk]
    #[arg(value_name = "AFTER")]
    after: Option<ResultsSource>,
    /// Compare how ATS behaves in two cells, trial by trial [default: both of the results on disk]
    #[arg(long, value_names = ["FROM", "TO"], num_args = 2)]
    behaviour: Vec<CellId>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &DiffArgs) -> anyhow::Result<Exit> {
    let places = &options.places;
    let after = options.after.clone().unwrap_or_else(|| ResultsSource::on_disk(places));
    let before = options.before.clone().unwrap_or_else(|| ResultsSource::on_disk(places));
    if let [from, to] = options.behaviour.as_slice() {
        return behaviour_of(options, (from, &before), (to, &after));
    }
    let difference = compare::results(&before.load(places)?, &after.load(places)?);
    let (before, after) = (before.to_string(), after.to_string());
    let outline = compare::words::outline(&difference, &before, &after);
    console::print_document(&options.format.show(&outline, || compare::json::render(&difference, &before, &after)))?;
    Ok(Exit::Success)
}

/// Compares how ATS behaves in two cells. The exit code is 0 whatever differs; `gate --unchanged` decides.
fn behaviour_of(
    options: &DiffArgs,
    from: (&CellId, &ResultsSource),
    to: (&CellId, &ResultsSource),
) -> anyhow::Result<Exit> {
    let places = &options.places;
    let side = |(id, source): (&CellId, &ResultsSource)| -> anyhow::Result<(CellResult, BehaviourRecords)> {
        let result = source.load(places)?;
        let cell = result.cells.iter().find(|cell| cell.id == *id).cloned().ok_or_else(|| {
            let near = suggest_cell(id, result.cells.iter().map(|cell| &cell.id));
            let help = near.unwrap_or_else(|| "`atsmatrix list` lists the cells, `atsmatrix run` runs them".to_owned());
            Failure::new(Exit::Incomplete, format!("{source} has no result of {id}: {help}"))
        })?;
        Ok((cell, source.behaviour(places)?))
    };
    let (from, to) = (side(from)?, side(to)?);
    let difference = behaviour::compare(BehaviourSide::of(&from.0, &from.1), BehaviourSide::of(&to.0, &to.1));
    let exit = if difference.unrecorded.is_empty() { Exit::Success } else { Exit::Incomplete };
    let all = [difference];
    let outline = behaviour::words::outline(&all);
    console::print_document(&options.format.show(&outline, || behaviour::json::render(&all)))?;
    Ok(exit)
}
