//! Runs the selected cells and writes their results, for `atsmatrix run` and for commands that need fresh results.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use clap::Args;

use super::display::DisplayArgs;
use super::setup::{Setup, day};
use super::{PathArgs, SelectionArgs, evidence, trials};
use crate::builder::Policy;
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::Matrix;
use crate::config::plan::{Plan, Recipes};
use crate::config::shard::Shard;
use crate::decide::compare;
use crate::exit::{Exit, Failure};
use crate::model::{BehaviourRecords, CellId, CellResult, MatrixResult, Verdict};
use crate::run::cell::CellRun;
use crate::run::{self, EvidenceSink, RunOutcome, RunRequest};
use crate::store::{CommittedFiles, CurrentMatrix, Results, RunFolder, keep_earlier_answers, merge};
use crate::verdict;
use crate::verdict::Terms;

/// Options that control how cells are run.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct ExecutionArgs {
    /// Number of images to build, and cells to run, in parallel [default: number of CPUs of the engine]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Start no further cell after the first unexpected result
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Keep the containers for inspection, with ATS running
    #[arg(long)]
    pub(super) keep: bool,
    /// Where a cell fails with a known issue, also run it with the workarounds of that issue
    #[arg(long)]
    pub(super) workarounds: bool,
    /// Do not build images: a cell whose image is missing is unavailable
    #[arg(long)]
    pub(super) no_build: bool,
    /// Do not contact image registries: use the images that the engine has, and bootstrap missing base images from the
    /// package mirrors of their distros
    #[arg(long)]
    pub(super) offline: bool,
    /// Rebuild all images, even if their inputs did not change, and pull ready images again
    #[arg(long, conflicts_with = "no_build")]
    pub(super) rebuild: bool,
    /// Treat optional cells like all others
    #[arg(long)]
    pub(super) strict: bool,
}

/// A plan that is ready to run.
pub(super) struct PlannedRun {
    matrix: Matrix,
    plan: Plan,
    recipes: Recipes,
    trials: Vec<&'static Trial>,
    /// Those that could be selected.
    catalogue: Catalogue,
    execution: ExecutionArgs,
    results: Results,
    /// The results folder beside the matrix.
    default_results: Results,
}

impl PlannedRun {
    /// Plans the cells that `selection` and `shard` select.
    ///
    /// # Errors
    /// An invalid matrix, or a selection that matches no cell.
    pub(super) fn new(
        places: &PathArgs,
        selection: &SelectionArgs,
        execution: ExecutionArgs,
        shard: Option<Shard>,
    ) -> anyhow::Result<Self> {
        let (matrix, _) = places.read()?;
        let (mut plan, recipes) = selection.plan(&matrix, places)?;
        let catalogue = trials::catalogue(&matrix);
        let trials = selection.trials(catalogue)?;
        if let Some(shard) = shard {
            plan.keep(|cells| shard.of(cells).collect());
        }
        for place in run::required_origins(&trials) {
            plan.add_origin(&matrix, &recipes, place).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        }
        if plan.cells.is_empty() {
            let message = "the selection matches no cell: `atsmatrix list` lists the cells";
            return Err(Failure::new(Exit::NothingSelected, message).into());
        }
        let (results, default_results) =
            (Results::new(places.results()), Results::new(places.folder().join("results")));
        Ok(Self { matrix, plan, recipes, trials, catalogue, execution, results, default_results })
    }

