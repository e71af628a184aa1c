//! One run: sweep, images, network, cells in parallel, results as events. Knows how things are
//! ordered, repeated and stopped; what they mean is decided below it, how they look above it.

mod outcome;
mod workarounds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::cell::{self, Beside, CellRun, Job, Limits, Neighbours, Patience, Progress};
use crate::engine::labels::{self, Kind, Owner};
use crate::engine::sweep::Swept;
use crate::engine::{Engine, EngineError, NetworkSpec, sweep};
use crate::exit::{Exit, Failure};
use crate::images::{AgentImages, Made, Maker, Policy};
use crate::matrix::Matrix;
use crate::model::{CellId, CellResult, Event, ImageDigests, Outcome, Place, Record as Setting, Verdict};
use crate::plan::{Plan, PlannedCell};
use crate::trial::Trial;
use crate::verdict::{self, Standing, Terms};

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
    /// Leave containers for a look.
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
    let tell = |event| {
        // A listener that is gone has no use for events.
        let _ = events.send(event);
    };
    let info = engine.info().await.map_err(|error| Failure::new(Exit::NoEngine, error.to_string()))?;
    tell(Event::Started { cells: order.plan.cells.len(), engine: info.to_string() });
    let Some(swept) = stop.run_until_cancelled(sweep::sweep(engine.as_ref(), &owner.host)).await else {
        tell(Event::Finished { interrupted: true });
        return Ok(Done { cells: Vec::new(), interrupted: true, ours: BTreeSet::new(), fault: None });
    };
    told_of(&swept.context("cannot sweep what dead runs left")?).into_iter().for_each(tell);
    let deadline = stop.child_token();
    let timer = tokio::spawn({
        let (deadline, limit) = (deadline.clone(), order.matrix.defaults.deadlines.run);
        async move {
            tokio::time::sleep(limit).await;
            deadline.cancel();
        }
    });
    let images = Arc::new(Maker::new(
        Arc::clone(&engine),
        order.recipes.clone(),
        order.policy.clone(),
        order.image_logs.clone(),
        events.clone(),
    ));
    let made = Arc::clone(&images).make(order.plan.steps(), &deadline).await;
    let fault = images.fault().map_or_else(OnceLock::new, OnceLock::from);
    let run = Run {
        engine: &engine,
        owner,
        order,
        record,
        events: &events,
        stop: &stop,
        deadline,
        made,
        patience: Arc::default(),
        neighbours: Arc::default(),
        ours: Mutex::default(),
        fault,
    };
    let cells = run.cells().await;
    let fault = run.fault.into_inner();
    timer.abort();
    if order.keep {
        tell(Event::Note(format!("kept for a look; `atsmatrix clean --run {}` removes it", owner.run)));
    } else {
        // What is finished is not lost with an engine that is: labels tell the next run what to sweep.
        for trouble in remove_all(engine.as_ref(), owner).await {
            tell(Event::Note(format!("left for the next run to sweep: {trouble}")));
        }
    }
    let interrupted = stop.is_cancelled();
    tell(Event::Finished { interrupted });
    let ours = run.ours.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Done { cells: cells?, interrupted, ours, fault })
}

/// What is told of a sweep.
fn told_of(swept: &Swept) -> Vec<Event> {
    let mut events = Vec::new();
    if swept.containers + swept.networks > 0 {
        events.push(Event::Swept { containers: swept.containers, networks: swept.networks });
    }
    if let Some(text) = swept.undecided() {
        events.push(Event::Note(text));
    }
    let left = |trouble: &EngineError| Event::Note(format!("left for the next run to sweep: {trouble}"));
    events.extend(swept.failed.iter().map(left));
    events
}

/// Removes what the run made, and says what could not be removed.
async fn remove_all(engine: &dyn Engine, owner: &Owner) -> Vec<EngineError> {
    match sweep::remove_run(engine, &owner.run).await {
        Ok(swept) => swept.failed,
        Err(error) => vec![error],
    }
}

/// A run under way.
struct Run<'a> {
    engine: &'a Arc<dyn Engine>,
    owner: &'a Owner,
    order: &'a Order,
    record: &'a dyn Record,
    events: &'a UnboundedSender<Event>,
    stop: &'a CancellationToken,
    deadline: CancellationToken,
    made: BTreeMap<String, Made>,
    patience: Arc<Patience>,
    neighbours: Arc<Neighbours>,
    ours: Mutex<BTreeSet<CellId>>,
    fault: OnceLock<String>,
}

