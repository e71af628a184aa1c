//! A run: sweeps, builds images, creates the network and runs cells in parallel, each as soon as its images are there.
//! This module orders, repeats and stops the work. Lower layers judge results, higher layers display them.

pub mod cell;
mod outcome;
mod shared;
mod site;
mod stage;
mod workarounds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::builder::{CellTicket, HeldTurn, ImageState, Making, Policy};
use crate::catalogue::trials::Trial;
use crate::config::matrix::Matrix;
use crate::config::plan::{Plan, PlannedCell};
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::model::{CellId, CellResult, Event, ImageDigests, Outcome, Verdict};
use crate::run::cell::{CellRun, Progress};
use crate::verdict::{self, Assessment, Terms};

use shared::Shared;
pub use site::Site;
pub use stage::{Stage, Variant, required_origins, trials_of};

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
    let maker = site.maker(&request.recipes, &request.policy, &request.image_logs, request.plan.bootstrapper());
    let halt = site.deadline.child_token();
    let images = Making::new(maker, &request.plan.soonest_first(), &halt);
    let run = Run::new(&site, request, sink, images, halt);
    let cells = run.cells().await;
    let fault = run.fault();
    let Run { setup_failures, engine_failure, .. } = run;
    site.clean_up(request.keep).await;
    if let Some(error) = engine_failure.into_inner() {
        return Err(error);
    }
    let setup_failures = setup_failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(RunOutcome { cells, interrupted: site.stop.is_cancelled(), setup_failures, fault })
}

/// A run in progress.
struct Run<'a> {
    site: &'a Site<'a>,
    request: &'a RunRequest,
    sink: &'a dyn EvidenceSink,
    images: Making,
    /// Ends images and cells: the deadline, `--fail-fast`, or what makes going on pointless.
    halt: CancellationToken,
    /// What cells share, set up for the first one that runs; `None` inside: it could not be.
    shared: OnceCell<Option<Shared>>,
    setup_failures: Mutex<BTreeSet<CellId>>,
    /// Why nothing more can be stored.
    storage: OnceLock<String>,
    /// Why the engine runs no cells at all.
    engine_failure: OnceLock<anyhow::Error>,
}

impl<'a> Run<'a> {
    fn new(
        site: &'a Site<'a>,
        request: &'a RunRequest,
        sink: &'a dyn EvidenceSink,
        images: Making,
        halt: CancellationToken,
    ) -> Self {
        let (shared, setup_failures, storage, engine_failure) = Default::default();
        Self { site, request, sink, images, halt, shared, setup_failures, storage, engine_failure }
    }

    fn report(&self, event: Event) {
        self.site.report(event);
    }

    /// The failure with this program's own files, if there was one. Nothing starts after it.
    fn fault(&self) -> Option<String> {
        self.storage.get().cloned().or_else(|| self.images.fault())
    }

    /// Stops the run after the present cells if evidence could not be stored.
    fn check_stored(&self, stored: anyhow::Result<()>) {
        if let Err(error) = stored {
            // Only the first error is reported; later ones have the same cause.
            let _ = self.storage.set(format!("{error:#}"));
            self.halt.cancel();
        }
    }

    /// Makes the images and runs all cells, `jobs` in parallel, each as soon as its images are there. After `halt` no
    /// further cell starts.
    async fn cells(&self) -> Vec<CellResult> {
        let needs = self.request.plan.cells.iter().map(|cell| self.images_of(cell));
        let tickets = self.images.turns().expect_cells(self.request.jobs, needs);
        let mut running: FuturesUnordered<_> = self
            .request
            .plan
            .cells
            .iter()
            .zip(tickets)
            .enumerate()
            .map(|(number, (planned, ticket))| async move { (number, self.cell(planned, ticket).await) })
            .collect();
        let mut results = BTreeMap::new();
        let cells = async {
            while let Some((number, result)) = running.next().await {
                let Some(result) = result else { continue };
                if self.request.fail_fast && verdict::assess(&result, &self.request.terms()) == Assessment::Unexpected {
                    self.halt.cancel();
                }
                results.insert(number, result);
            }
        };
        tokio::join!(cells, self.images.finish());
        results.into_values().collect()
    }

    /// The images that a cell needs: its own, and those of the origins.
    fn images_of(&self, planned: &PlannedCell) -> Vec<String> {
        planned.tags().map(str::to_owned).chain(self.request.plan.beside.values().cloned()).collect()
    }

    /// Waits for the turn of a cell, once its images are there. It needs none after `halt`.
    async fn turn(&self, ticket: &CellTicket) -> Option<HeldTurn> {
        let turn = async {
            for tag in self.request.plan.beside.values() {
                self.images.state(tag).await;
            }
            ticket.turn().await
        };
        self.halt.run_until_cancelled(turn).await
    }

