//! Runs experiments: the engine with a network, the agents, and the images of both ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{ExperimentSink, SearchRequest};
use crate::bisect::answer::distinguishing_trial;
use crate::bisect::failure;
use crate::bisect::parts::Swapped;
use crate::builder::{ImageBuilder, ImageState};
use crate::catalogue::trials::{CATALOGUE, Catalogue, Kind as TrialKind, Trial};
use crate::config::plan::{Bootstrapper, Plan, PlannedCell};
use crate::distro::loader;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::model::{AtsLife, Bisection, CellId, Effect, Event, Outcome, Place, Tried};
use crate::run::cell::{self, Job, NoProgress, OriginImage, SingleAttempt};
use crate::run::{Site, Stage, Variant, required_origins};

/// The environment of all experiments of a search.
pub(super) struct Bench<'a> {
    site: Site<'a>,
    pub(super) request: &'a SearchRequest,
    sink: &'a dyn ExperimentSink,
    begun: Instant,
    maker: Arc<ImageBuilder>,
    stage: Stage,
    /// Origins with a container of their own, each made when a trial first uses it; `None` if the matrix has no such origin.
    origins: BTreeMap<Place, OnceCell<Option<OriginImage>>>,
}

/// What one experiment runs.
pub(super) struct ExperimentSpec<'a> {
    /// Number of the experiment, from 1.
    pub(super) number: u32,
    /// The cell that owns the image.
    pub(super) planned: &'a PlannedCell,
    /// Tag of the image without the agent.
    pub(super) image: &'a str,
    /// Swapped parts; `None` if nothing is swapped and libraries are not reported.
    pub(super) swapped: Option<Swapped>,
    /// The trials to run.
    pub(super) trials: Vec<&'static Trial>,
}

/// The outcome of one trial in an experiment.
pub(super) struct ExperimentOutcome {
    pub(super) effect: Effect,
    /// Libraries or symbols that were missing, if ATS did not load.
    pub(super) missing: Vec<loader::MissingSymbol>,
    /// What was seen, in one line.
    pub(super) summary: String,
    pub(super) evidence: Vec<String>,
}

impl ExperimentOutcome {
    /// The record of an experiment in which `swapped` parts were swapped.
    pub(super) fn into_record(self, base: String, swapped: Vec<String>, round: u32) -> Tried {
        Tried { base, swapped, round, result: self.effect, summary: self.summary, evidence: self.evidence }
    }
}

impl<'a> Bench<'a> {
    /// Sets up the environment of all experiments.
    pub(super) async fn new(
        engine: Arc<dyn Engine>,
        owner: &'a Owner,
        request: &'a SearchRequest,
        sink: &'a dyn ExperimentSink,
        events: UnboundedSender<Event>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut site = Site::new(engine, owner, &request.matrix.defaults, events, stop).await?;
        let begun = Instant::now();
        if !site.prepare().await? {
            return Err(interrupted());
        }
        let bootstrapper = Bootstrapper::of(&request.matrix, &request.recipes)?;
        let maker = site.maker(&request.recipes, &request.policy, &request.image_logs, &bootstrapper);
        // Last, as a failure after it would leave the network behind.
        let stage = Stage::new(&site, &request.recipes, false).await?.ok_or_else(interrupted)?;
        let origins = Place::BESIDE.map(|place| (place, OnceCell::new())).into();
        Ok(Self { site, request, sink, begun, maker, stage, origins })
    }

    /// Removes everything but images, and reports the number of experiments and the time.
    pub(super) async fn end(&self, done: anyhow::Result<Bisection>) -> anyhow::Result<Bisection> {
        if let Ok(answer) = &done {
            let (count, seconds) = (answer.experiments.len(), self.begun.elapsed().as_secs_f64());
            self.report(Event::Note(format!("{count} experiments in {seconds:.1} s, including their images")));
        }
        self.site.clean_up(false).await;
        done
    }

    pub(super) fn report(&self, event: Event) {
        self.site.report(event);
    }

    pub(super) fn engine(&self) -> &dyn Engine {
        self.site.engine.as_ref()
    }

    /// Makes the images of `plan`, and returns the state of each by tag.
    ///
    /// # Errors
    /// The search was interrupted, so a missing image has no meaning.
    pub(super) async fn make(&self, plan: &Plan) -> anyhow::Result<BTreeMap<String, ImageState>> {
        let made = Arc::clone(&self.maker).make(plan.steps(), &self.site.deadline).await;
        self.check_running()?;
        Ok(made)
    }

    /// The content digest of a cell's image.
    ///
    /// # Errors
    /// The image could not be made.
    pub(super) fn needed(made: &BTreeMap<String, ImageState>, planned: &PlannedCell) -> anyhow::Result<String> {
        match made.get(&planned.tag) {
            Some(ImageState::Ready { id }) => Ok(id.clone()),
            Some(other) => Err(match other.reason() {
                Some(why) => Failure::new(Exit::Incomplete, format!("cannot run {}: {why}", planned.id)).into(),
                None => interrupted(),
            }),
            None => bail!("the image of {} is not part of the plan", planned.id),
        }
    }