    /// Runs the plan.
    ///
    /// # Errors
    /// No engine answers, the engine fails, or the run's folder cannot be written.
    pub(super) async fn run(self, display: &DisplayArgs) -> anyhow::Result<FinishedRun> {
        let setup = Setup::begin(&self.results, display).await?;
        let (jobs, execution) = (setup.jobs(self.execution.jobs), self.execution);
        let unanswered = unanswered(&self.results, &self.default_results);
        let request = RunRequest {
            plan: self.plan,
            trials: self.trials,
            recipes: self.recipes,
            policy: Policy {
                no_build: execution.no_build,
                offline: execution.offline,
                rebuild: execution.rebuild,
                ..setup.policy(jobs)
            },
            image_logs: setup.image_logs(),
            jobs,
            fail_fast: execution.fail_fast,
            keep: execution.keep,
            workarounds: execution.workarounds,
            terms: Terms {
                strict: execution.strict,
                today: Some(day(setup.now)),
                trials: self.catalogue.ids(),
                unanswered: None,
            },
            unanswered,
            matrix: self.matrix,
        };
        let recorder = CellRecorder { folder: setup.folder.clone(), behaviour: Mutex::default() };
        let (events, stop) = (setup.events.clone(), setup.stop.clone());
        let done = run::run(setup.engine.clone(), &setup.owner, &request, &recorder, events, stop.clone()).await;
        let done = done.map_err(|error| failed(error, stop.is_cancelled()));
        let journal = setup.end().await?;
        let mut done = done?;
        // A journal that cannot be written loses no result.
        done.fault = done.fault.or(journal.err().map(|error| format!("{error:#}")));
        let behaviour = recorder.behaviour.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(FinishedRun { request, done, results: self.results, behaviour })
    }
}

/// The error of a run. After an interruption the exit code is that of the interruption, whatever failed because of it.
fn failed(error: anyhow::Error, stopped: bool) -> anyhow::Error {
    if stopped { Failure::new(Exit::Interrupted, format!("interrupted; then: {error:#}")).into() } else { error }
}

/// A run that has ended, before its results are written.
pub(super) struct FinishedRun {
    request: RunRequest,
    done: RunOutcome,
    results: Results,
    /// How ATS behaved in the cells of this run.
    behaviour: BehaviourRecords,
}

/// A run whose results have been written.
pub(super) struct RecordedRun {
    pub(super) matrix: Matrix,
    terms: Terms<'static>,
    /// Cells that had no answer before the run.
    unanswered: BTreeSet<CellId>,
    /// Only the results of this run; `None` if no cell finished.
    pub(super) shown: Option<MatrixResult>,
    /// One line for each cell whose packages differ from those of earlier results.
    pub(super) moved: Vec<String>,
    /// Cells that keep their earlier result.
    pub(super) spared: Vec<CellResult>,
    /// Whether nothing was written because only some trials ran.
    pub(super) part: bool,
    exit: Exit,
    fault: Option<String>,
}

impl FinishedRun {
    /// Writes the committed files.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub(super) fn keep(
        self,
        places: &PathArgs,
        selection: &SelectionArgs,
        shard: Option<Shard>,
    ) -> anyhow::Result<RecordedRun> {
        let Self { request, mut done, results, behaviour } = self;
        for cell in &mut done.cells {
            cell.provenance = std::mem::take(&mut cell.provenance).portable();
        }
        let exit = if done.interrupted { Exit::Interrupted } else { verdict::exit(&done.cells, &request.terms()) };
        // A few trials of a cell must not replace the result of the whole cell.
        let part = !done.cells.is_empty() && !selection.trial.is_empty() && places.results.is_none();
        let RunRequest { matrix, terms, unanswered, .. } = request;
        let mut kept = RecordedRun {
            matrix,
            terms,
            unanswered,
            shown: None,
            moved: Vec::new(),
            spared: Vec::new(),
            part,
            exit,
            fault: done.fault.take(),
        };
        if part {
            kept.merged(done, results.read()?, shard);
        } else if !done.cells.is_empty() {
            let ran: BTreeSet<CellId> = done.cells.iter().map(|cell| cell.id.clone()).collect();
            results.commit_all(|previous, mut records| {
                let (result, day) = kept.merged(done, previous, shard);
                // A cell that keeps its earlier result keeps what was recorded with it.
                let spared = |id: &CellId| kept.spared.iter().any(|cell| cell.id == *id);
                records.retain(|id, _| shard.is_none() && (!ran.contains(id) || spared(id)));
                records.extend(behaviour.into_iter().filter(|(id, _)| ran.contains(id) && !spared(id)));
                CommittedFiles { result, day, behaviour: records }
            })?;
        }
        Ok(kept)
    }
}

