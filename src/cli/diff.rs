//! `atsmatrix diff`: what differs between two results.

use clap::Args;

use super::Places;
use super::format::Format;
use super::source::Source;
use crate::console;
use crate::decide::compare;
use crate::exit::Exit;

/// Options of `atsmatrix diff`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// Earlier results: a matrix.json, or git:REV, for example git:HEAD~3
    #[arg(value_name = "BEFORE")]
    before: Source,
    /// Later results [default: those on disk]
    #[arg(value_name = "AFTER")]
    after: Option<Source>,
    /// How to show the differences
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let places = &options.places;
    let after = options.after.clone().unwrap_or_else(|| Source::on_disk(places));
    let difference = compare::results(&options.before.load(places)?, &after.load(places)?);
    let (before, after) = (options.before.to_string(), after.to_string());
    let outline = compare::words::outline(&difference, &before, &after);
    console::document(&options.format.show(&outline, || compare::json::render(&difference, &before, &after)))?;
    Ok(Exit::Success)
}