    /// Runs one experiment. If the setup or the engine failed, it is run once more before it counts.
    ///
    /// # Errors
    /// The search was interrupted, or the agent could not be added to the image. Other failures are part of the outcome.
    pub(super) async fn run(&self, setup: ExperimentSpec<'_>) -> anyhow::Result<SingleAttempt> {
        let (planned, number) = (setup.planned, setup.number);
        let mut job = self.job(setup).await?;
        let mut once = self.attempt(&job, number).await?;
        if setup_failed(&once) {
            job.name.push('b');
            once = self.attempt(&job, number).await?;
        }
        self.sink.experiment(&planned.id, number, &once);
        Ok(once)
    }

    async fn attempt(&self, job: &Job, number: u32) -> anyhow::Result<SingleAttempt> {
        self.check_running()?;
        let once = cell::run_once(&self.site.engine, job, number, &NoProgress, &self.site.deadline).await;
        self.check_running()?;
        Ok(once)
    }

    async fn job(&self, setup: ExperimentSpec<'_>) -> anyhow::Result<Job> {
        let (swap, sysctls) = setup.swapped.map(|swapped| (swapped.swap, swapped.sysctls)).unzip();
        let image = self.stage.with_agent(setup.image).await?;
        let variant = Variant {
            name: format!("x{}", setup.number),
            origins: self.origins(&setup.trials).await?,
            trials: setup.trials,
            swap,
            sysctls: sysctls.unwrap_or_default(),
            ..Variant::default()
        };
        Ok(self.stage.job(&self.site, setup.planned, image, variant))
    }

    /// The origins with a container of their own that `trials` use.
    async fn origins(&self, trials: &[&'static Trial]) -> anyhow::Result<BTreeMap<Place, OriginImage>> {
        let mut origins = BTreeMap::new();
        for place in required_origins(trials) {
            let Some(made) = self.origins.get(&place) else { continue };
            // Boxed: the future is some kilobytes, which would enlarge that of every experiment.
            let origin = made.get_or_try_init(|| Box::pin(self.origin(place))).await?;
            origins.extend(origin.clone().map(|origin| (place, origin)));
        }
        Ok(origins)
    }

    async fn origin(&self, place: Place) -> anyhow::Result<Option<OriginImage>> {
        let SearchRequest { matrix, recipes, .. } = self.request;
        let usage = |error: crate::config::plan::SelectionError| Failure::new(Exit::Usage, error.to_string());
        let mut plan = Plan::empty(matrix, recipes).map_err(usage)?;
        plan.add_origin(matrix, recipes, place).map_err(usage)?;
        let Some(tag) = plan.beside.get(&place) else { return Ok(None) };
        let made = self.make(&plan).await?;
        self.stage.origin(&self.site, &made, tag).await
    }

    fn check_running(&self) -> anyhow::Result<()> {
        if self.site.stop.is_cancelled() {
            return Err(interrupted());
        }
        if self.site.deadline.is_cancelled() {
            let message = format!(
                "{} before the search had an answer: raise `deadlines.run` in matrix.yaml",
                self.site.deadline_message()
            );
            return Err(Failure::new(Exit::Incomplete, message).into());
        }
        Ok(())
    }
}

/// The error of an interrupted search.
pub(super) fn interrupted() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "interrupted before the search had an answer").into()
}

/// Whether the setup or the engine failed, so that no trial has an outcome.
fn setup_failed(once: &SingleAttempt) -> bool {
    let mut subjects = once.judged.iter().filter(|(trial, _)| !trial.is_control());
    subjects.all(|(_, judged)| matches!(judged.outcome, Outcome::Error | Outcome::Skipped))
}

/// Checks that the ATS of an end has one of the `declared` versions.
///
/// # Errors
/// It has none of them; the message says what to correct.
pub(super) fn check_version(once: &SingleAttempt, declared: &[&str]) -> anyhow::Result<()> {
    let of = |version: &&str| cell::version_mismatch(version, &once.provenance);
    let mismatches: Vec<String> = declared.iter().filter_map(of).collect();
    match mismatches.first() {
        Some(text) if mismatches.len() == declared.len() => Err(Failure::new(Exit::Incomplete, text.clone()).into()),
        _ => Ok(()),
    }
}

/// Checks that an end ran on the distro of its row.
///
/// # Errors
/// It ran on another one; the message says what to correct.
pub(super) fn check_distro(once: &SingleAttempt, planned: &PlannedCell) -> anyhow::Result<()> {
    match cell::distro_mismatch(&planned.id.distro, planned.os.as_ref(), &once.provenance) {
        Some(text) => Err(Failure::new(Exit::Incomplete, text).into()),
        None => Ok(()),
    }
}

/// The trials that all cells have. The others are about an image as a whole, of which no part can be swapped.
fn everywhere(catalogue: Catalogue) -> impl Iterator<Item = &'static Trial> {
    catalogue.trials().iter().copied().filter(|trial| trial.only_for.is_none())
}

