//! `atsmatrix bisect`: finds the part of a distro, or the version or patch of ATS, that causes a failure.

use std::sync::{Mutex, PoisonError};

use clap::Args;

use super::display::DisplayArgs;
use super::format::AnswerFormat;
use super::setup::Setup;
use super::trials::{self, suggest_trial};
use super::{PathArgs, evidence, suggest_cell};
use crate::bisect::lab::{self, ExperimentSink, SearchRequest};
use crate::builder::{self, Policy};
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::Matrix;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, Bisection, CellId, DistroId, Outcome, Over, Standing};
use crate::report::bisection;
use crate::report::github::inert;
use crate::run::cell::SingleAttempt;
use crate::store::{Results, RunFolder};

/// Arguments of `atsmatrix bisect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Two cells with the same ATS: find the part of the distro. One distro and two versions of ATS (--distro,\n\
                  --ats A..B): find the version or patch.\n\n\
                  Exit codes: 0 the culprit is found, 4 no answer. `atsmatrix --help` lists the others."
)]
pub(super) struct BisectArgs {
    #[command(flatten)]
    places: PathArgs,
    #[command(flatten)]
    display: DisplayArgs,
    /// Cell that passes, for example debian-12/9.2.5
    #[arg(long, value_name = "CELL", requires = "bad")]
    good: Option<CellId>,
    /// Cell that fails, for example debian-13/9.2.5
    #[arg(long, value_name = "CELL", requires = "good")]
    bad: Option<CellId>,
    /// Distro on which to search versions of ATS
    #[arg(long, value_name = "DISTRO", requires = "ats", conflicts_with = "good")]
    distro: Option<DistroId>,
    /// Range of ATS versions to search, in the order of matrix.yaml, for example 9.2.5..9.2.9
    #[arg(long, value_name = "A..B", requires = "distro")]
    ats: Option<String>,
    /// Trial that passes on one end and fails on the other [default: the first one in the results on disk, else all are run]
    #[arg(long, value_name = "ID")]
    trial: Option<String>,
    /// Number of parallel experiments [default: number of CPUs of the engine]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Maximum number of experiments
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Do not build images, except those that combine the two ends
    #[arg(long)]
    no_build: bool,
    /// Do not contact image registries
    #[arg(long)]
    offline: bool,
    /// Do not store the answer in the results folder
    #[arg(long)]
    no_keep: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// The good cell, the bad cell, and what to search between them.
fn ends(options: &BisectArgs, matrix: &Matrix) -> anyhow::Result<(Over, CellId, CellId)> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let (over, good, bad) = match (&options.good, &options.bad, &options.distro, &options.ats) {
        (Some(good), Some(bad), _, _) if good.ats == bad.ats => (Over::Distro, good.clone(), bad.clone()),
        (Some(good), Some(bad), _, _) if good.distro == bad.distro => (Over::Ats, good.clone(), bad.clone()),
        (Some(good), Some(bad), _, _) => {
            return Err(
                usage(format!("{good} and {bad} differ in both distro and ATS: bisect one of them at a time")).into()
            );
        }
        (_, _, Some(distro), Some(range)) => {
            let (first, last) = range
                .split_once("..")
                .ok_or_else(|| usage(format!("`{range}` is not a range: write A..B, for example 9.2.5..9.2.9")))?;
            let cell = |ats: &str| -> anyhow::Result<CellId> {
                let ats: AtsId = ats.parse().map_err(|error| usage(format!("--ats: {error}")))?;
                Ok(CellId { distro: distro.clone(), ats })
            };
            // The search finds out which of them passes.
            (Over::Ats, cell(last)?, cell(first)?)
        }
        _ => {
            return Err(usage(
                "nothing to bisect: pass two cells (--good, --bad) or a distro and a range (--distro, --ats A..B)"
                    .into(),
            )
            .into());
        }
    };
    if good == bad {
        return Err(usage(format!("both ends are {good}: pass two different cells")).into());
    }
    for id in [&good, &bad] {
        let cells: Vec<CellId> = matrix.cells().map(|cell| cell.id()).collect();
        if !cells.contains(id) {
            let help = suggest_cell(id, &cells).unwrap_or_else(|| "`atsmatrix list` lists the cells".to_owned());
            return Err(usage(format!("no cell {id} in this matrix: {help}")).into());
        }
        if let Some((child, parent)) = matrix.pair_of(id) {
            let help = format!("bisect the one that fails, {child} or {parent}");
            return Err(usage(format!("{id} has two ATS, which no experiment takes apart: {help}")).into());
        }
    }
    same_config(matrix, &good, &bad)?;
    Ok((over, good, bad))
}

/// Two configurations would be one more difference, which no experiment finds.
fn same_config(matrix: &Matrix, good: &CellId, bad: &CellId) -> anyhow::Result<()> {
    let config = |id: &CellId| {
        let cell = matrix.cells().find(|cell| cell.id() == *id);
        cell.and_then(|cell| cell.ats.config(cell.source).map(str::to_owned))
    };
    let (of_good, of_bad) = (config(good), config(bad));
    if of_good == of_bad {
        return Ok(());
    }
    let words =
        |folder: Option<String>| folder.map_or("no `config`".to_owned(), |folder| format!("`config: {folder}`"));
    let message = format!(
        "{good} has {} and {bad} has {}: a search needs the same for both, or the configuration may be the cause",
        words(of_good),
        words(of_bad)
    );
    Err(Failure::new(Exit::Usage, message).into())
}

