//! One step: reuse, retries, limits, and the kinds of work.

use std::sync::PoisonError;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::registry::pull_failure;
use super::{HeldTurn, ImageBuilder, ImageState, StepFailure, recipe};
use crate::config::plan::{BuildStep, Work};
use crate::engine::patience::{self, MAX_OUTAGES};
use crate::engine::{EngineError, ImageInfo};
use crate::model::{Event, ImageWork};

impl ImageBuilder {
    /// The existing image of a step, if it may be used.
    pub(super) async fn existing(&self, step: &BuildStep) -> Option<ImageState> {
        if self.policy.rebuild { None } else { self.inspect(step).await.ok().flatten() }
    }

    /// One step, with retries if an outage of the engine interrupts it.
    pub(super) async fn run_step(&self, step: &BuildStep, halt: &CancellationToken) -> ImageState {
        let note = |text: &str| self.send(Event::Note(text.to_owned()));
        let mut tries = 0;
        loop {
            tries += 1;
            let StepFailure { reason, outage, .. } = match self.try_step(step).await {
                Ok(made) => return made,
                Err(failure) => failure,
            };
            // An engine that shuts down kills its builds before it closes connections.
            if !outage && patience::answers(&self.engine).await {
                return ImageState::Unavailable { reason };
            }
            if tries > MAX_OUTAGES || !self.patience.wait_until_back(&self.engine, &note, halt).await {
                return ImageState::Broken { reason };
            }
        }
    }

    /// One step, unless its image exists already.
    async fn try_step(&self, step: &BuildStep) -> Result<ImageState, StepFailure> {
        let existing = self.inspect(step).await?;
        if let Some(state) = existing.clone().filter(|_| !self.policy.rebuild) {
            return Ok(state);
        }
        if self.policy.no_build {
            let reason = format!("`{}` does not exist yet and --no-build was given: run once without it", step.name);
            return Ok(ImageState::Unavailable { reason });
        }
        self.make_image(step, existing).await
    }

    /// Makes the image of a step, even if it exists.
    pub(super) async fn make_image(
        &self,
        step: &BuildStep,
        existing: Option<ImageState>,
    ) -> Result<ImageState, StepFailure> {
        let made = match &step.work {
            Work::Base { image, bootstrap } => self.base(step, image.as_deref(), bootstrap.as_ref()).await,
            Work::Ready { reference } => self.ready(step, reference, existing).await,
            Work::Recipe { .. } | Work::Local { .. } => self.recipe(step, existing).await,
        };
        let error = match &made {
            Ok(state) => state.reason(),
            Err(failure) => Some(failure.reason.as_str()),
        };
        let error = error.map(str::to_owned);
        self.begin(step);
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&step.name);
        let took = begun.map(|begun| begun.elapsed()).unwrap_or_default();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.send(Event::ImageFinished { name: step.name.clone(), error, ms });
        made
    }

    /// Waits until it is the turn of this step.
    pub(super) async fn turn(&self, step: &BuildStep) -> HeldTurn {
        let turn = self.turns.image(&step.tag, step.work.compiles()).await;
        self.begin(step);
        turn
    }

    /// Reports that the work on an image begins, unless it has begun.
    fn begin(&self, step: &BuildStep) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.contains_key(&step.name) {
            return;
        }
        begun.insert(step.name.clone(), Instant::now());
        drop(begun);
        self.send(Event::ImageStarted(ImageWork { name: step.name.clone(), tag: step.tag.clone() }));
    }

    /// The state of a step's image, by its tag; `None`: it does not exist.
    pub(super) async fn inspect(&self, step: &BuildStep) -> Result<Option<ImageState>, EngineError> {
        let reference = match &step.work {
            Work::Ready { reference } => reference,
            Work::Base { .. } | Work::Recipe { .. } | Work::Local { .. } => &step.tag,
        };
        Ok(self.engine.image(reference).await?.map(|image| match image.labels.get(recipe::UNBUILDABLE) {
            Some(reason) => ImageState::Unbuildable { reason: reason.clone() },
            None => ImageState::Ready { id: image.id },
        }))
    }

    /// A ready image of the user's own. An `existing` one is pulled again for a rebuild; if that fails, perhaps
    /// because no registry has it, the existing one is used.
    async fn ready(
        &self,
        step: &BuildStep,
        reference: &str,
        existing: Option<ImageState>,
    ) -> Result<ImageState, StepFailure> {
        match (self.pull(step, reference).await, existing) {
            (Ok(image), _) => Ok(ImageState::Ready { id: image.id }),
            (Err(StepFailure { reason, outage: false, .. }), Some(existing)) => {
                self.send(Event::Note(format!("{}: using the local image: {reason}", step.name)));
                Ok(existing)
            }
            (Err(failure), _) => Err(failure.with_load_hint()),
        }
    }

    /// Pulls `reference`, unless registries are ruled out.
    pub(super) async fn pull(&self, step: &BuildStep, reference: &str) -> Result<ImageInfo, StepFailure> {
        if self.policy.offline {
            return Err(pull_failure(reference, "--offline was given", false));
        }
        let contact = self.registries.contact(reference).await?;
        // Whether a registry answers is only waited for. That must not keep anybody from working.
        let turn = if contact.is_first() { None } else { Some(self.turn(step).await) };
        self.begin(step);
        let pulled = contact.pull(&self.engine, reference, &mut |line| self.report_line(&step.name, line)).await;
        drop(turn);
        pulled
    }
}