    /// What became of the image of a cell, or of the first of two that is not ready. What is wrong with that of a parent is no
    /// finding about the child.
    async fn image(&self, planned: &PlannedCell) -> Option<ImageState> {
        let own = self.images.state(&planned.tag).await;
        let Some(parent) = planned.parent.as_ref().filter(|_| matches!(own, Some(ImageState::Ready { .. }))) else {
            return own;
        };
        match self.images.state(&parent.tag).await {
            Some(ImageState::Ready { .. }) => own,
            other => other.map(|state| state.of(&format!("the parent {}", parent.id))),
        }
    }

    /// Runs one cell when it can; `None` if it did not finish.
    async fn cell(&self, planned: &PlannedCell, ticket: CellTicket) -> Option<CellResult> {
        let (stopped, late, halt) = (&self.site.stop, &self.site.deadline, &self.halt);
        let image = self.image(planned).await;
        let _turn = match image {
            Some(ImageState::Ready { .. }) => self.turn(&ticket).await,
            _ => None,
        };
        if stopped.is_cancelled() || (halt.is_cancelled() && !late.is_cancelled()) {
            return None;
        }
        let begun = Instant::now();
        let mut result = self.result(planned, image).await?;
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
    async fn result(&self, planned: &PlannedCell, image: Option<ImageState>) -> Option<CellResult> {
        let late = || format!("not reached: {}", self.site.deadline_message());
        Some(match image {
            Some(ImageState::Unbuildable { reason }) => self.without(planned, Verdict::Unbuildable, &reason),
            Some(ImageState::UpgradeBroke { reason }) => self.without(planned, Verdict::Broken, &reason),
            Some(ImageState::Unavailable { reason }) => self.without(planned, Verdict::Unavailable, &reason),
            Some(ImageState::Broken { reason }) => {
                self.note_setup_failure(planned);
                self.without(planned, Verdict::Error, &reason)
            }
            // The run ended early: of this cell nothing is known.
            _ if self.fault().is_some() => return None,
            Some(ImageState::Ready { .. }) if self.site.deadline.is_cancelled() => {
                self.without(planned, Verdict::Error, &late())
            }
            Some(ImageState::Ready { id }) => self.finished(planned, &id, self.shared().await?).await,
            Some(ImageState::Stopped) => self.without(planned, Verdict::Error, &late()),
            None => self.without(planned, Verdict::Error, "its image is not part of the plan"),
        })
    }

    /// Runs a cell in containers, stores its evidence and tries workarounds.
    async fn finished(&self, planned: &PlannedCell, image: &str, shared: &Shared) -> CellResult {
        self.report(Event::CellStarted {
            cell: planned.id.clone(),
            trials: trials_of(planned, &self.request.trials).len(),
        });
        let mut run = self.in_containers(planned, shared, self.plain(planned, shared)).await;
        if run.setup_failed {
            self.note_setup_failure(planned);
        }
        self.check_stored(self.sink.cell(&planned.id, &run));
        // Of two ATS, settings of a workaround would be the child's.
        if self.request.workarounds && planned.parent.is_none() {
            self.try_workarounds(planned, shared, &mut run).await;
        }
        let images = [Some(digests(image.to_owned(), &planned.tag)), self.parent_image(planned).await];
        outcome::of_run(&self.request.matrix, planned, run, images)
    }

    /// The image of the parent, in a cell with two ATS.
    async fn parent_image(&self, planned: &PlannedCell) -> Option<ImageDigests> {
        let tag = &planned.parent.as_ref()?.tag;
        match self.images.state(tag).await {
            Some(ImageState::Ready { id }) => Some(digests(id, tag)),
            _ => None,
        }
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
            trials: trials_of(planned, &self.request.trials),
            origins: shared.origins.clone(),
            keep: self.request.keep,
            ..Variant::default()
        }
    }

    async fn in_containers(&self, planned: &PlannedCell, shared: &Shared, variant: Variant) -> CellRun {
        let (site, halt) = (self.site, &self.halt);
        let progress: &dyn Progress = if variant.overrides.is_empty() {
            &EventProgress { cell: &planned.id, events: &site.events }
        } else {
            &cell::NoProgress
        };
        let note = |text: &str| progress.note(text);
        let with_agent = async {
            let first = shared.stage.images_of(planned).await;
            // Retry once if the engine was away and came back.
            if first.is_ok() || !site.patience.wait_until_back(&site.engine, &note, halt).await {
                return first;
            }
            shared.stage.images_of(planned).await
        };
        let (image, parent) = match halt.run_until_cancelled(with_agent).await {
            Some(Ok(images)) => images,
            Some(Err(error)) => return outcome::broken(format!("{error:#}")),
            // After an interruption this result is discarded.
            None => return outcome::broken(format!("not reached: {}", site.deadline_message())),
        };
        let variant = Variant { parent, ..variant };
        cell::run(&site.engine, &shared.stage.job(site, planned, image, variant), progress, halt).await
    }
}

fn digests(ats: String, tag: &str) -> ImageDigests {
    ImageDigests { ats, recipe: tag.to_owned(), id: None }
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
