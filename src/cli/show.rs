//! `atsmatrix show`: prints the table of the results on disk.

use anyhow::Context as _;
use clap::Args;

use super::PathArgs;
use super::display::DisplayArgs;
use super::source::ResultsSource;
use crate::console;
use crate::exit::Exit;
use crate::report::github::inert;

/// Arguments of `atsmatrix show`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 shown, 4 no results. `atsmatrix --help` lists the others.")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    places: PathArgs,
    #[command(flatten)]
    display: DisplayArgs,
}

pub(super) fn run(options: &ShowArgs) -> anyhow::Result<Exit> {
    let result = ResultsSource::on_disk(&options.places).load(&options.places)?;
    let mut table = Vec::new();
    console::results(&mut table, &result, options.display.stdout()).context("cannot render the table")?;
    // Reasons may contain text from containers, which is made inert for GitHub.
    console::print_document(&inert(&String::from_utf8_lossy(&table)))?;
    // The table stands without matrix.yaml; predictions need it.
    if let Ok((matrix, _)) = options.places.read() {
        super::predict::print_unanswered(&matrix, &result)?;
    }
    Ok(Exit::Success)
}
