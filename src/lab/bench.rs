//! Where experiments are made: an engine with a network, the agents, and the images of the two ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Order, Record};
use crate::bisect::loader;
use crate::bisect::parts::Swapped;
use crate::cell::{self, Beside, Job, Limits, Once, Progress};
use crate::engine::labels::{Kind, Owner};
use crate::engine::{Engine, NetworkSpec, sweep};
use crate::exit::{Exit, Failure};
use crate::images::{AgentImages, Made, Maker};
use crate::model::{AtsLife, CellId, Effect, Event, Outcome};
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
    maker: Arc<Maker>,
    agent: AgentImages,
    origin_image: String,
    network: String,
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
        Ok(Self { engine, owner, order, record, events, stop, maker, agent, origin_image, network })
    }

    /// Removes everything but images.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        self.tell(Event::Finished { interrupted: self.stop.is_cancelled() });
        sweep::remove_run(self.engine.as_ref(), &self.owner.run).await.context("cannot remove what this run made")?;
        Ok(())
    }

    pub(super) fn tell(&self, event: Event) {
        // A listener that is gone has no use for events.
        let _ = self.events.send(event);
    }

    /// Makes the images of `plan`; what became of each, by tag.
    pub(super) async fn make(&self, plan: &Plan) -> BTreeMap<String, Made> {
        Arc::clone(&self.maker).make(plan.steps(), &self.stop).await
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

    /// Makes one experiment.
    ///
    /// # Errors
    /// When the search was interrupted, or the image cannot be given its agent. What goes wrong inside is part
    /// of what is returned.
    pub(super) async fn run(&self, setup: Setup<'_>) -> anyhow::Result<Once> {
        self.unless_stopped()?;
        let defaults = &self.order.matrix.defaults;
        let (swap, sysctls) = setup.swapped.map(|swapped| (swapped.swap, swapped.sysctls)).unzip();
        let job = Job {
            id: setup.planned.id.clone(),
            version: setup.planned.version.clone(),
            binary: setup.planned.binary.clone(),
            image: self.agent.on(setup.image).await?,
            origin_image: self.origin_image.clone(),
            nginx: Beside::None,
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
        };
        let once = cell::once(&self.engine, &job, setup.number, &Silent, &self.stop).await;
        self.unless_stopped()?;
        self.record.experiment(&setup.planned.id, setup.number, &once);
        Ok(once)
    }

    fn unless_stopped(&self) -> anyhow::Result<()> {
        if self.stop.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }
}

/// Why a search that was stopped has no answer.
pub(super) fn stopped() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "interrupted: a search that is not over has no answer").into()
}

/// What an experiment runs: the trial with every control beside it.
pub(super) fn beside_controls(chosen: &Trial) -> Vec<&'static Trial> {
    CATALOGUE.iter().copied().filter(|trial| trial.is_control() || chosen.id == trial.id).collect()
}

/// What the ends run until a trial is found that tells them apart: the chosen one; or else first those that
/// share one ATS, which take seconds, and only then all.
pub(super) fn stages(chosen: Option<&Trial>) -> Vec<Vec<&'static Trial>> {
    if let Some(chosen) = chosen {
        return vec![beside_controls(chosen)];
    }
    let shared = |trial: &&Trial| {
        let spec = (trial.spec)();
        trial.is_control() || (spec.records.is_empty() && !spec.alone)
    };
    vec![CATALOGUE.iter().copied().filter(shared).collect(), CATALOGUE.to_vec()]
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
    if as_in.is_some_and(|known| known == summary) {
        return of(Effect::Fail, summary);
    }
    if let Some(AtsLife::NeverReady(why)) = observation.map(|seen| &seen.ats) {
        let missing = loader::missing(why);
        if !missing.is_empty() {
            let summary = format!("does not load: {}", loader::sentence(&missing));
            return Said { effect: Effect::Inconclusive, missing, summary, evidence: Vec::new() };
        }
    }
    if let Some((control, _)) = once
        .judged
        .iter()
        .find(|(trial, judged)| trial.kind == TrialKind::PlainControl && judged.outcome == Outcome::Fail)
    {
        return inconclusive(format!("ATS fails the control {} too: {summary}", control.id));
    }
    match as_in {
        None => of(Effect::Fail, summary),
        Some(_) => inconclusive(format!("fails in another way: {summary}")),
    }
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
}
