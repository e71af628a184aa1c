//! Where experiments are made: an engine with a network, the agents, and the images of the two ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Order, Record};
use crate::bisect::answer::telling_trial;
use crate::bisect::failure;
use crate::bisect::parts::Swapped;
use crate::builder::{Made, Maker};
use crate::catalogue::trials::{CATALOGUE, Kind as TrialKind, Trial};
use crate::config::plan::{Bootstrapper, Plan, PlannedCell};
use crate::distro::loader;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::model::{AtsLife, Bisection, CellId, Effect, Event, Outcome, Place, Tried};
use crate::run::cell::{self, Beside, Job, Once, Progress};
use crate::run::{Site, Stage, Variant, asked};

/// A place for experiments.
pub(super) struct Bench<'a> {
    site: Site<'a>,
    pub(super) order: &'a Order,
    record: &'a dyn Record,
    begun: Instant,
    maker: Arc<Maker>,
    stage: Stage,
    /// The origins that are containers of their own, each made when a trial first asks for it; `None`: the matrix
    /// has no such origin.
    beside: BTreeMap<Place, OnceCell<Option<Beside>>>,
}

/// One experiment to make.
pub(super) struct Setup<'a> {
    /// Its number, from 1.
    pub(super) number: u32,
    /// Whose image it is.
    pub(super) planned: &'a PlannedCell,
    /// The image, without the agent.
    pub(super) image: &'a str,
    /// What is swapped; `None`: nothing is, and nothing is told of libraries.
    pub(super) swapped: Option<Swapped>,
    /// The trials to run.
    pub(super) trials: Vec<&'static Trial>,
}

/// What an experiment says about one trial.
pub(super) struct Said {
    pub(super) effect: Effect,
    /// What was missing when it did not load.
    pub(super) missing: Vec<loader::MissingSymbol>,
    /// One line.
    pub(super) summary: String,
    pub(super) evidence: Vec<String>,
}

impl Said {
    /// The line of an experiment with these parts swapped.
    pub(super) fn line(self, base: String, swapped: Vec<String>, round: u32) -> Tried {
        Tried { base, swapped, round, result: self.effect, summary: self.summary, evidence: self.evidence }
    }
}

impl<'a> Bench<'a> {
    /// Sets up what all experiments share.
    pub(super) async fn new(
        engine: Arc<dyn Engine>,
        owner: &'a Owner,
        order: &'a Order,
        record: &'a dyn Record,
        events: UnboundedSender<Event>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut site = Site::new(engine, owner, &order.matrix.defaults, events, stop).await?;
        let begun = Instant::now();
        if !site.prepare().await? {
            return Err(stopped());
        }
        let bootstrapper = Bootstrapper::of(&order.matrix, &order.recipes)?;
        let maker = site.maker(&order.recipes, &order.policy, &order.image_logs, &bootstrapper);
        // Last: what fails after it would leave its network.
        let stage = Stage::new(&site, &order.recipes, false).await?.ok_or_else(stopped)?;
        let beside = Place::BESIDE.map(|place| (place, OnceCell::new())).into();
        Ok(Self { site, order, record, begun, maker, stage, beside })
    }

    /// Removes everything but images, and says how much was done.
    pub(super) async fn end(&self, done: anyhow::Result<Bisection>) -> anyhow::Result<Bisection> {
        if let Ok(answer) = &done {
            let (count, seconds) = (answer.experiments.len(), self.begun.elapsed().as_secs_f64());
            self.tell(Event::Note(format!("{count} experiments, {seconds:.1} s with all that they needed")));
        }
        self.site.leave(false).await;
        done
    }

    pub(super) fn tell(&self, event: Event) {
        self.site.tell(event);
    }

    pub(super) fn engine(&self) -> &dyn Engine {
        self.site.engine.as_ref()
    }

    /// Makes the images of `plan`; what became of each, by tag.
    ///
    /// # Errors
    /// When the search was interrupted: that an image is missing then says nothing.
    pub(super) async fn make(&self, plan: &Plan) -> anyhow::Result<BTreeMap<String, Made>> {
        let made = Arc::clone(&self.maker).make(plan.steps(), &self.site.deadline).await;
        self.unless_stopped()?;
        Ok(made)
    }

