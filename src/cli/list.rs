//! `atsmatrix list`: the cells that a run would have, or the trials.

use std::fmt::Write as _;

use clap::Args;

use super::{Choice, Places};
use crate::console;
use crate::exit::Exit;
use crate::trial::CATALOGUE;

/// Options of `atsmatrix list`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    choice: Choice,
    /// Show the trials instead of the cells
    #[arg(long)]
    trials: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if options.trials {
        for trial in CATALOGUE {
            let _ = writeln!(text, "{:<22} {}", trial.id, trial.title);
        }
        console::print(&text);
        return Ok(Exit::Success);
    }
    let (matrix, _) = options.places.read()?;
    let (plan, _) = options.choice.plan(&matrix, &options.places)?;
    for cell in &plan.cells {
        let optional = if cell.optional { "  (optional)" } else { "" };
        let _ = writeln!(text, "{:<36} {}{optional}", cell.id.to_string(), cell.origin);
    }
    let steps = plan.steps();
    let _ = writeln!(text, "{} cells from {} images", plan.cells.len(), steps.len());
    console::print(&text);
    Ok(if plan.cells.is_empty() { Exit::NothingSelected } else { Exit::Success })
}