impl Run<'_> {
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
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
        let runnable = self.order.plan.cells.iter().any(|cell| matches!(self.image(cell), Some(Made::Ready { .. })));
        let broken = self.fault.get().is_some();
        let stage = if runnable && !broken { self.stage().await? } else { None };
        let permits = Semaphore::new(self.order.jobs.max(1));
        let halt = self.deadline.child_token();
        let this = self;
        let (stage, permits, halt) = (stage.as_ref(), &permits, &halt);
        let mut running: FuturesUnordered<_> = this
            .order
            .plan
            .cells
            .iter()
            .enumerate()
            .map(|(number, planned)| async move {
                let Ok(_permit) = permits.acquire().await else { return (number, None) };
                (number, this.cell(planned, stage, halt).await)
            })
            .collect();
        let mut results = BTreeMap::new();
        while let Some((number, result)) = running.next().await {
            let Some(result) = result else { continue };
            if self.order.fail_fast && verdict::standing(&result, &self.order.terms) == Standing::Unexpected {
                halt.cancel();
            }
            results.insert(number, result);
        }
        Ok(results.into_values().collect())
    }

    /// What all cells share: the network and the origins' images; `None` when the run was stopped first.
    async fn stage(&self) -> anyhow::Result<Option<Stage>> {
        let agent = AgentImages::new(Arc::clone(self.engine), &self.order.recipes)?;
        let origins = async { anyhow::Ok((agent.on("scratch").await?, self.beside(&agent).await?)) };
        let Some((origin_image, beside)) = self.stop.run_until_cancelled(origins).await.transpose()? else {
            return Ok(None);
        };
        let mut marks = self.owner.labels(Kind::Network);
        if self.order.keep {
            marks.insert(labels::KEEP.to_owned(), "true".to_owned());
        }
        let spec = NetworkSpec { name: format!("atsmatrix-{}", self.owner.run), labels: marks, internal: true };
        let network = self.engine.create_network(&spec).await?;
        Ok(Some(Stage { agent, origin_image, beside, network }))
    }

    /// The origins that are containers of their own, as far as the run has them.
    async fn beside(&self, agent: &AgentImages) -> anyhow::Result<BTreeMap<Place, Beside>> {
        let mut beside = BTreeMap::new();
        for (place, tag) in &self.order.plan.beside {
            let Some(made) = self.made.get(tag) else { continue };
            let it = match made {
                Made::Ready { .. } => Beside::Image(agent.on(tag).await?),
                Made::Unbuildable { reason } | Made::Unavailable { reason } => Beside::Missing(reason.clone()),
                Made::Stopped => Beside::Missing(self.overdue()),
            };
            beside.insert(*place, it);
        }
        Ok(beside)
    }

    fn image(&self, planned: &PlannedCell) -> Option<&Made> {
        self.made.get(&planned.tag)
    }

    /// One cell; `None` when it was not finished.
    async fn cell(&self, planned: &PlannedCell, stage: Option<&Stage>, halt: &CancellationToken) -> Option<CellResult> {
        if self.stop.is_cancelled() || (halt.is_cancelled() && !self.deadline.is_cancelled()) {
            return None;
        }
        // Without images all that can be told is why there is none.
        if stage.is_none()
            && self.fault.get().is_some()
            && !matches!(self.image(planned), Some(Made::Unbuildable { .. } | Made::Unavailable { .. }))
        {
            return None;
        }
        let begun = Instant::now();
        let overdue = self.overdue();
        let mut result = match (self.image(planned), stage) {
            (Some(Made::Ready { .. }), _) if self.deadline.is_cancelled() => {
                self.without(planned, Verdict::Error, &format!("not reached: {overdue}"))
            }
            (Some(Made::Ready { id }), Some(stage)) => {
                self.tell(Event::CellStarted { cell: planned.id.clone(), trials: self.order.trials.len() });
                let mut run = self.in_containers(planned, stage, halt, &Variant::plain(&self.order.trials)).await;
                if run.ours {
                    self.ours.lock().unwrap_or_else(PoisonError::into_inner).insert(planned.id.clone());
                }
                self.kept(self.record.cell(&planned.id, &run), halt);
                if self.order.workarounds {
                    self.try_workarounds(planned, stage, halt, &mut run).await;
                }
                let images = ImageDigests { ats: id.clone(), recipe: planned.tag.clone(), id: None };
                outcome::of_run(&self.order.matrix, planned, run, images)
            }
            (Some(Made::Unbuildable { reason }), _) => self.without(planned, Verdict::Unbuildable, reason),
            (Some(Made::Unavailable { reason }), _) => self.without(planned, Verdict::Unavailable, reason),
            (Some(Made::Stopped), _) => self.without(planned, Verdict::Error, &format!("not reached: {overdue}")),
            _ => self.without(planned, Verdict::Error, "its image is not part of the plan"),
        };
        // Half a cell is no result.
        if self.stop.is_cancelled()
            || (halt.is_cancelled() && !self.deadline.is_cancelled() && result.verdict == Verdict::Error)
        {
            return None;
        }
        if self.deadline.is_cancelled() && result.verdict == Verdict::Error && !result.trials.is_empty() {
            result.reason = Some(overdue);
        }
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.tell(Event::CellFinished { result: Box::new(result.clone()), ms });
        Some(result)
    }

    fn overdue(&self) -> String {
        format!("the run's deadline of {} s passed", self.order.matrix.defaults.deadlines.run.as_secs())
    }

    fn without(&self, planned: &PlannedCell, verdict: Verdict, reason: &str) -> CellResult {
        outcome::of_no_run(&self.order.matrix, planned, verdict, reason)
    }

    async fn in_containers(
        &self,
        planned: &PlannedCell,
        stage: &Stage,
        halt: &CancellationToken,
        variant: &Variant<'_>,
    ) -> CellRun {
        let progress: &dyn Progress = if variant.over.is_empty() {
            &Told { cell: &planned.id, events: self.events }
        } else {
            &workarounds::Silent
        };
        let on = async {
            let first = stage.agent.on(&planned.tag).await;
            // An engine that was away and came back is asked again.
            if first.is_ok() || !self.patience.until_back(self.engine, progress, halt).await {
                return first;
            }
            stage.agent.on(&planned.tag).await
        };
        let image = match halt.run_until_cancelled(on).await {
            Some(Ok(image)) => image,
            Some(Err(error)) => return outcome::broken(format!("{error:#}")),
            // After any other stop nobody asks why.
            None => return outcome::broken(format!("not reached: {}", self.overdue())),
        };
        let defaults = &self.order.matrix.defaults;
        let job = Job {
            id: planned.id.clone(),
            version: planned.version.clone(),
            os: planned.os.clone(),
            declared: planned.declared.clone(),
            binary: planned.binary.clone(),
            image,
            origin_image: stage.origin_image.clone(),
            beside: stage.beside.clone(),
            network: stage.network.clone(),
            name: format!("atsmatrix-{}-{}-{}{}", self.owner.run, planned.id.distro, planned.id.ats, variant.suffix)
                .replace(['+', '~'], "_"),
            labels: self.owner.labels(Kind::Cell),
            trials: variant.trials.to_vec(),
            limits: Limits {
                cell: defaults.deadlines.cell,
                trial: defaults.deadlines.trial,
                memory: defaults.memory,
                pids: defaults.pids,
            },
            over: variant.over.clone(),
            // What is kept is the cell itself.
            keep: self.order.keep && variant.over.is_empty(),
            swap: None,
            sysctls: BTreeMap::new(),
            patience: Arc::clone(&self.patience),
            neighbours: Arc::clone(&self.neighbours),
        };
        cell::run(self.engine, &job, progress, halt).await
    }
}

/// How a cell is run.
struct Variant<'a> {
    /// Which trials.
    trials: &'a [&'static Trial],
    /// Settings laid over theirs.
    over: Vec<Setting>,
    /// Tells the names of its containers from those of other variants.
    suffix: String,
}

impl<'a> Variant<'a> {
    /// The cell as it is.
    fn plain(trials: &'a [&'static Trial]) -> Self {
        Self { trials, over: Vec::new(), suffix: String::new() }
    }
}

/// What all cells share.
struct Stage {
    agent: AgentImages,
    origin_image: String,
    beside: BTreeMap<Place, Beside>,
    network: String,
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