/// The requested trial, else the first one that the results on disk show to pass on one end and fail on the other.
fn trial(
    options: &BisectArgs,
    catalogue: Catalogue,
    results: &Results,
    (good, bad): (&CellId, &CellId),
) -> anyhow::Result<Option<&'static Trial>> {
    if let Some(id) = &options.trial {
        let found = catalogue.by_id(id).filter(|trial| !trial.is_control()).ok_or_else(|| {
            let message = format!("no trial `{id}` to bisect: {}", suggest_trial(catalogue, id));
            Failure::new(Exit::Usage, message)
        })?;
        return Ok(Some(found));
    }
    // Without readable results the search runs all trials.
    let Ok(Some(result)) = results.read() else { return Ok(None) };
    let answers = |id: &CellId| {
        let trials = result.cells.iter().filter(|cell| cell.id == *id).flat_map(|cell| &cell.trials);
        let trials = trials.filter(|trial| !trial.control);
        let answered = trials.filter_map(|trial| match trial.outcome {
            Outcome::Pass => Some((trial.id.as_str(), true)),
            Outcome::Fail | Outcome::Limitation => Some((trial.id.as_str(), false)),
            _ => None,
        });
        answered.collect::<Vec<_>>()
    };
    let (good, bad) = (answers(good), answers(bad));
    let telling = crate::bisect::answer::distinguishing_trial(catalogue.ids(), &good, &bad);
    let telling = telling.or_else(|| crate::bisect::answer::distinguishing_trial(catalogue.ids(), &bad, &good));
    Ok(telling.and_then(|id| catalogue.by_id(id)))
}

pub(super) async fn run(options: BisectArgs) -> anyhow::Result<Exit> {
    let (matrix, _) = options.places.read()?;
    let (over, good, bad) = ends(&options, &matrix)?;
    let results = Results::new(options.places.results());
    let catalogue = trials::catalogue(&matrix);
    let trial = trial(&options, catalogue, &results, (&good, &bad))?;
    let matrix = options.places.with_local_files(&matrix)?;
    let recipes = builder::recipes(&options.places.folder().join("images"))
        .map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
    let setup = Setup::begin(&results, &options.display, None).await?;
    let jobs = setup.jobs(options.jobs);
    let order = SearchRequest {
        matrix,
        catalogue,
        good,
        bad,
        trial,
        is_requested: options.trial.is_some(),
        recipes,
        policy: Policy { no_build: options.no_build, offline: options.offline, ..setup.policy(jobs) },
        image_logs: setup.image_logs(),
        jobs,
        limit: options.limit,
    };
    let (engine, owner, folder) = (setup.engine.clone(), &setup.owner, setup.folder.clone());
    let (events, stop) = (setup.events.clone(), setup.stop.clone());
    let recorder = ExperimentRecorder { evidence: folder.of_bisection(), folder, trouble: Mutex::default() };
    let done = lab::bisect(over, engine, owner, &order, &recorder, events, stop).await;
    setup.end().await??;
    finish(&options, &results, &done?, recorder)
}

/// Stores and prints the answer, and returns the exit code.
fn finish(
    options: &BisectArgs,
    results: &Results,
    done: &Bisection,
    recorder: ExperimentRecorder,
) -> anyhow::Result<Exit> {
    // A search without an answer, perhaps because the engine failed, must not replace an earlier answer.
    if !options.no_keep && done.standing != Standing::Open {
        results.keep_bisection(done)?;
    }
    let shown = match options.format {
        AnswerFormat::Text => bisection::text(done, options.display.stdout().width),
        AnswerFormat::Json => bisection::json(done),
        AnswerFormat::Markdown => bisection::page(done),
    };
    let written = console::print_document(&inert(&shown));
    let trouble = recorder.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
    for text in trouble {
        console::error(&anyhow::anyhow!(text));
    }
    written?;
    Ok(match done.standing {
        Standing::BothWays | Standing::OneWay => Exit::Success,
        Standing::Narrowed | Standing::Open => Exit::Incomplete,
    })
}

/// Writes raw evidence to the run's folder.
struct ExperimentRecorder {
    folder: RunFolder,
    /// Folder for evidence. Experiments have their own, so that they are not mistaken for results of the cell.
    evidence: RunFolder,
    trouble: Mutex<Vec<String>>,
}

impl ExperimentSink for ExperimentRecorder {
    fn experiment(&self, cell: &CellId, number: u32, once: &SingleAttempt) {
        if let Err(error) = self.keep(cell, number, once) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{error:#}"));
        }
    }
}

impl ExperimentRecorder {
    fn keep(&self, cell: &CellId, number: u32, once: &SingleAttempt) -> anyhow::Result<()> {
        // The attempt number is that of the experiment.
        evidence::keep(&self.evidence, cell, &once.evidence)?;
        evidence::log(&self.folder, &format!("experiment {number}, {cell}"), &once.transcript)
    }
}