    /// The image of a cell that has to be there, by its content digest.
    pub(super) fn needed(made: &BTreeMap<String, Made>, planned: &PlannedCell) -> anyhow::Result<String> {
        match made.get(&planned.tag) {
            Some(Made::Ready { id }) => Ok(id.clone()),
            Some(Made::Unbuildable { reason } | Made::Unavailable { reason } | Made::Broken { reason }) => {
                Err(Failure::new(Exit::Incomplete, format!("{} cannot be run: {reason}", planned.id)).into())
            }
            Some(Made::Stopped) => Err(stopped()),
            None => bail!("the image of {} is not part of the plan", planned.id),
        }
    }

    /// Makes one experiment. One in which our side or the engine broke is made once more before it counts.
    ///
    /// # Errors
    /// When the search was interrupted, the image cannot be given its agent, or ATS is not of the version that
    /// is declared. What goes wrong inside is part of what is returned.
    pub(super) async fn run(&self, setup: Setup<'_>) -> anyhow::Result<Once> {
        let (planned, number) = (setup.planned, setup.number);
        let mut job = self.job(setup).await?;
        let mut once = self.attempt(&job, number).await?;
        if broke(&once) {
            job.name.push('b');
            once = self.attempt(&job, number).await?;
        }
        self.record.experiment(&planned.id, number, &once);
        Ok(once)
    }

    async fn attempt(&self, job: &Job, number: u32) -> anyhow::Result<Once> {
        self.unless_stopped()?;
        let once = cell::once(&self.site.engine, job, number, &Silent, &self.site.deadline).await;
        self.unless_stopped()?;
        Ok(once)
    }

    async fn job(&self, setup: Setup<'_>) -> anyhow::Result<Job> {
        let (swap, sysctls) = setup.swapped.map(|swapped| (swapped.swap, swapped.sysctls)).unzip();
        let image = self.stage.on(setup.image).await?;
        let variant = Variant {
            name: format!("x{}", setup.number),
            beside: self.beside(&setup.trials).await?,
            trials: setup.trials,
            swap,
            sysctls: sysctls.unwrap_or_default(),
            ..Variant::default()
        };
        Ok(self.stage.job(&self.site, setup.planned, image, variant))
    }

    /// The origins that `trials` need as containers of their own.
    async fn beside(&self, trials: &[&'static Trial]) -> anyhow::Result<BTreeMap<Place, Beside>> {
        let mut beside = BTreeMap::new();
        for place in asked(trials) {
            let Some(known) = self.beside.get(&place) else { continue };
            // Boxed: its state is some kilobytes, which every experiment would carry too.
            let it = known.get_or_try_init(|| Box::pin(self.origin(place))).await?;
            beside.extend(it.clone().map(|it| (place, it)));
        }
        Ok(beside)
    }

    async fn origin(&self, place: Place) -> anyhow::Result<Option<Beside>> {
        let Order { matrix, recipes, .. } = self.order;
        let usage = |error: crate::config::plan::SelectionError| Failure::new(Exit::Usage, error.to_string());
        let mut plan = Plan::empty(matrix, recipes).map_err(usage)?;
        plan.add_origin(matrix, recipes, place).map_err(usage)?;
        let Some(tag) = plan.beside.get(&place) else { return Ok(None) };
        let made = self.make(&plan).await?;
        self.stage.beside(&self.site, &made, tag).await
    }

    fn unless_stopped(&self) -> anyhow::Result<()> {
        if self.site.stop.is_cancelled() {
            return Err(stopped());
        }
        if self.site.deadline.is_cancelled() {
            let message = format!(
                "{}, and a search that is not over has no answer: raise `deadlines.run` of matrix.yaml",
                self.site.overdue()
            );
            return Err(Failure::new(Exit::Incomplete, message).into());
        }
        Ok(())
    }
}

/// Why a search that was stopped has no answer.
pub(super) fn stopped() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "interrupted: a search that is not over has no answer").into()
}

/// Whether an attempt says nothing because our side or the engine broke.
fn broke(once: &Once) -> bool {
    let mut subjects = once.judged.iter().filter(|(trial, _)| !trial.is_control());
    subjects.all(|(_, judged)| matches!(judged.outcome, Outcome::Error | Outcome::Skipped))
}

/// That the ATS of an end is another than the matrix says: any answer would speak of the wrong one.
///
/// # Errors
/// With what to correct.
pub(super) fn as_declared(once: &Once, declared: &[&str]) -> anyhow::Result<()> {
    let of = |version: &&str| cell::other_version(version, &once.provenance);
    let told: Vec<String> = declared.iter().filter_map(of).collect();
    match told.first() {
        Some(text) if told.len() == declared.len() => Err(Failure::new(Exit::Incomplete, text.clone()).into()),
        _ => Ok(()),
    }
}

