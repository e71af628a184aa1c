//! `atsmatrix path`: in which order to upgrade, through cells that pass.

use clap::Args;

use super::Places;
use super::format::Format;
use super::gate::{Trust, strangers};
use crate::console;
use crate::decide::gate::path::{self, Costs};
use crate::decide::gate::{json, words};
use crate::exit::Exit;
use crate::model::CellId;

/// Options of `atsmatrix path`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 there is a way, 3 there is none, 4 cannot tell.")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// Where hosts are, for example debian-12/9.2.5
    #[arg(value_name = "FROM")]
    from: CellId,
    /// Where they shall be, for example debian-13/9.2.9
    #[arg(value_name = "TO")]
    to: CellId,
    /// What a change of either costs
    #[arg(long, value_name = "COSTS", default_value = "distro=1,ats=1")]
    cost: Costs,
    #[command(flatten)]
    trust: Trust,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let (source, result) = options.trust.load(&options.places)?;
    let present = options.trust.present(&options.places, &result)?;
    let (basis, note) = options.trust.basis(&options.places, &source, &result, present.as_ref())?;
    let mut path = path::find(&basis, &options.from, &options.to, options.cost);
    path.notes.extend(note);
    let cells = [&options.from, &options.to];
    path.notes.extend(strangers(&result, cells.map(|cell| &cell.distro), cells.map(|cell| &cell.ats)));
    console::document(&options.format.show(&words::path(&path), || json::path(&path)))?;
    Ok(path.word().exit())
}
