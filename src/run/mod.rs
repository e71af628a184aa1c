//! A run: sweeps, builds images, creates the network and runs cells in parallel. This module orders, repeats and stops
//! the work. Lower layers judge results, higher layers display them.

pub mod cell;
mod outcome;
mod site;
mod stage;
mod workarounds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::builder::{ImageState, Policy};
use crate::catalogue::trials::Trial;
use crate::config::matrix::Matrix;
use crate::config::plan::{Plan, PlannedCell};
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::engine::patience::MAX_OUTAGES;
use crate::model::{CellId, CellResult, Event, ImageDigests, Outcome, Place, Verdict};
use crate::run::cell::{CellRun, OriginImage, Progress};
use crate::verdict::{self, Assessment, Terms};

pub use site::Site;
pub use stage::{Stage, Variant, required_origins};

/// What to run, and how to run it.
pub struct RunRequest {
    /// The matrix that the plan is made from.
    pub matrix: Matrix,
    /// The selected cells with their image steps.
    pub plan: Plan,
    /// The selected trials, in the catalogue's order.
    pub trials: Vec<&'static Trial>,
    /// Files of the images folder, by path.
    pub recipes: BTreeMap<String, Vec<u8>>,
    /// The policy for building images.
    pub policy: Policy,
    /// The folder for build logs.
    pub image_logs: PathBuf,
    /// Number of cells to run in parallel.
    pub jobs: usize,
    /// Start no further cell after the first unexpected result.
    pub fail_fast: bool,
    /// Keep containers for inspection.
    pub keep: bool,
    /// Also run a cell that matches a known issue with its workarounds.
    pub workarounds: bool,
    /// The terms for judging results, without `unanswered`; [`RunRequest::terms`] adds it.
    pub terms: Terms<'static>,
    /// Cells that had no answer in earlier results.
    pub unanswered: BTreeSet<CellId>,
}

impl RunRequest {
    /// The complete terms for judging results.
    pub fn terms(&self) -> Terms<'_> {
        Terms { unanswered: Some(&self.unanswered), ..self.terms }
    }
}

/// Stores raw evidence, which is not reported as events.
pub trait EvidenceSink: Send + Sync {
    /// Stores the raw evidence of a cell.
    ///
    /// # Errors
    /// The evidence cannot be stored. No further cell starts then.
    fn cell(&self, id: &CellId, run: &CellRun) -> anyhow::Result<()>;

    /// Stores the raw evidence of a cell under a workaround.
    ///
    /// # Errors
    /// As [`EvidenceSink::cell`].
    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()>;
}

/// The outcome of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// Results of the finished cells, in the plan's order.
    pub cells: Vec<CellResult>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Cells without an answer only because the test setup failed: nothing new is known about them.
    pub setup_failures: BTreeSet<CellId>,
    /// The failure that ended the run early, if any.
    pub fault: Option<String>,
}

/// Runs `request` on `engine`. When `stop` is cancelled, finished cells are kept, and containers and networks are removed.
///
/// # Errors
/// The engine fails as a whole. Failures of single cells are in their results.
pub async fn run(
    engine: Arc<dyn Engine>,
    owner: &Owner,
    request: &RunRequest,
    sink: &dyn EvidenceSink,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
) -> anyhow::Result<RunOutcome> {
    let mut site = Site::new(engine, owner, &request.matrix.defaults, events, stop).await?;
    site.report(Event::Started { cells: request.plan.cells.len(), engine: site.info.to_string() });
    if !site.prepare().await? {
        site.report(Event::Finished { interrupted: true });
        return Ok(RunOutcome { cells: Vec::new(), interrupted: true, setup_failures: BTreeSet::new(), fault: None });
    }
    let images = site.maker(&request.recipes, &request.policy, &request.image_logs, request.plan.bootstrapper());
    let made = Arc::clone(&images).make(request.plan.steps(), &site.deadline).await;
    let fault = images.fault().map_or_else(OnceLock::new, OnceLock::from);
    let run = Run { site: &site, request, sink, made, setup_failures: Mutex::default(), fault };
    let cells = run.cells().await;
    let Run { setup_failures, fault, .. } = run;
    site.clean_up(request.keep).await;
    let setup_failures = setup_failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(RunOutcome { cells: cells?, interrupted: site.stop.is_cancelled(), setup_failures, fault: fault.into_inner() })
}

/// A run in progress.
struct Run<'a> {
    site: &'a Site<'a>,
    request: &'a RunRequest,
    sink: &'a dyn EvidenceSink,
    made: BTreeMap<String, ImageState>,
    setup_failures: Mutex<BTreeSet<CellId>>,
    fault: OnceLock<String>,
}

