//! Runs the selected cells and writes their results, for `atsmatrix run` and for commands that need fresh results.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use clap::Args;
use jiff::civil::Date;

use super::display::DisplayArgs;
use super::resume::{self, Resumed};
use super::setup::{Setup, day};
use super::{PathArgs, SelectionArgs, evidence, trials};
use crate::builder::Policy;
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::Matrix;
use crate::config::plan::{Plan, Recipes};
use crate::config::shard::Shard;
use crate::console;
use crate::decide::compare;
use crate::exit::{Exit, Failure};
use crate::model::{BehaviourRecords, CellId, CellResult, MatrixResult, RunPlan, Verdict};
use crate::run::cell::CellRun;
use crate::run::{self, EvidenceSink, RunOutcome, RunRequest};
use crate::store::{CommittedFiles, CurrentMatrix, Results, RunFolder, keep_earlier_answers, merge};
use crate::verdict;
use crate::verdict::Terms;
use crate::words::count;

/// Options that control how cells are run.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct ExecutionArgs {
    /// Number of images to build, and cells to run, in parallel [default: number of CPUs of the engine]
    #[arg(long, value_name = "N", env = "ATSMATRIX_JOBS", hide_env_values = true)]
    pub(super) jobs: Option<usize>,
    /// Start no further cell after the first unexpected result
    #[arg(long, env = "ATSMATRIX_FAIL_FAST", hide_env_values = true)]
    pub(super) fail_fast: bool,
    /// Keep the containers for inspection, with ATS running
    #[arg(long)]
    pub(super) keep: bool,
    /// Where a cell fails with a known issue, also run it with the workarounds of that issue
    #[arg(long, env = "ATSMATRIX_WORKAROUNDS", hide_env_values = true)]
    pub(super) workarounds: bool,
    /// Do not build images: a cell whose image is missing is unavailable
    #[arg(long, env = "ATSMATRIX_NO_BUILD", hide_env_values = true)]
    pub(super) no_build: bool,
    /// Do not contact image registries: use the images that the engine has, and bootstrap missing base images from the
    /// package mirrors of their distros
    #[arg(long, env = "ATSMATRIX_OFFLINE", hide_env_values = true)]
    pub(super) offline: bool,
    /// Rebuild all images, even if their inputs did not change, and pull ready images again
    #[arg(long, conflicts_with = "no_build")]
    pub(super) rebuild: bool,
    /// Treat optional cells like all others
    #[arg(long, env = "ATSMATRIX_STRICT", hide_env_values = true)]
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
    /// What is to be run, for a run that resumes this one.
    set_out: RunPlan,
    /// The run that this one resumes.
    resumed: Option<Resumed>,
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
        let set_out = resume::plan_of(&matrix.digest, &plan, selection, shard)?;
        let resumed = None;
        Ok(Self { matrix, plan, recipes, trials, catalogue, execution, results, default_results, set_out, resumed })
    }

    /// Leaves only the cells that the earlier run lacks.
    ///
    /// # Errors
    /// It was another run than this.
    pub(super) fn resume(&mut self, resumed: Resumed) -> anyhow::Result<()> {
        resumed.rest(&self.set_out, &mut self.plan)?;
        self.resumed = Some(resumed);
        Ok(())
    }

    /// Runs the plan.
    ///
    /// # Errors
    /// No engine answers, the engine fails, or the run's folder cannot be written.
    pub(super) async fn run(mut self, display: &DisplayArgs) -> anyhow::Result<FinishedRun> {
        let earlier = self.resumed.take();
        let begun = earlier.as_ref().and_then(Resumed::day);
        let (mut cells, mut behaviour, mut taken) = (Vec::new(), BehaviourRecords::new(), None);
        if let Some(resumed) = earlier {
            let (have, lack) = (count(resumed.cells.len(), "cell"), self.plan.cells.len());
            console::eprint(&format!("resuming run {}: it has {have}, and lacks {lack}\n", resumed.id));
            (cells, behaviour, taken) = (resumed.cells, resumed.behaviour, Some((resumed.folder, resumed.lock)));
        }
        if self.plan.cells.is_empty() {
            let (request, results) = self.request(Policy::default(), PathBuf::new(), jiff::Timestamp::now());
            let done = RunOutcome { cells, interrupted: false, setup_failures: BTreeSet::new(), fault: None };
            return Ok(FinishedRun { request, done, results, behaviour, begun });
        }
        let setup = Setup::begin(&self.results, display, taken).await?;
        setup.folder.write_plan(&self.set_out)?;
        let jobs = setup.jobs(self.execution.jobs);
        let (request, results) = self.request(setup.policy(jobs), setup.image_logs(), setup.now);
        let recorder = CellRecorder { folder: setup.folder.clone(), behaviour: Mutex::new(behaviour) };
        let (events, stop) = (setup.events.clone(), setup.stop.clone());
        let done = run::run(setup.engine.clone(), &setup.owner, &request, &recorder, events, stop.clone()).await;
        let done = done.map_err(|error| failed(error, stop.is_cancelled()));
        let journal = setup.end().await?;
        let mut done = done?;
        done.cells.splice(0..0, cells);
        // A journal that cannot be written loses no result.
        done.fault = done.fault.or(journal.err().map(|error| format!("{error:#}")));
        let behaviour = recorder.behaviour.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(FinishedRun { request, done, results, behaviour, begun })
    }

    /// The request for a run that starts now, and the results folder.
    fn request(self, policy: Policy, image_logs: PathBuf, now: jiff::Timestamp) -> (RunRequest, Results) {
        let execution = self.execution;
        let request = RunRequest {
            plan: self.plan,
            trials: self.trials,
            recipes: self.recipes,
            jobs: policy.jobs,
            policy: Policy {
                no_build: execution.no_build,
                offline: execution.offline,
                rebuild: execution.rebuild,
                ..policy
            },
            image_logs,
            fail_fast: execution.fail_fast,
            keep: execution.keep,
            workarounds: execution.workarounds,
            terms: Terms {
                strict: execution.strict,
                today: Some(day(now)),
                trials: self.catalogue.ids(),
                unanswered: None,
            },
            unanswered: unanswered(&self.results, &self.default_results),
            matrix: self.matrix,
        };
        (request, self.results)
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
    /// The day on which the run began that this one resumed.
    begun: Option<Date>,
}