/// That an end did not run on the distro that its row stands for.
///
/// # Errors
/// With what to correct.
pub(super) fn on_its_distro(once: &Once, planned: &PlannedCell) -> anyhow::Result<()> {
    match cell::other_distro(&planned.id.distro, planned.os.as_ref(), &once.provenance) {
        Some(text) => Err(Failure::new(Exit::Incomplete, text).into()),
        None => Ok(()),
    }
}

/// What an experiment runs: the trial with every control beside it.
pub(super) fn beside_controls(chosen: &Trial) -> Vec<&'static Trial> {
    CATALOGUE.iter().copied().filter(|trial| trial.is_control() || chosen.id == trial.id).collect()
}

/// What the ends run until a trial is found that tells them apart: that which was asked for; or else that
/// which told them apart before, then all that share one ATS, which take seconds, and only then all.
pub(super) fn stages(order: &Order) -> Vec<Vec<&'static Trial>> {
    let known = order.trial.map(beside_controls);
    if order.asked && known.is_some() {
        return known.into_iter().collect();
    }
    let shared = |trial: &&Trial| {
        let spec = (trial.spec)();
        trial.is_control() || (spec.records.is_empty() && !spec.alone)
    };
    known.into_iter().chain([CATALOGUE.iter().copied().filter(shared).collect(), CATALOGUE.to_vec()]).collect()
}

/// The trials to search with after the ends have run: that which was asked for, else all that pass in `good` and
/// fail in `bad`, in the catalogue's order.
pub(super) fn candidates(order: &Order, good: &Once, bad: &Once) -> Vec<&'static Trial> {
    if let Some(asked) = order.trial.filter(|_| order.asked) {
        return vec![asked];
    }
    let (good, bad) = (answers(good), answers(bad));
    CATALOGUE.iter().copied().filter(|trial| telling_trial(&[trial.id], &good, &bad).is_some()).collect()
}

/// What else to say where no trial tells the ends apart as it should.
pub(super) fn reversed(good: &Once, bad: &Once, trial: Option<&Trial>) -> &'static str {
    let catalogue: Vec<&str> = match trial {
        Some(trial) => vec![trial.id],
        None => CATALOGUE.iter().map(|trial| trial.id).collect(),
    };
    match telling_trial(&catalogue, &answers(bad), &answers(good)) {
        Some(_) => "; it is the other way round: swap --good and --bad",
        None => "",
    }
}

/// What `once` says about `trial`. A failure counts only if it is the one that is searched for, by its summary
/// `as_in` (`None`: any failure does).
pub(super) fn said(once: &Once, trial: &'static Trial, as_in: Option<&str>) -> Said {
    let observation = once.seen.get(trial.id);
    let evidence = observation.map(cell::lines).unwrap_or_default();
    let of = |effect, summary: String| Said { effect, missing: Vec::new(), summary, evidence: evidence.clone() };
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
            return Said { effect: Effect::Inconclusive, missing, summary, evidence: Vec::new() };
        }
    }
    // An end fails as it does, whatever else fails there: direct controls tell of our side.
    if as_in.is_none() {
        return of(Effect::Fail, summary);
    }
    if let Some((control, _)) = once
        .judged
        .iter()
        .find(|(trial, judged)| trial.kind == TrialKind::PlainControl && judged.outcome == Outcome::Fail)
    {
        return inconclusive(format!("ATS fails the control {} too: {summary}", control.id));
    }
    inconclusive(format!("fails in another way: {summary}"))
}

/// The trials of `once` that have an answer, and whether they passed.
pub(super) fn answers(once: &Once) -> Vec<(&'static str, bool)> {
    let subjects = once.judged.iter().filter(|(trial, _)| !trial.is_control());
    subjects
        .filter_map(|(trial, judged)| match judged.outcome {
            Outcome::Pass => Some((trial.id, true)),
            Outcome::Fail => Some((trial.id, false)),
            _ => None,
        })
        .collect()
}

/// The planned cell of that name.
pub(super) fn planned(plan: &Plan, id: &CellId) -> anyhow::Result<PlannedCell> {
    let found = plan.cells.iter().find(|cell| cell.id == *id);
    Ok(found.cloned().ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no cell {id} in this matrix: `atsmatrix list` shows all"))
    })?)
}

/// Experiments tell of themselves as wholes.
struct Silent;

impl Progress for Silent {
    fn began(&self, _: &str) {}

    fn judged(&self, _: &str, _: Outcome) {}

    fn note(&self, _: &str) {}
}
