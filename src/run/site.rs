//! What everything that runs cells begins and ends with: an engine that answers, nothing left of dead
//! runs, a deadline; and at the end nothing left of its own.

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

/// An engine on which cells are about to run, or do.
pub struct Site<'a> {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// What it said of itself.
    pub info: EngineInfo,
    /// Whose labels everything bears.
    pub owner: &'a Owner,
    /// Limits that hold for every cell.
    pub defaults: &'a Defaults,
    /// Where progress goes.
    pub events: UnboundedSender<Event>,
    /// Cancelled when the user stops the work.
    pub stop: CancellationToken,
    /// Cancelled by `stop`, and when the run's deadline passes.
    pub deadline: CancellationToken,
    /// Waits for an engine that is away.
    pub patience: Arc<Patience>,
    /// Names who connects where it does not belong.
    pub neighbours: Arc<Neighbours>,
    /// Ends when this is dropped.
    timer: Option<AbortOnDropHandle<()>>,
}

impl<'a> Site<'a> {
    /// # Errors
    /// When the engine does not answer.
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

    /// Sweeps what dead runs of this machine left, and starts the run's deadline. False when it was stopped first.
    ///
    /// # Errors
    /// When the engine cannot say what there is.
    pub async fn prepare(&mut self) -> anyhow::Result<bool> {
        let sweep = sweep::sweep(self.engine.as_ref(), &self.owner.host);
        let Some(swept) = self.stop.run_until_cancelled(sweep).await else { return Ok(false) };
        for event in outcome(&swept.context("cannot sweep what dead runs left")?) {
            self.tell(event);
        }
        let (deadline, limit) = (self.deadline.clone(), self.defaults.deadlines.run);
        self.timer = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            deadline.cancel();
        })));
        Ok(true)
    }

    /// What makes the images of this run.
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

    /// Reports progress.
    pub fn tell(&self, event: Event) {
        // A listener that is gone has no use for events.
        let _ = self.events.send(event);
    }

    /// Whether `error` came of an engine that went away, and is back.
    pub async fn is_back_after(&self, error: &anyhow::Error) -> bool {
        let cut = |error: &EngineError| error.class == Class::Interrupted;
        let cut = error.chain().any(|cause| cause.downcast_ref::<EngineError>().is_some_and(cut));
        // One that is there and keeps something waiting is not away.
        let away = cut || !patience::answers(&self.engine).await;
        let note = |text: &str| self.tell(Event::Note(text.to_owned()));
        away && self.patience.wait_until_back(&self.engine, &note, &self.stop).await
    }

    /// Why work that was not reached or finished was not.
    pub fn overdue(&self) -> String {
        format!("the run's deadline of {} s passed", self.defaults.deadlines.run.as_secs())
    }

    /// Removes everything of this run but its images, unless it is to be kept, and says that the run is over. What
    /// is finished is not lost with an engine that is: labels tell the next run what to sweep.
    pub async fn leave(&self, keep: bool) {
        if keep {
            let run = &self.owner.run;
            self.tell(Event::Note(format!("kept for inspection; `atsmatrix clean --run {run}` removes it")));
        } else {
            let left = match sweep::remove_run(self.engine.as_ref(), &self.owner.run).await {
                Ok(swept) => swept.failed,
                Err(error) => vec![error],
            };
            for event in left.iter().map(later) {
                self.tell(event);
            }
        }
        self.tell(Event::Finished { interrupted: self.stop.is_cancelled() });
    }
}

/// What to report of a sweep.
fn outcome(swept: &Swept) -> Vec<Event> {
    let mut events = Vec::new();
    if swept.containers + swept.networks > 0 {
        events.push(Event::Swept { containers: swept.containers, networks: swept.networks });
    }
    events.extend(swept.undecided().map(Event::Note));
    events.extend(swept.failed.iter().map(later));
    events
}

fn later(trouble: &EngineError) -> Event {
    Event::Note(format!("left for the next run to sweep: {trouble}"))
}
