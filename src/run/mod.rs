//! One run: sweep, images, network, cells in parallel, results as events. Knows how things are
//! ordered, repeated and stopped; what they mean is decided below it, how they look above it.

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
use crate::run::cell::{Beside, CellRun, Progress};
use crate::verdict::{self, Assessment, Terms};

pub use site::Site;
pub use stage::{Stage, Variant, asked};

/// What to run, and how.
pub struct Order {
    /// The matrix.
    pub matrix: Matrix,
    /// The selected cells.
    pub plan: Plan,
    /// The trials, in the catalogue's order.
    pub trials: Vec<&'static Trial>,
    /// Files of the images folder.
    pub recipes: BTreeMap<String, Vec<u8>>,
    /// How images are made.
    pub policy: Policy,
    /// Where build logs go.
    pub image_logs: PathBuf,
    /// Cells at the same time.
    pub jobs: usize,
    /// Stop at the first unexpected outcome.
    pub fail_fast: bool,
    /// Leave containers for inspection.
    pub keep: bool,
    /// Try the workarounds of the known issues that a cell matches, on that cell.
    pub workarounds: bool,
    /// What results are judged by.
    pub terms: Terms<'static>,
}

/// What a run tells beside events: raw evidence, which does not go through the console.
pub trait Record: Send + Sync {
    /// Keeps a cell's raw evidence.
    ///
    /// # Errors
    /// When it cannot be kept. No further cell begins then: theirs could not be kept either.
    fn cell(&self, id: &CellId, run: &CellRun) -> anyhow::Result<()>;

    /// Keeps the raw evidence of a workaround that was tried on a cell.
    ///
    /// # Errors
    /// As [`Record::cell`].
    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()>;
}

/// What a run came to.
#[derive(Debug)]
pub struct Done {
    /// Results of the cells that were finished, in the plan's order.
    pub cells: Vec<CellResult>,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Those without an answer for no other reason than that something of ours broke: nothing new is known of them.
    pub ours: BTreeSet<CellId>,
    /// What of ours broke, so that it ended early; in words, once.
    pub fault: Option<String>,
}

/// Runs `order` on `engine`. When `stop` is cancelled, what is finished is kept and what is ours is
/// removed.
///
/// # Errors
/// When the engine fails as a whole; trouble with single cells is in their results.
pub async fn run(
    engine: Arc<dyn Engine>,
    owner: &Owner,
    order: &Order,
    record: &dyn Record,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
) -> anyhow::Result<Done> {
    let mut site = Site::new(engine, owner, &order.matrix.defaults, events, stop).await?;
    site.tell(Event::Started { cells: order.plan.cells.len(), engine: site.info.to_string() });
    if !site.prepare().await? {
        site.tell(Event::Finished { interrupted: true });
        return Ok(Done { cells: Vec::new(), interrupted: true, ours: BTreeSet::new(), fault: None });
    }
    let images = site.maker(&order.recipes, &order.policy, &order.image_logs, order.plan.bootstrapper());
    let made = Arc::clone(&images).make(order.plan.steps(), &site.deadline).await;
    let fault = images.fault().map_or_else(OnceLock::new, OnceLock::from);
    let run = Run { site: &site, order, record, made, ours: Mutex::default(), fault };
    let cells = run.cells().await;
    let Run { ours, fault, .. } = run;
    site.leave(order.keep).await;
    let ours = ours.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Done { cells: cells?, interrupted: site.stop.is_cancelled(), ours, fault: fault.into_inner() })
}

/// A run under way.
struct Run<'a> {
    site: &'a Site<'a>,
    order: &'a Order,
    record: &'a dyn Record,
    made: BTreeMap<String, ImageState>,
    ours: Mutex<BTreeSet<CellId>>,
    fault: OnceLock<String>,
}

/// What the cells of this run share.
struct Shared {
    stage: Stage,
    /// The origins that are containers of their own, as far as the run has them.
    beside: BTreeMap<Place, Beside>,
}

