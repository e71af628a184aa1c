//! Chosen cells, run and kept: what `atsmatrix run` does, and any command that needs fresh results of cells on its
//! way to an answer of its own.

use std::collections::BTreeSet;

use clap::Args;

use super::look::Look;
use super::setup::{Setup, day};
use super::{Choice, Places, evidence};
use crate::builder::Policy;
use crate::catalogue::trials;
use crate::catalogue::trials::Trial;
use crate::config::matrix::Matrix;
use crate::config::plan::{Plan, Recipes};
use crate::config::shard::Shard;
use crate::decide::compare;
use crate::exit::{Exit, Failure};
use crate::model::{CellId, CellResult, MatrixResult, Verdict};
use crate::run::cell::CellRun;
use crate::run::{self, Done, Order, Record};
use crate::store::{CurrentMatrix, Results, RunFolder, keep_earlier_answers, merge};
use crate::verdict;
use crate::verdict::Terms;

/// How cells are run.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct How {
    /// Cells at the same time, and before them images [default: the engine's CPUs]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Begin no further cell after the first unexpected outcome
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Leave the containers for inspection, with ATS running
    #[arg(long)]
    pub(super) keep: bool,
    /// Where a cell fails with a known issue, try its workarounds on that very cell
    #[arg(long)]
    pub(super) workarounds: bool,
    /// Make no image: cells whose image is missing are unavailable
    #[arg(long)]
    pub(super) no_build: bool,
    /// Ask no registry: images that the engine has under the names of matrix.yaml are used, and base images that it has
    /// not are made from the package mirrors of their distros, which are asked all the same
    #[arg(long)]
    pub(super) offline: bool,
    /// Make images anew, also those whose inputs did not change, and pull ready ones again
    #[arg(long, conflicts_with = "no_build")]
    pub(super) rebuild: bool,
    /// Count optional cells too
    #[arg(long)]
    pub(super) strict: bool,
}

/// Cells to run.
pub(super) struct Work {
    matrix: Matrix,
    plan: Plan,
    recipes: Recipes,
    trials: Vec<&'static Trial>,
    how: How,
    results: Results,
}

impl Work {
    /// The cells that `choice` and `shard` take.
    ///
    /// # Errors
    /// A matrix that is wrong, or a choice that takes nothing.
    pub(super) fn new(places: &Places, choice: &Choice, how: How, shard: Option<Shard>) -> anyhow::Result<Self> {
        let (matrix, _) = places.read()?;
        let (mut plan, recipes) = choice.plan(&matrix, places)?;
        let trials = choice.trials()?;
        if let Some(shard) = shard {
            plan.keep(|cells| shard.of(cells).collect());
        }
        for place in run::asked(&trials) {
            plan.add_origin(&matrix, &recipes, place).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        }
        if plan.cells.is_empty() {
            let message = "the selection matches no cell: `atsmatrix list` shows those there are";
            return Err(Failure::new(Exit::NothingSelected, message).into());
        }
        Ok(Self { matrix, plan, recipes, trials, how, results: Results::new(places.results()) })
    }

    /// Runs them.
    ///
    /// # Errors
    /// When no engine is there, it fails as a whole, or the run's folder cannot be written.
    pub(super) async fn run(self, look: &Look) -> anyhow::Result<Ran> {
        let setup = Setup::begin(&self.results, look).await?;
        let (jobs, how) = (setup.jobs(self.how.jobs), self.how);
        let order = Order {
            plan: self.plan,
            trials: self.trials,
            recipes: self.recipes,
            policy: Policy { no_build: how.no_build, offline: how.offline, rebuild: how.rebuild, ..setup.policy(jobs) },
            image_logs: setup.image_logs(),
            jobs,
            fail_fast: how.fail_fast,
            keep: how.keep,
            workarounds: how.workarounds,
            terms: Terms { strict: how.strict, today: Some(day(setup.now)), trials: trials::ids(), unanswered: None },
            matrix: self.matrix,
        };
        let recorder = Recorder { folder: setup.folder.clone() };
        let (events, stop) = (setup.events.clone(), setup.stop.clone());
        let done = run::run(setup.engine.clone(), &setup.owner, &order, &recorder, events, stop.clone()).await;
        let done = done.map_err(|error| failed(error, stop.is_cancelled()));
        let journal = setup.end().await?;
        let mut done = done?;
        // A journal that ends early costs no result.
        done.fault = done.fault.or(journal.err().map(|error| format!("{error:#}")));
        Ok(Ran { order, done, results: self.results })
    }
}

/// The error of a run: after a stop it is the stop that counts, whatever broke by it.
fn failed(error: anyhow::Error, stopped: bool) -> anyhow::Error {
    if stopped { Failure::new(Exit::Interrupted, format!("interrupted; then {error:#}")).into() } else { error }
}

/// Cells that were run.
pub(super) struct Ran {
    order: Order,
    done: Done,
    results: Results,
}

