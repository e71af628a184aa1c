//! `atsmatrix path`: finds the shortest order of upgrades through cells that pass.

use clap::Args;

use super::PathArgs;
use super::format::AnswerFormat;
use super::gate::{TrustArgs, suggest_names};
use crate::console;
use crate::decide::gate::path::{self, Costs};
use crate::decide::gate::{json, words};
use crate::exit::Exit;
use crate::model::CellId;

/// Arguments of `atsmatrix path`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 a path exists, 3 no path exists, 4 cannot tell. `atsmatrix --help` lists the others."
)]
pub(super) struct UpgradePathArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Cell that the hosts run now, for example debian-12/9.2.5
    #[arg(value_name = "FROM")]
    from: CellId,
    /// Cell to upgrade to, for example debian-13/9.2.9
    #[arg(value_name = "TO")]
    to: CellId,
    /// Cost of one change of distro, and of one change of ATS
    #[arg(long, value_name = "COSTS", default_value = "distro=1,ats=1")]
    cost: Costs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &UpgradePathArgs) -> anyhow::Result<Exit> {
    let (source, result) = options.trust.load(&options.places)?;
    let matrix = options.trust.matrix(&options.places, &result)?;
    let (basis, note) = options.trust.basis(&options.places, &source, &result, matrix.as_ref())?;
    let mut path = path::find(&basis, &options.from, &options.to, options.cost);
    path.notes.extend(note);
    let cells = [&options.from, &options.to];
    path.notes.extend(suggest_names(&result, cells.map(|cell| &cell.distro), cells.map(|cell| &cell.ats)));
    console::print_document(&options.format.show(&words::path(&path), || json::path(&path)))?;
    Ok(path.word().exit())
}
