//! Where experiments are made: an engine with a network, the agents, and the images of the two ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Order, Record};
use crate::bisect::answer::telling_trial;
use crate::bisect::parts::Swapped;
use crate::bisect::{failure, loader};
use crate::cell::{self, Job, Limits, Neighbours, Once, Patience, Progress};
use crate::engine::labels::{Kind, Owner};
use crate::engine::{Engine, NetworkSpec, sweep};
use crate::exit::{Exit, Failure};
use crate::images::{AgentImages, Made, Maker};
use crate::model::{AtsLife, Bisection, CellId, Effect, Event, Outcome, Tried};
use crate::plan::{Plan, PlannedCell};
use crate::trial::{CATALOGUE, Kind as TrialKind, Trial};

/// A place for experiments.
pub(super) struct Bench<'a> {
    pub(super) engine: Arc<dyn Engine>,
    owner: &'a Owner,
    pub(super) order: &'a Order,
    record: &'a dyn Record,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
    /// Cancelled by `stop`, and when the run's deadline passes.
    deadline: CancellationToken,
    /// Ends when this is dropped.
    _timer: AbortOnDropHandle<()>,
    begun: Instant,
    maker: Arc<Maker>,
    agent: AgentImages,
    origin_image: String,
    network: String,
    patience: Arc<Patience>,
    neighbours: Arc<Neighbours>,
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
    pub(super) missing: Vec<loader::Missing>,
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
        engine.info().await.map_err(|error| Failure::new(Exit::NoEngine, error.to_string()))?;
        sweep::sweep(engine.as_ref(), &owner.host).await.context("cannot sweep what dead runs left")?;
        let (deadline, begun) = (stop.child_token(), Instant::now());
        let timer = tokio::spawn({
            let (deadline, limit) = (deadline.clone(), order.matrix.defaults.deadlines.run);
            async move {
                tokio::time::sleep(limit).await;
                deadline.cancel();
            }
        });
        let timer = AbortOnDropHandle::new(timer);
        let agent = AgentImages::new(Arc::clone(&engine), &order.recipes)?;
        let origin_image = agent.on("scratch").await?;
        let spec = NetworkSpec {
            name: format!("atsmatrix-{}", owner.run),
            labels: owner.labels(Kind::Network),
            internal: true,
        };
        let network = engine.create_network(&spec).await?;
        let maker = Maker::new(
            Arc::clone(&engine),
            order.recipes.clone(),
            order.policy.clone(),
            order.image_logs.clone(),
            events.clone(),
        );
        let maker = Arc::new(maker);
        Ok(Self {
            engine,
            owner,
            order,
            record,
            events,
            stop,
            deadline,
            _timer: timer,
            begun,
            maker,
            agent,
            origin_image,
            network,
            patience: Arc::default(),
            neighbours: Arc::default(),
        })
    }

    /// Removes everything but images. An answer is not lost with an engine that is: what cannot be removed is
    /// told, and labels tell the next run what to sweep.
    pub(super) async fn end(&self, done: anyhow::Result<Bisection>) -> anyhow::Result<Bisection> {
        let left = match sweep::remove_run(self.engine.as_ref(), &self.owner.run).await {
            Ok(swept) => swept.failed,
            Err(error) => vec![error],
        };
        for trouble in left {
            self.tell(Event::Note(format!("left for the next run to sweep: {trouble}")));
        }
        if let Ok(answer) = &done {
            let (count, seconds) = (answer.experiments.len(), self.begun.elapsed().as_secs_f64());
            self.tell(Event::Note(format!("{count} experiments, {seconds:.1} s with all that they needed")));
        }
        self.tell(Event::Finished { interrupted: self.stop.is_cancelled() });
        done
    }

    pub(super) fn tell(&self, event: Event) {
        // A listener that is gone has no use for events.
        let _ = self.events.send(event);
    }

    /// Makes the images of `plan`; what became of each, by tag.
    ///
    /// # Errors
    /// When the search was interrupted: that an image is missing then says nothing.
    pub(super) async fn make(&self, plan: &Plan) -> anyhow::Result<BTreeMap<String, Made>> {
        let made = Arc::clone(&self.maker).make(plan.steps(), &self.deadline).await;
        self.unless_stopped()?;
        Ok(made)
    }

    /// The image of a cell that has to be there, by its content digest.
    pub(super) fn needed(made: &BTreeMap<String, Made>, planned: &PlannedCell) -> anyhow::Result<String> {
        match made.get(&planned.tag) {
            Some(Made::Ready { id }) => Ok(id.clone()),
            Some(Made::Unbuildable { reason } | Made::Unavailable { reason }) => {
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
        let once = cell::once(&self.engine, job, number, &Silent, &self.deadline).await;
        self.unless_stopped()?;
        Ok(once)
    }

    async fn job(&self, setup: Setup<'_>) -> anyhow::Result<Job> {
        let defaults = &self.order.matrix.defaults;
        let (swap, sysctls) = setup.swapped.map(|swapped| (swapped.swap, swapped.sysctls)).unzip();
        Ok(Job {
            id: setup.planned.id.clone(),
            version: setup.planned.version.clone(),
            os: setup.planned.os.clone(),
            declared: setup.planned.declared.clone(),
            binary: setup.planned.binary.clone(),
            image: self.agent.on(setup.image).await?,
            origin_image: self.origin_image.clone(),
            beside: std::collections::BTreeMap::new(),
            network: self.network.clone(),
            name: format!("atsmatrix-{}-x{}", self.owner.run, setup.number),
            labels: self.owner.labels(Kind::Cell),
            trials: setup.trials,
            limits: Limits {
                cell: defaults.deadlines.cell,
                trial: defaults.deadlines.trial,
                memory: defaults.memory,
                pids: defaults.pids,
            },
            over: Vec::new(),
            keep: false,
            swap,
            sysctls: sysctls.unwrap_or_default(),
            patience: Arc::clone(&self.patience),
            neighbours: Arc::clone(&self.neighbours),
        })
    }

    fn unless_stopped(&self) -> anyhow::Result<()> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        if self.deadline.is_cancelled() {
            let limit = self.order.matrix.defaults.deadlines.run.as_secs();
            let message = format!(
                "the run's deadline of {limit} s passed, and a search that is not over has no answer: raise \
                 `deadlines.run` of matrix.yaml"
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
