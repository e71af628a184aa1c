//! `atsmatrix run`: builds images, runs cells, prints the report and writes results.

use clap::Args;

use super::cells::{ExecutionArgs, PlannedRun, RecordedRun};
use super::ci::{CiArgs, PausedCommands};
use super::display::DisplayArgs;
use super::format::text;
use super::resume::Resumed;
use super::{PathArgs, SelectionArgs};
use crate::config::shard::Shard;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::model::{CellId, RunId};
use crate::words::{escape, unexpected};

/// Arguments of `atsmatrix run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 as expected, 3 unexpected results, 4 no answer for some cells, 5 nothing selected,\n\
                  6 no container engine, 130 interrupted. `atsmatrix --help` lists the others."
)]
pub(super) struct RunArgs {
    #[command(flatten)]
    places: PathArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    display: DisplayArgs,
    #[command(flatten)]
    ci: CiArgs,
    #[command(flatten)]
    execution: ExecutionArgs,
    /// Run only this part of the cells, for example 2/4; `atsmatrix merge` merges the results
    #[arg(long, value_name = "I/N", requires = "results", env = "ATSMATRIX_SHARD", hide_env_values = true)]
    shard: Option<Shard>,
    /// Continue a run that was interrupted or killed, with exactly the cells that it lacks [default: the latest run]; cells
    /// in error run again
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with_all = ["distro", "ats", "trial", "shard", "rebuild"])]
    #[expect(clippy::option_option, reason = "the value of the option is optional")]
    resume: Option<Option<RunId>>,
}

pub(super) async fn run(options: RunArgs) -> anyhow::Result<Exit> {
    let RunArgs { places, selection, display, ci, execution, shard, resume } = options;
    let resumed = resume.map(|id| Resumed::find(&places, id)).transpose()?;
    let (selection, shard) = match &resumed {
        Some(resumed) => (resumed.selection(), resumed.shard()?),
        None => (selection, shard),
    };
    let mut work = PlannedRun::new(&places, &selection, execution, shard)?;
    if let Some(resumed) = resumed {
        work.resume(resumed)?;
    }
    let paused = ci.begin()?;
    let kept = work.run(&display).await?.keep(&places, &selection, shard)?;
    let written = report(&kept, &display, &ci, paused)?;
    notes(&kept, &places);
    written?;
    kept.exit(&places)
}

/// Runs one cell with its workarounds, and writes its result.
pub(super) async fn one_cell(places: &PathArgs, cell: &CellId) -> anyhow::Result<Exit> {
    // Cell names contain no glob characters.
    let selection =
        SelectionArgs { distro: vec![cell.distro.to_string()], ats: vec![cell.ats.to_string()], trial: Vec::new() };
    let work =
        PlannedRun::new(places, &selection, ExecutionArgs { workarounds: true, ..ExecutionArgs::default() }, None)?;
    let kept = work.run(&DisplayArgs::defaults()).await?.keep(places, &selection, None)?;
    notes(&kept, places);
    kept.exit(places)
}

/// Prints the report and writes the output for CI systems; the inner error is that of stdout.
fn report(
    kept: &RecordedRun,
    display: &DisplayArgs,
    ci: &CiArgs,
    paused: Option<PausedCommands>,
) -> anyhow::Result<Result<(), Failure>> {
    let Some(result) = &kept.shown else { return Ok(Ok(())) };
    let terms = kept.terms();
    let news = unexpected::newly_tested(result, &terms);
    let outlines = [unexpected::outline(&unexpected::items(result, &terms)), unexpected::newly_tested_outline(&news)];
    let written = display
        .show(result)
        .and_then(|()| super::predict::print_unanswered(&kept.matrix, result))
        .and_then(|()| outlines.iter().try_for_each(|outline| console::print_document(&text(outline))));
    drop(paused);
    ci.finish(&kept.matrix, result, &terms)?;
    Ok(written)
}

/// Prints the notes notes the report.
fn notes(kept: &RecordedRun, places: &PathArgs) {
    let folder = places.results();
    let folder = folder.display();
    if kept.part {
        console::eprint(&format!(
            "{folder} is unchanged because only some trials ran; --results DIR writes them to another folder\n"
        ));
    }
    if kept.interrupted() {
        console::eprint("`atsmatrix run --resume` continues this run with the cells that it lacks\n");
    }
    for line in &kept.moved {
        console::eprint(&(escape::terminal(line, escape::LINE) + "\n"));
    }
    for cell in &kept.spared {
        console::eprint(&format!(
            "{}: the test setup failed, which says nothing about ATS; {folder} keeps the earlier result ({}) and its date\n",
            cell.id, cell.verdict
        ));
    }
}
