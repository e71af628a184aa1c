//! `atsmatrix explain`: explains a cell, or one of its trials, in full.

use clap::Args;

use super::cited::KeptRuns;
use super::format::AnswerFormat;
use super::source::ResultsSource;
use super::trials::{self, suggest_trial};
use super::{PathArgs, run, suggest_cell};
use crate::builder;
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::Globs;
use crate::config::plan::{Plan, Selection};
use crate::console;
use crate::decide::explain::{self, by_hand};
use crate::exit::{Exit, Failure};
use crate::model::{BehaviourRecords, CellId, CellResult};
use crate::store::Results;
use crate::words::outline::TextOutline;

/// Arguments of `atsmatrix explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 explained, 2 no such trial, 4 no result of the cell. `atsmatrix --help` lists the others."
)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Cell to explain, for example debian-13/9.2.5
    #[arg(value_name = "CELL")]
    cell: CellId,
    /// One of its trials; `atsmatrix list --trials` lists them
    #[arg(value_name = "TRIAL")]
    trial: Option<String>,
    /// Results to explain (FILE or git:REV) [default: the results on disk]
    #[arg(long, value_name = "RESULTS")]
    source: Option<ResultsSource>,
    /// First run the cell again, with the workarounds of its known issues
    #[arg(long = "try", conflicts_with = "source")]
    try_workarounds: bool,
    /// Write a Markdown report for the issue tracker of ATS, with commands to reproduce the failure by hand
    #[arg(long, conflicts_with_all = ["format", "json"])]
    upstream: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

pub(super) async fn run(options: &ExplainArgs) -> anyhow::Result<Exit> {
    let places = &options.places;
    if options.try_workarounds && run::one_cell(places, &options.cell).await? == Exit::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let source = options.source.clone().unwrap_or_else(|| ResultsSource::on_disk(places));
    let result = source.load(places)?;
    let cell = result.cells.iter().find(|cell| cell.id == options.cell).ok_or_else(|| {
        let near = suggest_cell(&options.cell, result.cells.iter().map(|cell| &cell.id));
        let help = near.unwrap_or_else(|| "`atsmatrix list` lists the cells, `atsmatrix run` runs them".to_owned());
        Failure::new(Exit::Incomplete, format!("{source} has no result of {}: {help}", options.cell))
    })?;
    if let Some(parent) = cell.provenance.parent.as_ref().filter(|_| options.upstream) {
        let help = format!("report the one that fails, for example {}", parent.cell);
        return Err(Failure::new(
            Exit::Usage,
            format!("{} has two ATS, which no commands by hand make: {help}", cell.id),
        )
        .into());
    }
    // Raw evidence is of what is on disk.
    let evidence = match &options.source {
        None => KeptRuns::of(&Results::new(places.results()))?.cited(cell),
        Some(_) => None,
    };
    let catalogue = places.known_trials();
    let explained = explain::explain(cell, options.trial.as_deref(), evidence.as_ref(), catalogue);
    let explanation = explained.ok_or_else(|| {
        let id = options.trial.as_deref().unwrap_or_default();
        let known = match catalogue.by_id(id) {
            Some(_) => "it was not run there".to_owned(),
            None => format!("there is no such trial; {}", suggest_trial(catalogue, id)),
        };
        Failure::new(Exit::Usage, format!("{} has no trial `{id}`: {known}", cell.id))
    })?;
    // Bisections are stored beside the results on disk.
    let bisections = match &options.source {
        None => Results::new(places.results()).bisections_of(&cell.id)?,
        Some(_) => Vec::new(),
    };
    let explanation = explanation.with_bisections(&bisections, &result);
    let explanation = match &options.trial {
        Some(_) => explanation.with_behaviour(recorded(places, &source).get(&cell.id)),
        None => explanation,
    };
    if options.upstream {
        if !cell.verdict.is_answer() {
            let message = format!("nothing to report: {} is {}, which says nothing about ATS", cell.id, cell.verdict);
            return Err(Failure::new(Exit::Usage, message).into());
        }
        console::print(&explain::report(&explanation, &commands(places, cell, &explanation)))?;
        return Ok(Exit::Success);
    }
    let format = if options.json { AnswerFormat::Json } else { options.format };
    let outline: TextOutline = explain::outline(&explanation);
    console::print_document(&format.show(&outline, || explain::json(&explanation)))?;
    Ok(Exit::Success)
}

/// What was recorded of the cells. Records that cannot be used are no reason not to explain the result.
fn recorded(places: &PathArgs, source: &ResultsSource) -> BehaviourRecords {
    source.behaviour(places).unwrap_or_else(|error| {
        console::eprint(&format!("note: behaviour is not shown: {error:#}\n"));
        BehaviourRecords::new()
    })
}

/// Commands to reproduce it by hand, if matrix.yaml is here and says how the image is made.
fn commands(places: &PathArgs, cell: &CellResult, explanation: &explain::Explanation) -> Vec<String> {
    let plan = || -> anyhow::Result<(Plan, Catalogue)> {
        let (matrix, _) = places.read()?;
        let catalogue = trials::catalogue(&matrix);
        let matrix = places.with_local_files(&matrix)?;
        let recipes = builder::recipes(&places.folder().join("images"))?;
        let only = |name: &str| Globs::new(&[name.to_owned()]).map(Some).map_err(anyhow::Error::from);
        let selection = Selection { distros: only(cell.id.distro.as_str())?, ats: only(cell.id.ats.as_str())? };
        Ok((Plan::of(&matrix, &selection, &recipes)?, catalogue))
    };
    let Ok((plan, catalogue)) = plan() else { return Vec::new() };
    let Some(planned) = plan.cells.first() else { return Vec::new() };
    let image = by_hand::image(&plan, planned);
    // The first failing trial that can be run by hand. An ATS that cannot be built has none.
    let specs = explanation.trials.iter().filter_map(|story| catalogue.by_id(&story.id)).map(Trial::spec);
    let run = specs.into_iter().find_map(|spec| by_hand::run(planned, &spec));
    [image, run].into_iter().flatten().collect()
}
