//! `atsmatrix list`: the cells that a run would have, or the trials.

use std::fmt::Write as _;

use clap::Args;

use super::format::width;
use super::{Choice, Places};
use crate::catalogue::trials::{CATALOGUE, Trial};
use crate::console;
use crate::exit::Exit;
use crate::words::paragraph::wrap;

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
    let chosen = options.choice.chosen_trials()?;
    let takes = |trial: &&Trial| chosen.as_ref().is_none_or(|globs| globs.matches(trial.id));
    let trials: Vec<&Trial> = CATALOGUE.iter().copied().filter(takes).collect();
    let mut text = String::new();
    if options.trials {
        let width = trials.iter().map(|trial| trial.id.len()).max().unwrap_or_default();
        for trial in trials {
            text += &row(&format!("{:<width$}  ", trial.id), trial.title);
        }
        console::print(&text)?;
        return Ok(Exit::Success);
    }
    let (matrix, _) = options.places.read()?;
    let (plan, _) = options.choice.plan(&matrix, &options.places)?;
    let width = plan.cells.iter().map(|cell| cell.id.to_string().len()).max().unwrap_or_default();
    for cell in &plan.cells {
        let optional = if cell.optional { " (optional)" } else { "" };
        text += &row(&format!("{:<width$}  ", cell.id.to_string()), &format!("{}{optional}", cell.origin));
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "{} cells from {} images", plan.cells.len(), plan.steps().len());
    if chosen.is_some() {
        let _ = write!(text, ", with {} trials and the controls", trials.iter().filter(|it| !it.is_control()).count());
    }
    text.push('\n');
    console::print(&text)?;
    Ok(if plan.cells.is_empty() { Exit::NothingSelected } else { Exit::Success })
}

/// A name and what there is to say of it, within the terminal.
fn row(name: &str, text: &str) -> String {
    wrap(name, name.len(), text, width().unwrap_or(usize::MAX))
}
