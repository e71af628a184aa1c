//! `atsmatrix show`: the table of the results on disk.

use clap::Args;

use super::Places;
use super::run::{Look, show};
use super::source::Source;
use crate::exit::Exit;

/// Options of `atsmatrix show`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    look: Look,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    show(&Source::on_disk(&options.places).load(&options.places)?, &options.look)?;
    Ok(Exit::Success)
}
