//! `atsmatrix list`: lists the cells that a run would cover, or the trials.

use std::fmt::Write as _;

use clap::Args;

use super::format::width;
use super::{PathArgs, SelectionArgs, trials};
use crate::catalogue::trials::{Catalogue, Trial};
use crate::console;
use crate::exit::Exit;
use crate::words::paragraph::wrap;

/// Arguments of `atsmatrix list`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 listed, 5 nothing selected. `atsmatrix --help` lists the others.")]
pub(super) struct ListArgs {
    #[command(flatten)]
    places: PathArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// List the trials instead of the cells
    #[arg(long)]
    trials: bool,
}

pub(super) fn run(options: &ListArgs) -> anyhow::Result<Exit> {
    // The built-in trials can be listed anywhere.
    let anywhere = options.trials && !options.places.matrix.exists();
    let matrix = if anywhere { None } else { Some(options.places.read()?.0) };
    let catalogue = matrix.as_ref().map_or_else(Catalogue::built_in, trials::catalogue);
    let chosen = options.selection.trial_globs(catalogue)?;
    let takes = |trial: &&Trial| chosen.as_ref().is_none_or(|globs| globs.matches(trial.id));
    let trials: Vec<&Trial> = catalogue.trials().iter().copied().filter(takes).collect();
    let mut text = String::new();
    let Some(matrix) = matrix.filter(|_| !options.trials) else {
        let width = trials.iter().map(|trial| trial.id.len()).max().unwrap_or_default();
        for trial in trials {
            text += &row(&format!("{:<width$}  ", trial.id), trial.title);
        }
        console::print(&text)?;
        return Ok(Exit::Success);
    };
    let (plan, _) = options.selection.plan(&matrix, &options.places)?;
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

/// One row: a name and its description, wrapped to the terminal.
fn row(name: &str, text: &str) -> String {
    wrap(name, name.len(), text, width().unwrap_or(usize::MAX))
}