impl Run<'_> {
    fn tell(&self, event: Event) {
        self.site.tell(event);
    }

    /// Says whether evidence was kept; if not, no further cell begins.
    fn kept(&self, kept: anyhow::Result<()>, halt: &CancellationToken) {
        if let Err(error) = kept {
            // The first one counts: what follows is the same.
            let _ = self.fault.set(format!("{error:#}"));
            halt.cancel();
        }
    }

    /// All cells, as many at a time as was asked for. After `stop` no further one begins.
    async fn cells(&self) -> anyhow::Result<Vec<CellResult>> {
        let runnable =
            self.order.plan.cells.iter().any(|cell| matches!(self.image(cell), Some(ImageState::Ready { .. })));
        let broken = self.fault.get().is_some();
        let shared = if runnable && !broken { self.shared().await? } else { None };
        let permits = Semaphore::new(self.order.jobs.max(1));
        let halt = self.site.deadline.child_token();
        let this = self;
        let (shared, permits, halt) = (shared.as_ref(), &permits, &halt);
        let mut running: FuturesUnordered<_> = this
            .order
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
            if self.order.fail_fast && verdict::assess(&result, &self.order.terms) == Assessment::Unexpected {
                halt.cancel();
            }
            results.insert(number, result);
        }
        Ok(results.into_values().collect())
    }

    /// What the cells share, also where the engine goes away for a while; `None` when the run was stopped first.
    async fn shared(&self) -> anyhow::Result<Option<Shared>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.set_up().await {
                Ok(shared) => return Ok(shared),
                Err(error) => error,
            };
            if tries > MAX_OUTAGES || !self.site.is_back_after(&error).await {
                return Err(error);
            }
        }
    }

    /// The network and the images of the origins.
    async fn set_up(&self) -> anyhow::Result<Option<Shared>> {
        let Some(stage) = Stage::new(self.site, &self.order.recipes, self.order.keep).await? else { return Ok(None) };
        let origins = async {
            let mut beside = BTreeMap::new();
            for (place, tag) in &self.order.plan.beside {
                beside.extend(stage.beside(self.site, &self.made, tag).await?.map(|it| (*place, it)));
            }
            anyhow::Ok(beside)
        };
        let beside = self.site.stop.run_until_cancelled(origins).await.transpose()?;
        Ok(beside.map(|beside| Shared { stage, beside }))
    }

    fn image(&self, planned: &PlannedCell) -> Option<&ImageState> {
        self.made.get(&planned.tag)
    }

    /// One cell; `None` when it was not finished.
    async fn cell(
        &self,
        planned: &PlannedCell,
        shared: Option<&Shared>,
        halt: &CancellationToken,
    ) -> Option<CellResult> {
        if self.site.stop.is_cancelled() || (halt.is_cancelled() && !self.site.deadline.is_cancelled()) {
            return None;
        }
        // Without images all that can be told is why there is none.
        if shared.is_none()
            && self.fault.get().is_some()
            && !matches!(
                self.image(planned),
                Some(ImageState::Unbuildable { .. } | ImageState::Unavailable { .. } | ImageState::Broken { .. })
            )
        {
            return None;
        }
        let begun = Instant::now();
        let overdue = self.site.overdue();
        let mut result = match (self.image(planned), shared) {
            (Some(ImageState::Ready { .. }), _) if self.site.deadline.is_cancelled() => {
                self.without(planned, Verdict::Error, &format!("not reached: {overdue}"))
            }
            (Some(ImageState::Ready { id }), Some(shared)) => {
                self.tell(Event::CellStarted { cell: planned.id.clone(), trials: self.order.trials.len() });
                let mut run = self.in_containers(planned, shared, halt, self.plain(planned, shared)).await;
                if run.ours {
                    self.ours.lock().unwrap_or_else(PoisonError::into_inner).insert(planned.id.clone());
                }
                self.kept(self.record.cell(&planned.id, &run), halt);
                if self.order.workarounds {
                    self.try_workarounds(planned, shared, halt, &mut run).await;
                }
                let images = ImageDigests { ats: id.clone(), recipe: planned.tag.clone(), id: None };
                outcome::of_run(&self.order.matrix, planned, run, images)
            }
            (Some(ImageState::Unbuildable { reason }), _) => self.without(planned, Verdict::Unbuildable, reason),
            (Some(ImageState::Unavailable { reason }), _) => self.without(planned, Verdict::Unavailable, reason),
            (Some(ImageState::Broken { reason }), _) => {
                self.ours.lock().unwrap_or_else(PoisonError::into_inner).insert(planned.id.clone());
                self.without(planned, Verdict::Error, reason)
            }
            (Some(ImageState::Stopped), _) => self.without(planned, Verdict::Error, &format!("not reached: {overdue}")),
            _ => self.without(planned, Verdict::Error, "its image is not part of the plan"),
        };
        // Half a cell is no result.
        if self.site.stop.is_cancelled()
            || (halt.is_cancelled() && !self.site.deadline.is_cancelled() && result.verdict == Verdict::Error)
        {
            return None;
        }
        if self.site.deadline.is_cancelled() && result.verdict == Verdict::Error && !result.trials.is_empty() {
            result.reason = Some(overdue);
        }
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.tell(Event::CellFinished { result: Box::new(result.clone()), ms });
        Some(result)
    }

    fn without(&self, planned: &PlannedCell, verdict: Verdict, reason: &str) -> CellResult {
        outcome::of_no_run(&self.order.matrix, planned, verdict, reason)
    }

    /// A cell as it is.
    fn plain(&self, planned: &PlannedCell, shared: &Shared) -> Variant {
        Variant {
            name: format!("{}-{}", planned.id.distro, planned.id.ats),
            trials: self.order.trials.clone(),
            beside: shared.beside.clone(),
            keep: self.order.keep,
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
        let progress: &dyn Progress = if variant.over.is_empty() {
            &Told { cell: &planned.id, events: &site.events }
        } else {
            &workarounds::Silent
        };
        let note = |text: &str| progress.note(text);
        let on = async {
            let first = shared.stage.on(&planned.tag).await;
            // An engine that was away and came back is asked again.
            if first.is_ok() || !site.patience.wait_until_back(&site.engine, &note, halt).await {
                return first;
            }
            shared.stage.on(&planned.tag).await
        };
        let image = match halt.run_until_cancelled(on).await {
            Some(Ok(image)) => image,
            Some(Err(error)) => return outcome::broken(format!("{error:#}")),
            // After any other stop nobody asks why.
            None => return outcome::broken(format!("not reached: {}", site.overdue())),
        };
        cell::run(&site.engine, &shared.stage.job(site, planned, image, variant), progress, halt).await
    }
}

/// A cell's progress as events.
struct Told<'a> {
    cell: &'a CellId,
    events: &'a UnboundedSender<Event>,
}

impl Progress for Told<'_> {
    fn began(&self, trial: &str) {
        let _ = self.events.send(Event::TrialBegan { cell: self.cell.clone(), trial: trial.to_owned() });
    }

    fn judged(&self, trial: &str, outcome: Outcome) {
        let event = Event::TrialFinished { cell: self.cell.clone(), trial: trial.to_owned(), outcome };
        let _ = self.events.send(event);
    }

    fn note(&self, text: &str) {
        let _ = self.events.send(Event::Note(format!("{}: {text}", self.cell)));
    }
}

#[cfg(test)]
mod tests;
