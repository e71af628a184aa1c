//! `atsmatrix diff`: compares two results.

use clap::Args;

use super::PathArgs;
use super::format::AnswerFormat;
use super::source::ResultsSource;
use crate::console;
use crate::decide::compare;
use crate::exit::Exit;

/// Arguments of `atsmatrix diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 compared, whatever differs, 4 no results. `atsmatrix --help` lists the others.")]
pub(super) struct DiffArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Earlier results: a matrix.json, or git:REV, for example git:HEAD~3
    #[arg(value_name = "BEFORE")]
    before: ResultsSource,
    /// Later results [default: the results on disk]
    #[arg(value_name = "AFTER")]
    after: Option<ResultsSource>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &DiffArgs) -> anyhow::Result<Exit> {
    let places = &options.places;
    let after = options.after.clone().unwrap_or_else(|| ResultsSource::on_disk(places));
    let difference = compare::results(&options.before.load(places)?, &after.load(places)?);
    let (before, after) = (options.before.to_string(), after.to_string());
    let outline = compare::words::outline(&difference, &before, &after);
    console::print_document(&options.format.show(&outline, || compare::json::render(&difference, &before, &after)))?;
    Ok(Exit::Success)
}
