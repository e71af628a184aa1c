//! The start and the end of all work with cells: check the engine, sweep what dead runs left, start the deadline; at the
//! end remove the run's own containers and networks.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{ImageBuilder, Policy};
use crate::config::matrix::Defaults;
use crate::config::plan::{Bootstrapper, Recipes};
use crate::engine::labels::Owner;
use crate::engine::patience::{self, Patience};
use crate::engine::sweep::Swept;
use crate::engine::{Class, Engine, EngineError, EngineInfo, sweep};
use crate::exit::{Exit, Failure};
use crate::model::Event;
use crate::run::cell::Neighbours;

/// The engine for the cells of a run, with the state that all cells share.
pub struct Site<'a> {
    /// The engine that runs the containers.
    pub engine: Arc<dyn Engine>,
    /// Name, version and CPUs of the engine.
    pub info: EngineInfo,
    /// The owner of the run, for labels.
    pub owner: &'a Owner,
    /// Limits for every cell.
    pub defaults: &'a Defaults,
    /// The channel for progress.
    pub events: UnboundedSender<Event>,
    /// Cancelled when the user interrupts the run.
    pub stop: CancellationToken,
    /// Cancelled together with `stop`, and when the run's deadline passes.
    pub deadline: CancellationToken,
    /// Waits while the engine is away.
    pub patience: Arc<Patience>,
    /// The addresses of all containers of the run, to name unexpected peers.
    pub neighbours: Arc<Neighbours>,
    /// The timer of the deadline; dropping it stops it.
    timer: Option<AbortOnDropHandle<()>>,
}

impl<'a> Site<'a> {
    /// Checks that the engine answers.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn new(
        engine: Arc<dyn Engine>,
        owner: &'a Owner,
        defaults: &'a Defaults,
        events: UnboundedSender<Event>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let info = engine.info().await.map_err(|error| Failure::new(Exit::NoEngine, error.to_string()))?;
        let deadline = stop.child_token();
        let (patience, neighbours) = Default::default();
        Ok(Self { engine, info, owner, defaults, events, stop, deadline, patience, neighbours, timer: None })
    }

    /// Sweeps what dead runs of this machine left, and starts the run's deadline. Returns false if the run was stopped first.
    ///
    /// # Errors
    /// The engine cannot list its containers and networks.
    pub async fn prepare(&mut self) -> anyhow::Result<bool> {
        let sweep = sweep::sweep(self.engine.as_ref(), &self.owner.host);
        let Some(swept) = self.stop.run_until_cancelled(sweep).await else { return Ok(false) };
        for event in sweep_events(&swept.context("cannot remove what dead runs left")?) {
            self.report(event);
        }
        let (deadline, limit) = (self.deadline.clone(), self.defaults.deadlines.run);
        self.timer = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            deadline.cancel();
        })));
        Ok(true)
    }

    /// The builder of images for this run.
    pub fn maker(
        &self,
        recipes: &Recipes,
        policy: &Policy,
        image_logs: &Path,
        bootstrapper: &Bootstrapper,
    ) -> Arc<ImageBuilder> {
        let maker = ImageBuilder::new(
            Arc::clone(&self.engine),
            Arc::clone(&self.patience),
            recipes.clone(),
            policy.clone(),
            image_logs.to_owned(),
            self.events.clone(),
        );
        Arc::new(maker.with_bootstrapper(self.owner, bootstrapper))
    }

    /// Reports an event.
    pub fn report(&self, event: Event) {
        // Fails only if the listener has ended.
        let _ = self.events.send(event);
    }

    /// Whether `error` happened because the engine went away, and the engine is back. Waits for it.
    pub async fn recovers_from(&self, error: &anyhow::Error) -> bool {
        let cut = |error: &EngineError| error.class == Class::Interrupted;
        let cut = error.chain().any(|cause| cause.downcast_ref::<EngineError>().is_some_and(cut));
        // An engine that answers, but not this request, is not away.
        let away = cut || !patience::answers(&self.engine).await;
        let note = |text: &str| self.report(Event::Note(text.to_owned()));
        away && self.patience.wait_until_back(&self.engine, &note, &self.stop).await
    }

    /// The reason for work that was not finished by the deadline.
    pub fn deadline_message(&self) -> String {
        format!("the run's deadline of {} s passed", self.defaults.deadlines.run.as_secs())
    }

    /// Removes the containers and networks of this run unless `keep` is set, and reports the end of the run. If the engine
    /// fails here, no result is lost, and the next run sweeps what is left.
    pub async fn clean_up(&self, keep: bool) {
        if keep {
            let run = &self.owner.run;
            self.report(Event::Note(format!(
                "containers kept for inspection; remove them with `atsmatrix clean --run {run}`"
            )));
        } else {
            let left = match sweep::remove_run(self.engine.as_ref(), &self.owner.run).await {
                Ok(swept) => swept.failed,
                Err(error) => vec![error],
            };
            for event in left.iter().map(not_removed) {
                self.report(event);
            }
        }
        self.report(Event::Finished { interrupted: self.stop.is_cancelled() });
    }
}

/// The events that report a sweep.
fn sweep_events(swept: &Swept) -> Vec<Event> {
    let mut events = Vec::new();
    if swept.containers + swept.networks > 0 {
        events.push(Event::Swept { containers: swept.containers, networks: swept.networks });
    }
    events.extend(swept.undecided().map(Event::Note));
    events.extend(swept.failed.iter().map(not_removed));
    events
}

fn not_removed(error: &EngineError) -> Event {
    Event::Note(format!("not removed, the next run tries again: {error}"))
}
