//! `atsmatrix show`: the table of the results on disk.

use anyhow::Context as _;
use clap::Args;

use super::Places;
use super::look::Look;
use super::source::Source;
use crate::console;
use crate::exit::Exit;
use crate::report::github::inert;

/// Options of `atsmatrix show`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    look: Look,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let result = Source::on_disk(&options.places).load(&options.places)?;
    let mut table = Vec::new();
    console::results(&mut table, &result, options.look.stdout()).context("cannot make the table")?;
    // Reasons may be text from containers, which GitHub must not obey.
    console::document(&inert(&String::from_utf8_lossy(&table)))?;
    Ok(Exit::Success)
}
