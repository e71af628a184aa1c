//! `atsmatrix bisect`: which part of a distro, or which version or patch of ATS, decides a trial.

use std::sync::{Mutex, PoisonError};

use clap::Args;

use super::format::Format;
use super::look::Look;
use super::setup::Setup;
use super::{Places, evidence, near_cell, no_trial};
use crate::bisect::lab::{self, Order, Record};
use crate::builder::{self, Policy};
use crate::catalogue::trials::{CATALOGUE, Trial, by_id};
use crate::config::matrix::Matrix;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, Bisection, CellId, DistroId, Outcome, Over, Standing};
use crate::report::bisection;
use crate::report::github::inert;
use crate::run::cell::Once;
use crate::store::{Results, RunFolder};

/// Options of `atsmatrix bisect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Two cells of one ATS: which part of the distro decides. One distro and two ATS (--distro, --ats A..B):\n\
                        which version or patch. Exit codes: 0 the culprit is named, 4 no answer."
)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    look: Look,
    /// The cell that passes, for example debian-12/9.2.5
    #[arg(long, value_name = "CELL", requires = "bad")]
    good: Option<CellId>,
    /// The cell that fails, for example debian-13/9.2.5
    #[arg(long, value_name = "CELL", requires = "good")]
    bad: Option<CellId>,
    /// The distro, when versions of ATS are searched
    #[arg(long, value_name = "DISTRO", requires = "ats", conflicts_with = "good")]
    distro: Option<DistroId>,
    /// The two ends of a line of ATS versions, in the order of matrix.yaml, for example 9.2.5..9.2.9
    #[arg(long, value_name = "A..B", requires = "distro")]
    ats: Option<String>,
    /// The trial that tells the ends apart [default: the first that does, by the results on disk or by running all]
    #[arg(long, value_name = "ID")]
    trial: Option<String>,
    /// Experiments at the same time [default: the engine's CPUs]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Most experiments
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Make no image but those of the search itself
    #[arg(long)]
    no_build: bool,
    /// Ask no registry
    #[arg(long)]
    offline: bool,
    /// Do not keep the answer in the results folder
    #[arg(long)]
    no_keep: bool,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The two cells, and what lies between them.
fn ends(options: &Options, matrix: &Matrix) -> anyhow::Result<(Over, CellId, CellId)> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let (over, good, bad) = match (&options.good, &options.bad, &options.distro, &options.ats) {
        (Some(good), Some(bad), _, _) if good.ats == bad.ats => (Over::Distro, good.clone(), bad.clone()),
        (Some(good), Some(bad), _, _) if good.distro == bad.distro => (Over::Ats, good.clone(), bad.clone()),
        (Some(good), Some(bad), _, _) => {
            return Err(
                usage(format!("{good} and {bad} differ in distro and ATS: search one of them at a time")).into()
            );
        }
        (_, _, Some(distro), Some(range)) => {
            let (first, last) = range
                .split_once("..")
                .ok_or_else(|| usage(format!("`{range}` is no range: write A..B, for example 9.2.5..9.2.9")))?;
            let cell = |ats: &str| -> anyhow::Result<CellId> {
                let ats: AtsId = ats.parse().map_err(|error| usage(format!("--ats: {error}")))?;
                Ok(CellId { distro: distro.clone(), ats })
            };
            // Which of them passes is found out.
            (Over::Ats, cell(last)?, cell(first)?)
        }
        _ => {
            return Err(
                usage("name two cells (--good, --bad) or a distro and a range (--distro, --ats A..B)".into()).into()
            );
        }
    };
    if good == bad {
        return Err(usage(format!("{good} is one cell: a search has two ends")).into());
    }
    for id in [&good, &bad] {
        let cells: Vec<CellId> = matrix.cells().map(|cell| cell.id()).collect();
        if !cells.contains(id) {
            let help = near_cell(id, &cells).unwrap_or_else(|| "`atsmatrix list` shows all".to_owned());
            return Err(usage(format!("there is no cell {id} in this matrix: {help}")).into());
        }
    }
    Ok((over, good, bad))
}

/// The trial that is asked for, or that the results on disk tell.
fn trial(options: &Options, results: &Results, good: &CellId, bad: &CellId) -> anyhow::Result<Option<&'static Trial>> {
    if let Some(id) = &options.trial {
        let found = by_id(id).filter(|trial| !trial.is_control()).ok_or_else(|| {
            let message = format!("no trial that can be searched is named `{id}`: {}", no_trial(id));
            Failure::new(Exit::Usage, message)
        })?;
        return Ok(Some(found));
    }
    // Results that cannot be read are no reason not to search: all trials are run then.
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
    let catalogue: Vec<&str> = CATALOGUE.iter().map(|trial| trial.id).collect();
    let (good, bad) = (answers(good), answers(bad));
    let telling = crate::bisect::answer::distinguishing_trial(&catalogue, &good, &bad);
    Ok(telling.or_else(|| crate::bisect::answer::distinguishing_trial(&catalogue, &bad, &good)).and_then(by_id))
}

pub(super) async fn run(options: Options) -> anyhow::Result<Exit> {
    let (matrix, _) = options.places.read()?;
    let (over, good, bad) = ends(&options, &matrix)?;
    let results = Results::new(options.places.results());
    let trial = trial(&options, &results, &good, &bad)?;
    let recipes = builder::recipes(&options.places.folder().join("images"))
        .map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
    let setup = Setup::begin(&results, &options.look).await?;
    let jobs = setup.jobs(options.jobs);
    let order = Order {
        matrix,
        good,
        bad,
        trial,
        asked: options.trial.is_some(),
        recipes,
        policy: Policy { no_build: options.no_build, offline: options.offline, ..setup.policy(jobs) },
        image_logs: setup.image_logs(),
        jobs,
        limit: options.limit,
    };
    let (engine, owner, folder) = (setup.engine.clone(), &setup.owner, setup.folder.clone());
    let (events, stop) = (setup.events.clone(), setup.stop.clone());
    let recorder = Recorder { evidence: folder.of_bisection(), folder, trouble: Mutex::default() };
    let done = lab::bisect(over, engine, owner, &order, &recorder, events, stop).await;
    setup.end().await??;
    finish(&options, &results, &done?, recorder)
}

/// Keeps the answer, shows it, and says how it ended.
fn finish(options: &Options, results: &Results, done: &Bisection, recorder: Recorder) -> anyhow::Result<Exit> {
    // What gave no answer, perhaps for want of an engine, must not replace what did.
    if !options.no_keep && done.standing != Standing::Open {
        results.keep_bisection(done)?;
    }
    let shown = match options.format {
        Format::Text => bisection::text(done, options.look.stdout().width),
        Format::Json => bisection::json(done),
        Format::Markdown => bisection::page(done),
    };
    let written = console::document(&inert(&shown));
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

/// Keeps raw evidence in the run's folder.
struct Recorder {
    folder: RunFolder,
    /// Where evidence goes: an experiment is not the cell.
    evidence: RunFolder,
    trouble: Mutex<Vec<String>>,
}

impl Record for Recorder {
    fn experiment(&self, cell: &CellId, number: u32, once: &Once) {
        if let Err(error) = self.keep(cell, number, once) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{error:#}"));
        }
    }
}

impl Recorder {
    fn keep(&self, cell: &CellId, number: u32, once: &Once) -> anyhow::Result<()> {
        // Attempts are numbered by experiment.
        evidence::keep(&self.evidence, cell, &once.evidence)?;
        evidence::log(&self.folder, &format!("experiment {number}, {cell}"), &once.transcript)
    }
}