impl RecordedRun {
    /// The terms for judging the cells.
    pub(super) fn terms(&self) -> Terms<'_> {
        Terms { unanswered: Some(&self.unanswered), ..self.terms }
    }

    /// The new committed result, and the day it was made if all its cells are of this run.
    fn merged(
        &mut self,
        done: RunOutcome,
        previous: Option<MatrixResult>,
        shard: Option<Shard>,
    ) -> (MatrixResult, Option<jiff::civil::Date>) {
        if let Some(previous) = &previous {
            self.moved = compare::moved(previous, &done.cells);
        }
        let previous = previous.filter(|_| shard.is_none());
        let mut frame = frame(&self.matrix);
        let this = merge(None, &frame, done.cells.clone());
        let (cells, spared) = keep_earlier_answers(previous.as_ref(), done.cells, &done.setup_failures);
        let (fresh, whole) = (cells.len(), self.matrix.cells().count() == cells.len());
        self.spared = spared;
        // Kept cells belong to the previous matrix.yaml: its digest stays until all cells have run.
        let other = |previous: &&MatrixResult| !self.matrix.is_named(&previous.matrix);
        if let Some(previous) = previous.as_ref().filter(other).filter(|_| !whole) {
            frame.matrix.clone_from(&previous.matrix);
        }
        self.shown = Some(only(&MatrixResult { matrix: frame.matrix.clone(), ..this.clone() }, &this.cells));
        let result = merge(previous, &frame, cells);
        // Kept cells keep their age.
        let day = self.terms.today.filter(|_| result.cells.len() == fresh);
        (result, day)
    }

    /// The exit code of the run.
    ///
    /// # Errors
    /// The failure that ended the run early.
    pub(super) fn exit(self, places: &PathArgs) -> anyhow::Result<Exit> {
        let Some(text) = self.fault else { return Ok(self.exit) };
        let folder = places.results();
        let message = format!(
            "the run ended early, finished cells are kept: {text}; check that {} exists and has free space",
            folder.display()
        );
        let exit = if self.exit == Exit::Interrupted { Exit::Interrupted } else { Exit::Incomplete };
        Err(Failure::new(exit, message).into())
    }
}

/// Cells that were unavailable in earlier results: in those that the run will replace, else in those beside the matrix.
fn unanswered(results: &Results, default_results: &Results) -> BTreeSet<CellId> {
    // Unreadable results are reported when they are to be replaced.
    let read = |results: &Results| results.read().unwrap_or_default();
    let earlier = read(results).or_else(|| read(default_results));
    let cells = earlier.into_iter().flat_map(|result| result.cells);
    cells.filter(|cell| cell.verdict == Verdict::Unavailable).map(|cell| cell.id).collect()
}

/// `result` reduced to the rows and columns of `cells`.
fn only(result: &MatrixResult, cells: &[CellResult]) -> MatrixResult {
    let mut result = result.clone();
    result.distros.retain(|distro| cells.iter().any(|cell| cell.id.distro == *distro));
    result.ats.retain(|ats| cells.iter().any(|cell| cell.id.ats == *ats));
    result
}

fn frame(matrix: &Matrix) -> CurrentMatrix {
    CurrentMatrix {
        matrix: matrix.digest.clone(),
        distros: matrix.distros.iter().map(|distro| distro.id.clone()).collect(),
        ats: matrix.ats.iter().map(|ats| ats.id.clone()).collect(),
        cells: matrix.cells().map(|cell| cell.id()).collect(),
    }
}

/// Writes raw evidence to the run's folder.
struct CellRecorder {
    folder: RunFolder,
    /// How ATS behaved in the cells so far.
    behaviour: Mutex<BehaviourRecords>,
}

impl EvidenceSink for CellRecorder {
    fn cell(&self, id: &CellId, run: &CellRun) -> anyhow::Result<()> {
        let mut behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner);
        behaviour.insert(id.clone(), run.behaviour.clone());
        drop(behaviour);
        evidence::keep(&self.folder, id, &run.evidence)?;
        evidence::log(&self.folder, &id.to_string(), &run.transcript)
    }

    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()> {
        evidence::keep(&self.folder.under(name), id, &run.evidence)?;
        evidence::log(&self.folder, &format!("{id} with {name}"), &run.transcript)
    }
}