/// Cells that were run, after their results were written where these belong.
pub(super) struct Kept {
    pub(super) matrix: Matrix,
    terms: Terms<'static>,
    /// Cells that had no answer before.
    unanswered: BTreeSet<CellId>,
    /// The results of this run alone; `None`: no cell was finished.
    pub(super) shown: Option<MatrixResult>,
    /// What ran with other packages than in earlier results, a line each.
    pub(super) moved: Vec<String>,
    /// Cells that keep their earlier answer.
    pub(super) spared: Vec<CellResult>,
    /// Whether nothing was written, as only some trials were run.
    pub(super) part: bool,
    exit: Exit,
    fault: Option<String>,
}

impl Ran {
    /// Writes the committed files.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub(super) fn keep(self, places: &Places, choice: &Choice, shard: Option<Shard>) -> anyhow::Result<Kept> {
        let Self { order, mut done, results } = self;
        for cell in &mut done.cells {
            cell.provenance = std::mem::take(&mut cell.provenance).portable();
        }
        let unanswered = unanswered(places, &results);
        let weighed = Terms { unanswered: Some(&unanswered), ..order.terms };
        let exit = if done.interrupted { Exit::Interrupted } else { verdict::exit(&done.cells, &weighed) };
        // A cell of which a few trials were run must not replace what is known of the whole.
        let part = !done.cells.is_empty() && !choice.trial.is_empty() && places.results.is_none();
        let Order { matrix, terms, .. } = order;
        let mut kept = Kept {
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
            results.commit_checked(|previous| kept.merged(done, previous, shard))?;
        }
        Ok(kept)
    }
}

impl Kept {
    /// What the cells are judged by.
    pub(super) fn terms(&self) -> Terms<'_> {
        Terms { unanswered: Some(&self.unanswered), ..self.terms }
    }

    /// What the committed result becomes, and the day of all its cells if it has one.
    fn merged(
        &mut self,
        done: Done,
        previous: Option<MatrixResult>,
        shard: Option<Shard>,
    ) -> (MatrixResult, Option<jiff::civil::Date>) {
        if let Some(previous) = &previous {
            self.moved = compare::moved(previous, &done.cells);
        }
        let previous = previous.filter(|_| shard.is_none());
        let mut frame = frame(&self.matrix);
        let this = merge(None, &frame, done.cells.clone());
        let (cells, spared) = keep_earlier_answers(previous.as_ref(), done.cells, &done.ours);
        let (fresh, whole) = (cells.len(), self.matrix.cells().count() == cells.len());
        self.spared = spared;
        // Cells that are kept are of the matrix.yaml before: its digest stays until all were run.
        let other = |previous: &&MatrixResult| !self.matrix.is_named(&previous.matrix);
        if let Some(previous) = previous.as_ref().filter(other).filter(|_| !whole) {
            frame.matrix.clone_from(&previous.matrix);
        }
        self.shown = Some(only(&MatrixResult { matrix: frame.matrix.clone(), ..this.clone() }, &this.cells));
        let result = merge(previous, &frame, cells);
        // Cells that were kept are no younger than they were.
        let day = self.terms.today.filter(|_| result.cells.len() == fresh);
        (result, day)
    }

    /// How the run ended.
    ///
    /// # Errors
    /// What of ours broke.
    pub(super) fn exit(self, places: &Places) -> anyhow::Result<Exit> {
        let Some(text) = self.fault else { return Ok(self.exit) };
        let folder = places.results();
        let message = format!(
            "the run ended early, with what was finished: {text}; is there room for {}, and is it still there?",
            folder.display()
        );
        let exit = if self.exit == Exit::Interrupted { Exit::Interrupted } else { Exit::Incomplete };
        Err(Failure::new(exit, message).into())
    }
}

/// Cells of which earlier results say that they could not be had: those that the run writes to, or else those beside
/// the matrix.
fn unanswered(places: &Places, results: &Results) -> BTreeSet<CellId> {
    // What cannot be read is told where it is written over; here it says nothing.
    let read = |results: &Results| results.read().unwrap_or_default();
    let earlier = read(results).or_else(|| read(&Results::new(places.folder().join("results"))));
    let cells = earlier.into_iter().flat_map(|result| result.cells);
    cells.filter(|cell| cell.verdict == Verdict::Unavailable).map(|cell| cell.id).collect()
}

/// The result of this run alone: rows and columns that it touched.
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

/// Keeps raw evidence in the run's folder.
struct Recorder {
    folder: RunFolder,
}

impl Record for Recorder {
    fn cell(&self, id: &CellId, run: &CellRun) -> anyhow::Result<()> {
        evidence::keep(&self.folder, id, &run.evidence)?;
        evidence::log(&self.folder, &id.to_string(), &run.transcript)
    }

    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()> {
        evidence::keep(&self.folder.under(name), id, &run.evidence)?;
        evidence::log(&self.folder, &format!("{id} with {name}"), &run.transcript)
    }
}