/// A run whose results have been written.
pub(super) struct RecordedRun {
    pub(super) matrix: Matrix,
    terms: Terms<'static>,
    /// Cells that had no answer before the run.
    unanswered: BTreeSet<CellId>,
    /// The day on which the run began that this one resumed: its cells are as old.
    begun: Option<Date>,
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
    /// Why the results could not be written.
    unwritten: Option<String>,
}

impl FinishedRun {
    /// Writes the committed files. That this failed is told by [`RecordedRun::exit`], after the report.
    ///
    /// # Errors
    /// When the earlier results cannot be read.
    pub(super) fn keep(
        self,
        places: &PathArgs,
        selection: &SelectionArgs,
        shard: Option<Shard>,
    ) -> anyhow::Result<RecordedRun> {
        let Self { request, mut done, results, behaviour, begun } = self;
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
            begun,
            shown: None,
            moved: Vec::new(),
            spared: Vec::new(),
            part,
            exit,
            fault: done.fault.take(),
            unwritten: None,
        };
        if part {
            kept.show(&done.cells);
            kept.merged(done, results.read()?, shard);
        } else if !done.cells.is_empty() {
            let ran: BTreeSet<CellId> = done.cells.iter().map(|cell| cell.id.clone()).collect();
            // Results that cannot be written cost nobody the answer.
            kept.show(&done.cells);
            let written = results.commit_all(|previous, mut records| {
                let (result, day) = kept.merged(done, previous, shard);
                // A cell that keeps its earlier result keeps what was recorded with it.
                let spared = |id: &CellId| kept.spared.iter().any(|cell| cell.id == *id);
                records.retain(|id, _| shard.is_none() && (!ran.contains(id) || spared(id)));
                records.extend(behaviour.into_iter().filter(|(id, _)| ran.contains(id) && !spared(id)));
                CommittedFiles { result, day, behaviour: records }
            });
            kept.unwritten = written.err().map(|error| format!("{error:#}"));
        }
        Ok(kept)
    }
}

impl RecordedRun {
    /// Keeps what the report shows: these cells alone.
    fn show(&mut self, cells: &[CellResult]) {
        let this = merge(None, &frame(&self.matrix), cells.to_vec());
        self.shown = Some(only(&this, &this.cells));
    }

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
    ) -> (MatrixResult, Option<Date>) {
        if let Some(previous) = &previous {
            self.moved = compare::moved(previous, &done.cells);
        }
        let previous = previous.filter(|_| shard.is_none());
        let mut frame = frame(&self.matrix);
        let (cells, spared) = keep_earlier_answers(previous.as_ref(), done.cells, &done.setup_failures);
        let (fresh, whole) = (cells.len(), self.matrix.cells().count() == cells.len());
        self.spared = spared;
        // Kept cells belong to the previous matrix.yaml: its digest stays until all cells have run.
        let other = |previous: &&MatrixResult| !self.matrix.is_named(&previous.matrix);
        if let Some(previous) = previous.as_ref().filter(other).filter(|_| !whole) {
            frame.matrix.clone_from(&previous.matrix);
        }
        if let Some(shown) = &mut self.shown {
            shown.matrix.clone_from(&frame.matrix);
        }
        let result = merge(previous, &frame, cells);
        // Kept cells keep their age.
        let day = self.begun.or(self.terms.today).filter(|_| result.cells.len() == fresh);
        (result, day)
    }

    /// Whether the run was interrupted.
    pub(super) fn interrupted(&self) -> bool {
        self.exit == Exit::Interrupted
    }

    /// The exit code of the run.
    ///
    /// # Errors
    /// The failure that ended the run early.
    pub(super) fn exit(self, places: &PathArgs) -> anyhow::Result<Exit> {
        let folder = places.results();
        let message = match (self.unwritten, self.fault) {
            (None, None) => return Ok(self.exit),
            (Some(text), _) => format!(
                "{text}: the results above are not in {}; make room or mend it, then `atsmatrix run --resume` writes them from \
                 the run's journal",
                folder.display()
            ),
            (None, Some(text)) => format!(
                "the run ended early, finished cells are kept: {text}; check that {} exists and has free space, then \
                 `atsmatrix run --resume` runs the rest",
                folder.display()
            ),
        };
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
        self.folder.write_behaviour(id, &run.behaviour)?;
        evidence::keep(&self.folder, id, &run.evidence)?;
        evidence::log(&self.folder, &id.to_string(), &run.transcript)
    }

    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()> {
        evidence::keep(&self.folder.under(name), id, &run.evidence)?;
        evidence::log(&self.folder, &format!("{id} with {name}"), &run.transcript)
    }
}