/// The trials of an experiment: `chosen` and every control.
pub(super) fn with_controls(chosen: &'static Trial) -> Vec<&'static Trial> {
    // Every control is built in, and comes first.
    let others = CATALOGUE.iter().copied().filter(|trial| trial.is_control() && chosen.id != trial.id);
    others.chain([chosen]).collect()
}

/// The sets of trials that the ends run, in turn, until a trial distinguishes them: the requested one; otherwise the one that
/// distinguished them before, then all that share one ATS, which take seconds, and finally all.
pub(super) fn trial_sets(request: &SearchRequest) -> Vec<Vec<&'static Trial>> {
    let known = request.trial.map(with_controls);
    if request.is_requested && known.is_some() {
        return known.into_iter().collect();
    }
    let shared = |trial: &&Trial| {
        let spec = trial.spec();
        trial.is_control() || (spec.records.is_empty() && !spec.alone)
    };
    let all = || everywhere(request.catalogue);
    known.into_iter().chain([all().filter(shared).collect(), all().collect()]).collect()
}

/// The trials to search with after the ends have run: the requested one, else all that pass in `good` and fail in `bad`, in
/// the catalogue's order.
pub(super) fn candidates(request: &SearchRequest, good: &SingleAttempt, bad: &SingleAttempt) -> Vec<&'static Trial> {
    if let Some(requested) = request.trial.filter(|_| request.is_requested) {
        return vec![requested];
    }
    let (good, bad) = (answers(good), answers(bad));
    everywhere(request.catalogue).filter(|trial| distinguishing_trial(&[trial.id], &good, &bad).is_some()).collect()
}

/// A hint, if a trial passes in `bad` and fails in `good`; else an empty text.
pub(super) fn reversed_hint(
    good: &SingleAttempt,
    bad: &SingleAttempt,
    trial: Option<&Trial>,
    catalogue: Catalogue,
) -> &'static str {
    let one = trial.map(|trial| [trial.id]);
    let ids = one.as_ref().map_or(catalogue.ids(), <[_; 1]>::as_slice);
    match distinguishing_trial(ids, &answers(bad), &answers(good)) {
        Some(_) => "; one does the other way round: swap --good and --bad",
        None => "",
    }
}

/// The outcome of `trial` in `once`. A failure counts only if it is the one that is searched for, which has the summary
/// `as_in`; with `None` any failure counts.
pub(super) fn outcome_of(once: &SingleAttempt, trial: &'static Trial, as_in: Option<&str>) -> ExperimentOutcome {
    let observation = once.seen.get(trial.id);
    let evidence = observation.map(cell::evidence_lines).unwrap_or_default();
    let of = |effect, summary: String| ExperimentOutcome {
        effect,
        missing: Vec::new(),
        summary,
        evidence: evidence.clone(),
    };
    let inconclusive = |summary: String| of(Effect::Inconclusive, summary);
    let Some((_, judged)) = once.judged.iter().find(|(judged, _)| judged.id == trial.id) else {
        return inconclusive("the trial did not run".to_owned());
    };
    let summary = crate::ats::log::normalise(&judged.summary);
    match judged.outcome {
        Outcome::Pass => return of(Effect::Pass, summary),
        Outcome::Fail => {}
        _ => return inconclusive(summary),
    }
    if as_in.is_some_and(|known| failure::alike(known, &summary)) {
        return of(Effect::Fail, summary);
    }
    if let Some(AtsLife::NeverReady(why)) = observation.map(|seen| &seen.ats) {
        let missing = loader::missing(why);
        if !missing.is_empty() {
            let summary = format!("does not load: {}", loader::sentence(&missing));
            return ExperimentOutcome { effect: Effect::Inconclusive, missing, summary, evidence: Vec::new() };
        }
    }
    // Of an end any failure counts, whatever else fails: direct controls detect failures of the setup.
    if as_in.is_none() {
        return of(Effect::Fail, summary);
    }
    if let Some((control, _)) = once
        .judged
        .iter()
        .find(|(trial, judged)| trial.kind == TrialKind::PlainControl && judged.outcome == Outcome::Fail)
    {
        return inconclusive(format!("ATS also fails the control {}: {summary}", control.id));
    }
    inconclusive(format!("fails in another way: {summary}"))
}

/// The trials that passed or failed, and whether they passed.
pub(super) fn answers(once: &SingleAttempt) -> Vec<(&'static str, bool)> {
    let subjects = once.judged.iter().filter(|(trial, _)| !trial.is_control());
    subjects
        .filter_map(|(trial, judged)| match judged.outcome {
            Outcome::Pass => Some((trial.id, true)),
            Outcome::Fail => Some((trial.id, false)),
            _ => None,
        })
        .collect()
}

/// The planned cell `id`.
pub(super) fn planned(plan: &Plan, id: &CellId) -> anyhow::Result<PlannedCell> {
    let found = plan.cells.iter().find(|cell| cell.id == *id);
    Ok(found.cloned().ok_or_else(|| {
        Failure::new(Exit::Usage, format!("no cell {id} in this matrix: `atsmatrix list` lists the cells"))
    })?)
}
