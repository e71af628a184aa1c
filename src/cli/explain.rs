//! `atsmatrix explain`: a cell, or one of its trials, told whole.

use clap::Args;

use super::format::Format;
use super::source::Source;
use super::{Places, near_cell, no_trial, run};
use crate::builder;
use crate::catalogue::trials;
use crate::config::matrix::Globs;
use crate::config::plan::{Plan, Selection};
use crate::console;
use crate::decide::explain::{self, Raw, by_hand};
use crate::exit::{Exit, Failure};
use crate::model::{CellId, CellResult, Event};
use crate::store::{Results, RunFolder};
use crate::words::outline::TextOutline;

/// Options of `atsmatrix explain`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The cell, for example debian-13/9.2.5
    #[arg(value_name = "CELL")]
    cell: CellId,
    /// One of its trials; `atsmatrix list --trials` shows them
    #[arg(value_name = "TRIAL")]
    trial: Option<String>,
    /// Explain these results (FILE or git:REV) [default: those on disk]
    #[arg(long, value_name = "RESULTS")]
    source: Option<Source>,
    /// Run the cell again and try the workarounds of its known issues on it, then explain
    #[arg(long = "try", conflicts_with = "source")]
    try_workarounds: bool,
    /// Write a report for ATS's issue tracker, in Markdown, with commands to reproduce it by hand
    #[arg(long, conflicts_with_all = ["format", "json"])]
    upstream: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Exit> {
    let places = &options.places;
    if options.try_workarounds && run::one_cell(places, &options.cell).await? == Exit::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let source = options.source.clone().unwrap_or_else(|| Source::on_disk(places));
    let result = source.load(places)?;
    let cell = result.cells.iter().find(|cell| cell.id == options.cell).ok_or_else(|| {
        let near = near_cell(&options.cell, result.cells.iter().map(|cell| &cell.id));
        let help = near.unwrap_or_else(|| "`atsmatrix list` shows the cells, `run` makes results".to_owned());
        Failure::new(Exit::Incomplete, format!("{source} has no result of {}: {help}", options.cell))
    })?;
    // Raw evidence is of what is on disk.
    let evidence = if options.source.is_none() { raw(&Results::new(places.results()), cell) } else { None };
    let (run, raw) = evidence.map_or((None, Vec::new()), |(run, raw)| (Some(run), raw));
    let told = explain::explain(cell, options.trial.as_deref(), &raw, run.as_deref()).ok_or_else(|| {
        let asked = options.trial.as_deref().unwrap_or_default();
        let known = match trials::by_id(asked) {
            Some(_) => "it was not run there".to_owned(),
            None => format!("there is no such trial; {}", no_trial(asked)),
        };
        Failure::new(Exit::Usage, format!("{} has no trial `{asked}`: {known}", cell.id))
    })?;
    // Bisections are kept beside the results on disk.
    let bisections = match &options.source {
        None => Results::new(places.results()).bisections_of(&cell.id)?,
        Some(_) => Vec::new(),
    };
    let told = told.with_bisections(&bisections, &result);
    if options.upstream {
        if !cell.verdict.is_answer() {
            let message =
                format!("{} is {}, which says nothing about ATS: there is nothing to report", cell.id, cell.verdict);
            return Err(Failure::new(Exit::Usage, message).into());
        }
        console::print(&explain::report(&told, &commands(places, cell, &told)))?;
        return Ok(Exit::Success);
    }
    let format = if options.json { Format::Json } else { options.format };
    let outline: TextOutline = explain::outline(&told);
    console::document(&format.show(&outline, || explain::json(&told)))?;
    Ok(Exit::Success)
}

/// Evidence of the cell from the newest run that came to the same outcomes, with that run's id. What
/// cannot be read (of another version, cut off) is as if it were not there.
fn raw(results: &Results, cell: &CellResult) -> Option<(String, Vec<Raw>)> {
    let runs = results.runs().ok()?;
    runs.iter().rev().find_map(|id| {
        let folder = results.run(id).ok()?;
        let evidence = folder.read_evidence(&cell.id).ok().filter(|evidence| !evidence.is_empty())?;
        came_to_the_same(&folder, cell).then(|| {
            let raw = evidence.into_iter().map(|one| Raw {
                trial: one.trial,
                attempt: one.attempt,
                observation: one.observation,
            });
            (id.to_string(), raw.collect())
        })
    })
}

/// Whether the run's own result of the cell has the outcomes of `cell`.
fn came_to_the_same(folder: &RunFolder, cell: &CellResult) -> bool {
    let outcomes =
        |cell: &CellResult| -> Vec<_> { cell.trials.iter().map(|trial| (trial.id.clone(), trial.outcome)).collect() };
    let Ok(journal) = folder.recover() else { return false };
    journal.events.iter().any(|event| match event {
        Event::CellFinished { result, .. } => {
            result.id == cell.id && result.verdict == cell.verdict && outcomes(result) == outcomes(cell)
        }
        _ => false,
    })
}

/// Commands to reproduce it by hand, if matrix.yaml is here and says how the image is made.
fn commands(places: &Places, cell: &CellResult, told: &explain::Explanation) -> Vec<String> {
    let plan = || -> anyhow::Result<Plan> {
        let (matrix, _) = places.read()?;
        let recipes = builder::recipes(&places.folder().join("images"))?;
        let only = |name: &str| Globs::new(&[name.to_owned()]).map(Some).map_err(anyhow::Error::from);
        let selection = Selection { distros: only(cell.id.distro.as_str())?, ats: only(cell.id.ats.as_str())? };
        Ok(Plan::of(&matrix, &selection, &recipes)?)
    };
    let Ok(plan) = plan() else { return Vec::new() };
    let Some(planned) = plan.cells.first() else { return Vec::new() };
    let image = by_hand::image(&plan, planned);
    // What does not compile has nothing to run; of what failed, the first that can be shown so.
    let specs =
        told.trials.iter().filter_map(|story| crate::catalogue::trials::by_id(&story.id)).map(|trial| (trial.spec)());
    let run = specs.into_iter().find_map(|spec| by_hand::run(planned, &spec));
    [image, run].into_iter().flatten().collect()
}