/// Resources shared by the cells of this run.
struct Shared {
    stage: Stage,
    /// Origins with a container of their own that this run has.
    origins: BTreeMap<Place, OriginImage>,
}

impl Run<'_> {
    fn report(&self, event: Event) {
        self.site.report(event);
    }

    /// Stops the run after the present cells if evidence could not be stored.
    fn check_stored(&self, stored: anyhow::Result<()>, halt: &CancellationToken) {
        if let Err(error) = stored {
            // Only the first error is reported; later ones have the same cause.
            let _ = self.fault.set(format!("{error:#}"));
            halt.cancel();
        }
    }

    /// Runs all cells, `jobs` in parallel. After `stop` no further cell starts.
    async fn cells(&self) -> anyhow::Result<Vec<CellResult>> {
        let runnable =
            self.request.plan.cells.iter().any(|cell| matches!(self.image(cell), Some(ImageState::Ready { .. })));
        let broken = self.fault.get().is_some();
        let shared = if runnable && !broken { self.shared().await? } else { None };
        let permits = Semaphore::new(self.request.jobs.max(1));
        let halt = self.site.deadline.child_token();
        let this = self;
        let (shared, permits, halt) = (shared.as_ref(), &permits, &halt);
        let mut running: FuturesUnordered<_> = this
            .request
            .plan
            .cells
            .iter()
            .enumerate()
            .map(|(number, planned)| async move {
                let Ok(_permit) = permits.acquire().await else { return (number, None) };
                (number, this.cell(planned, shared, halt).await)
            })
            .collect();
        let mut results = BTreeMap::new();
        while let Some((number, result)) = running.next().await {
            let Some(result) = result else { continue };
            if self.request.fail_fast && verdict::assess(&result, &self.request.terms()) == Assessment::Unexpected {
                halt.cancel();
            }
            results.insert(number, result);
        }
        Ok(results.into_values().collect())
    }

    /// Sets up the shared resources, and retries if the engine was away; `None` if the run was stopped first.
    async fn shared(&self) -> anyhow::Result<Option<Shared>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.set_up().await {
                Ok(shared) => return Ok(shared),
                Err(error) => error,
            };
            if tries > MAX_OUTAGES || !self.site.recovers_from(&error).await {
                return Err(error);
            }
        }
    }

    /// Creates the network and the images of the origins.
    async fn set_up(&self) -> anyhow::Result<Option<Shared>> {
        let Some(stage) = Stage::new(self.site, &self.request.recipes, self.request.keep).await? else {
            return Ok(None);
        };
        let origins = async {
            let mut origins = BTreeMap::new();
            for (place, tag) in &self.request.plan.beside {
                origins.extend(stage.origin(self.site, &self.made, tag).await?.map(|it| (*place, it)));
            }
            anyhow::Ok(origins)
        };
        let origins = self.site.stop.run_until_cancelled(origins).await.transpose()?;
        Ok(origins.map(|origins| Shared { stage, origins }))
    }

    fn image(&self, planned: &PlannedCell) -> Option<&ImageState> {
        self.made.get(&planned.tag)
    }

    /// Runs one cell; `None` if it did not finish.
    async fn cell(
        &self,
        planned: &PlannedCell,
        shared: Option<&Shared>,
        halt: &CancellationToken,
    ) -> Option<CellResult> {
        let (stopped, late) = (&self.site.stop, &self.site.deadline);
        if stopped.is_cancelled() || (halt.is_cancelled() && !late.is_cancelled()) {
            return None;
        }
        let begun = Instant::now();
        let mut result = self.result(planned, shared, halt).await?;
        // An unfinished cell has no result.
        if stopped.is_cancelled() || (halt.is_cancelled() && !late.is_cancelled() && result.verdict == Verdict::Error) {
            return None;
        }
        if late.is_cancelled() && result.verdict == Verdict::Error && !result.trials.is_empty() {
            result.reason = Some(self.site.deadline_message());
        }
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report(Event::CellFinished { result: Box::new(result.clone()), ms });
        Some(result)
    }

    /// The result of a cell: from its containers, or from the reason why it has no image. `None` if the run failed before
    /// the cell could run.
    async fn result(
        &self,
        planned: &PlannedCell,
        shared: Option<&Shared>,
        halt: &CancellationToken,
    ) -> Option<CellResult> {
        let late = || format!("not reached: {}", self.site.deadline_message());
        Some(match (self.image(planned), shared) {
            (Some(ImageState::Unbuildable { reason }), _) => self.without(planned, Verdict::Unbuildable, reason),
            (Some(ImageState::UpgradeBroke { reason }), _) => self.without(planned, Verdict::Broken, reason),
            (Some(ImageState::Unavailable { reason }), _) => self.without(planned, Verdict::Unavailable, reason),
            (Some(ImageState::Broken { reason }), _) => {
                self.note_setup_failure(planned);
                self.without(planned, Verdict::Error, reason)
            }
            // The run ended early: of this cell nothing is known.
            (_, None) if self.fault.get().is_some() => return None,
            (Some(ImageState::Ready { .. }), _) if self.site.deadline.is_cancelled() => {
                self.without(planned, Verdict::Error, &late())
            }
            (Some(ImageState::Ready { id }), Some(shared)) => self.finished(planned, id, shared, halt).await,
            (Some(ImageState::Stopped), _) => self.without(planned, Verdict::Error, &late()),
            (Some(ImageState::Ready { .. }), None) | (None, _) => {
                self.without(planned, Verdict::Error, "its image is not part of the plan")
            }
        })
    }

    /// Runs a cell in containers, stores its evidence and tries workarounds.
    async fn finished(
        &self,
        planned: &PlannedCell,
        image: &str,
        shared: &Shared,
        halt: &CancellationToken,
    ) -> CellResult {
        self.report(Event::CellStarted { cell: planned.id.clone(), trials: self.request.trials.len() });
        let mut run = self.in_containers(planned, shared, halt, self.plain(planned, shared)).await;
        if run.setup_failed {
            self.note_setup_failure(planned);
        }
        self.check_stored(self.sink.cell(&planned.id, &run), halt);
        if self.request.workarounds {
            self.try_workarounds(planned, shared, halt, &mut run).await;
        }
        let images = ImageDigests { ats: image.to_owned(), recipe: planned.tag.clone(), id: None };
        outcome::of_run(&self.request.matrix, planned, run, images)
    }

    fn note_setup_failure(&self, planned: &PlannedCell) {
        self.setup_failures.lock().unwrap_or_else(PoisonError::into_inner).insert(planned.id.clone());
    }

    fn without(&self, planned: &PlannedCell, verdict: Verdict, reason: &str) -> CellResult {
        outcome::of_no_run(&self.request.matrix, planned, verdict, reason)
    }

    /// The cell without workarounds.
    fn plain(&self, planned: &PlannedCell, shared: &Shared) -> Variant {
        Variant {
            name: format!("{}-{}", planned.id.distro, planned.id.ats),
            trials: self.request.trials.clone(),
            origins: shared.origins.clone(),
            keep: self.request.keep,
            ..Variant::default()
        }
    }

    async fn in_containers(
        &self,
        planned: &PlannedCell,
        shared: &Shared,
        halt: &CancellationToken,
        variant: Variant,
    ) -> CellRun {
        let site = self.site;
        let progress: &dyn Progress = if variant.overrides.is_empty() {
            &EventProgress { cell: &planned.id, events: &site.events }
        } else {
            &cell::NoProgress
        };
        let note = |text: &str| progress.note(text);
        let with_agent = async {
            let first = shared.stage.with_agent(&planned.tag).await;
            // Retry once if the engine was away and came back.
            if first.is_ok() || !site.patience.wait_until_back(&site.engine, &note, halt).await {
                return first;
            }
            shared.stage.with_agent(&planned.tag).await
        };
        let image = match halt.run_until_cancelled(with_agent).await {
            Some(Ok(image)) => image,
            Some(Err(error)) => return outcome::broken(format!("{error:#}")),
            // After an interruption this result is discarded.
            None => return outcome::broken(format!("not reached: {}", site.deadline_message())),
        };
        cell::run(&site.engine, &shared.stage.job(site, planned, image, variant), progress, halt).await
    }
}

/// Reports the progress of a cell as events.
struct EventProgress<'a> {
    cell: &'a CellId,
    events: &'a UnboundedSender<Event>,
}

impl Progress for EventProgress<'_> {
    fn trial_started(&self, trial: &str) {
        let _ = self.events.send(Event::TrialBegan { cell: self.cell.clone(), trial: trial.to_owned() });
    }

    fn trial_finished(&self, trial: &str, outcome: Outcome) {
        let event = Event::TrialFinished { cell: self.cell.clone(), trial: trial.to_owned(), outcome };
        let _ = self.events.send(event);
    }

    fn note(&self, text: &str) {
        let _ = self.events.send(Event::Note(format!("{}: {text}", self.cell)));
    }
}

#[cfg(test)]
mod tests;
