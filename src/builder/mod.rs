//! Images: bases by pull or bootstrap, recipes through the engine's build API, the agent as the last
//! layer. Knows the engine and the plan's steps; what a trial is it must not know.
//!
//! A step's tag is a digest of everything that goes in, so an image that is there is done. Identical
//! work is one step of the plan and is done once. A step that fails spoils its own cells only.

mod agent;
mod base;
mod bootstrap;
mod context;
mod layer;
mod log;
mod proxies;
mod registry;
mod removal;

pub use agent::AgentImages;
pub use context::recipes;
pub use layer::{Layer, layer};
pub use proxies::Proxies;
pub use removal::{remove_all, remove_ours};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt as _, Shared, join_all};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::plan::{Bootstrapper, Step, Work};
use crate::engine::labels::Owner;
use crate::engine::patience::{self, MAX_OUTAGES, Patience};
use crate::engine::{BuildSpec, Class, Engine, EngineError, ImageInfo, labels};
use crate::model::{Event, ImageWork};
use log::BuildLog;
use registry::Registries;

/// The repository of all our tags.
const REPOSITORY: &str = "atsmatrix";

/// Label of an image that stands for a failed compilation: the compiler's first errors.
const UNBUILDABLE: &str = "atsmatrix.unbuildable";

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    /// The image is there.
    Ready {
        /// Its content digest, `sha256:...`.
        id: String,
    },
    /// ATS does not compile here: a finding.
    Unbuildable {
        /// The compiler's first errors, one line.
        reason: String,
    },
    /// A part could not be had: says nothing about ATS.
    Unavailable {
        /// Why, one line.
        reason: String,
    },
    /// The engine went away while it was made, and did not come back: says nothing, not even that it cannot be had.
    Broken {
        /// What broke, one line.
        reason: String,
    },
    /// It was not done when the work was stopped.
    Stopped,
}

/// Why a step came to nothing this time.
struct StepFailure {
    /// One line.
    reason: String,
    /// Whether it is the engine that went away.
    away: bool,
}

impl From<EngineError> for StepFailure {
    fn from(error: EngineError) -> Self {
        let reason = one_line(&error);
        Self { reason, away: patience::is_outage(&error.into()) }
    }
}

/// How images are made in this run.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Use what is there, make nothing.
    pub no_build: bool,
    /// Do not try registries.
    pub offline: bool,
    /// Make anew what is there.
    pub rebuild: bool,
    /// Steps made at the same time.
    pub jobs: usize,
    /// Sources compiled at the same time: each takes all CPUs and as many times a compiler's memory.
    pub compilers: usize,
    /// How containers that make images reach the world.
    pub proxies: Proxies,
}

impl Policy {
    /// How many sources an engine with `cpus` CPUs should compile at the same time, if `jobs` steps may be
    /// made at all: one for two CPUs.
    pub fn compilers(jobs: usize, cpus: usize) -> usize {
        (cpus / 2).clamp(1, jobs.max(1))
    }
}

/// Makes images.
pub struct ImageBuilder {
    engine: Arc<dyn Engine>,
    patience: Arc<Patience>,
    recipes: BTreeMap<String, Vec<u8>>,
    policy: Policy,
    log_folder: PathBuf,
    events: UnboundedSender<Event>,
    permits: Semaphore,
    compilers: Semaphore,
    registries: Registries,
    /// Bootstraps that run or still clean up.
    bootstraps: TaskTracker,
    /// Bases that were bootstrapped, by what they were made of: equal ones are made once, whatever the rows
    /// call them.
    bootstrapped: Mutex<BTreeMap<String, Arc<OnceCell<ImageInfo>>>>,
    /// Who owns the containers of bootstraps, and what they are made of; none: the host bootstraps.
    workshop: Option<(Owner, Bootstrapper)>,
    /// The id of the image with the tools, once it was needed.
    tools: OnceCell<String>,
    failure: LocalFailure,
}

type Pending = Shared<BoxFuture<'static, ImageState>>;

/// StepFailure with our own files, which would come back at every image.
#[derive(Default)]
struct LocalFailure {
    text: OnceLock<String>,
    stop: CancellationToken,
}

impl ImageBuilder {
    /// Makes images on `engine` from the files of the images folder, logging builds to `log_folder`; `patience` is
    /// that of the whole run.
    pub fn new(
        engine: Arc<dyn Engine>,
        patience: Arc<Patience>,
        recipes: BTreeMap<String, Vec<u8>>,
        policy: Policy,
        log_folder: PathBuf,
        events: UnboundedSender<Event>,
    ) -> Self {
        let permits = Semaphore::new(policy.jobs.max(1));
        let compilers = Semaphore::new(policy.compilers.max(1));
        Self {
            engine,
            patience,
            recipes,
            policy,
            log_folder,
            events,
            permits,
            compilers,
            registries: Registries::default(),
            bootstraps: TaskTracker::new(),
            bootstrapped: Mutex::default(),
            workshop: None,
            tools: OnceCell::new(),
            failure: LocalFailure::default(),
        }
    }

    /// Lets bases be bootstrapped in containers of `owner`.
    #[must_use]
    pub fn with_bootstrapper(self, owner: &Owner, bootstrapper: &Bootstrapper) -> Self {
        Self { workshop: Some((owner.clone(), bootstrapper.clone())), ..self }
    }

    /// What of ours broke while images were made; nothing was begun after it.
    pub fn fault(&self) -> Option<String> {
        self.failure.text.get().cloned()
    }

    /// Says that something of ours broke: whatever is not made yet is not made any more.
    fn broke(&self, error: &anyhow::Error) -> ImageState {
        // The first one counts: what follows is the same, once for each image.
        let _ = self.failure.text.set(format!("{error:#}"));
        self.failure.stop.cancel();
        ImageState::Stopped
    }

    /// Makes `steps` (each after its parents) and tells what became of each, by tag. What is not done
    /// when `stop` is cancelled is [`ImageState::Stopped`].
    pub async fn make(self: Arc<Self>, steps: &[Step], stop: &CancellationToken) -> BTreeMap<String, ImageState> {
        let mut pending: BTreeMap<String, Pending> = BTreeMap::new();
        for step in steps {
            let parents: Vec<Pending> = step.parents.iter().filter_map(|tag| pending.get(tag).cloned()).collect();
            let (maker, work, stop) = (Arc::clone(&self), step.clone(), stop.clone());
            let future = async move {
                let made = async {
                    // What is there needs no parents, which may be gone or out of reach.
                    if let Some(made) = maker.at_hand(&work).await {
                        return made;
                    }
                    for made in join_all(parents).await {
                        if !matches!(made, ImageState::Ready { .. }) {
                            return made;
                        }
                    }
                    maker.step(&work, &stop).await
                };
                tokio::select! {
                    made = made => made,
                    () = stop.cancelled() => ImageState::Stopped,
                    () = maker.failure.stop.cancelled() => maker.kept(&work).await,
                }
            };
            pending.insert(step.tag.clone(), future.boxed().shared());
        }
        let tags: Vec<String> = pending.keys().cloned().collect();
        let made = join_all(pending.into_values()).await;
        // Those that were stopped remove what they made; nobody waits for ever for that.
        self.bootstraps.close();
        let _ = tokio::time::timeout(bootstrap::host::GRACE * 2, self.bootstraps.wait()).await;
        tags.into_iter().zip(made).collect()
    }

    /// A step after our own trouble: what is there is there, and nothing is begun.
    async fn kept(&self, step: &Step) -> ImageState {
        self.at_hand(step).await.unwrap_or(ImageState::Stopped)
    }

    /// What is there of a step, if that is to be used.
    async fn at_hand(&self, step: &Step) -> Option<ImageState> {
        if self.policy.rebuild { None } else { self.known(step).await.ok().flatten() }
    }

    /// One step, and again where the engine goes away meanwhile: what comes of that is no finding.
    async fn step(&self, step: &Step, halt: &CancellationToken) -> ImageState {
        let note = |text: &str| self.tell(Event::Note(text.to_owned()));
        let mut tries = 0;
        loop {
            tries += 1;
            let StepFailure { reason, away } = match self.tried(step).await {
                Ok(made) => return made,
                Err(trouble) => trouble,
            };
            // An engine that is shut down kills what it builds before it breaks off.
            if !away && patience::answers(&self.engine).await {
                return ImageState::Unavailable { reason };
            }
            if tries > MAX_OUTAGES || !self.patience.wait_until_back(&self.engine, &note, halt).await {
                return ImageState::Broken { reason };
            }
        }
    }

    /// One step, unless its image is there already.
    async fn tried(&self, step: &Step) -> Result<ImageState, StepFailure> {
        let known = self.known(step).await?;
        if let Some(made) = known.clone().filter(|_| !self.policy.rebuild) {
            return Ok(made);
        }
        if self.policy.no_build {
            let reason = format!("`{}` is not made yet, and --no-build was given", step.name);
            return Ok(ImageState::Unavailable { reason });
        }
        // Whoever waits for a compiler keeps nobody else waiting.
        let compiler = if compiles(&step.work) { Some(self.compilers.acquire().await) } else { None };
        let (Ok(_compiler), Ok(_permit)) = (compiler.transpose(), self.permits.acquire().await) else {
            return Ok(ImageState::Stopped);
        };
        self.make_one(step, known).await
    }

    /// Makes the image of a step, whatever is there.
    async fn make_one(&self, step: &Step, known: Option<ImageState>) -> Result<ImageState, StepFailure> {
        let begun = Instant::now();
        self.tell(Event::ImageStarted(ImageWork { name: step.name.clone(), tag: step.tag.clone() }));
        let made = match &step.work {
            Work::Base { image, bootstrap } => self.base(step, image.as_deref(), bootstrap.as_ref()).await,
            Work::Ready { reference } => self.ready(step, reference, known).await,
            Work::Recipe { containerfile, args } => self.recipe(step, containerfile, args, known).await,
        };
        let error = match &made {
            Ok(ImageState::Ready { .. } | ImageState::Stopped) => None,
            Ok(
                ImageState::Unbuildable { reason } | ImageState::Unavailable { reason } | ImageState::Broken { reason },
            )
            | Err(StepFailure { reason, .. }) => Some(reason.clone()),
        };
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.tell(Event::ImageFinished { name: step.name.clone(), error, ms });
        made
    }

    fn tell(&self, event: Event) {
        // A listener that is gone has no use for events.
        let _ = self.events.send(event);
    }

    /// What is known of a step's image from its tag.
    async fn known(&self, step: &Step) -> Result<Option<ImageState>, EngineError> {
        let reference = match &step.work {
            Work::Ready { reference } => reference,
            _ => &step.tag,
        };
        Ok(self.engine.image(reference).await?.map(|image| match image.labels.get(UNBUILDABLE) {
            Some(reason) => ImageState::Unbuildable { reason: reason.clone() },
            None => ImageState::Ready { id: image.id },
        }))
    }

    /// A ready image of the user's own. One that is `known` is only asked for to have it anew: if that
    /// cannot be, perhaps because no registry ever had it, it does.
    async fn ready(&self, step: &Step, reference: &str, known: Option<ImageState>) -> Result<ImageState, StepFailure> {
        match (self.pulled(step, reference).await, known) {
            (Ok(image), _) => Ok(ImageState::Ready { id: image.id }),
            (Err(StepFailure { reason, away: false }), Some(known)) => {
                self.tell(Event::Note(format!("{}: the image that is here is used: {reason}", step.name)));
                Ok(known)
            }
            (Err(trouble), _) => Err(trouble),
        }
    }

    async fn pulled(&self, step: &Step, reference: &str) -> Result<ImageInfo, StepFailure> {
        if self.policy.offline {
            let reason = format!("{} was not asked: --offline", registry::host(reference));
            return Err(StepFailure { reason, away: false });
        }
        let on_line = &mut |line: &str| self.told_line(&step.name, line);
        self.registries.pull(&self.engine, reference, on_line).await
    }

    /// An image from a Containerfile.
    async fn recipe(
        &self,
        step: &Step,
        containerfile: &str,
        args: &BTreeMap<String, String>,
        known: Option<ImageState>,
    ) -> Result<ImageState, StepFailure> {
        let context = match context::tar(&self.recipes) {
            Ok(context) => context,
            Err(error) => return Ok(self.broke(&error)),
        };
        let mut with_proxies = args.clone();
        self.policy.proxies.add_to(&mut with_proxies);
        let spec = BuildSpec {
            context,
            containerfile: containerfile.to_owned(),
            args: with_proxies,
            labels: labels::image_labels(),
            tag: step.tag.clone(),
            memory: None,
            no_cache: self.policy.rebuild,
        };
        let mut log = match BuildLog::create(&self.log_folder, &step.name) {
            Ok(log) => log,
            Err(error) => return Ok(self.broke(&error)),
        };
        let built = self
            .engine
            .build(&spec, &mut |line| {
                log.add(line);
                self.told_line(&step.name, line);
            })
            .await;
        match built {
            Ok(image) => {
                if let Some(ImageState::Ready { id }) =
                    known.filter(|known| *known != ImageState::Ready { id: image.id.clone() })
                {
                    removal::superseded(self.engine.as_ref(), &id).await;
                }
                Ok(ImageState::Ready { id: image.id })
            }
            Err(error) if matches!(error.class, Class::Build { .. }) && log.is_finding() => {
                Ok(self.tombstone(step, &log).await)
            }
            Err(error) if matches!(error.class, Class::Build { .. }) && log.is_lacking() => {
                Ok(ImageState::Unbuildable { reason: log.first_errors() })
            }
            Err(error) => {
                let trouble = StepFailure::from(error);
                Err(StepFailure { reason: log.reason(trouble.reason), ..trouble })
            }
        }
    }

    /// Remembers on the engine that these inputs do not compile, so that the next run need not find
    /// out again: an empty image under the step's tag, with the compiler's errors as a label.
    async fn tombstone(&self, step: &Step, log: &BuildLog) -> ImageState {
        let reason = log.first_errors();
        let mut marks = labels::image_labels();
        marks.insert(UNBUILDABLE.to_owned(), reason.clone());
        let spec = context::empty_image(&step.tag, marks);
        if let Ok(spec) = spec
            && let Err(error) = self.engine.build(&spec, &mut |_| {}).await
        {
            self.tell(Event::Note(format!("cannot remember that {} does not compile: {error}", step.name)));
        }
        ImageState::Unbuildable { reason }
    }

    fn told_line(&self, name: &str, line: &str) {
        let step: String = line.chars().take(200).collect();
        self.tell(Event::ImageStep { name: name.to_owned(), step });
    }
}

/// Whether a step compiles ATS.
fn compiles(work: &Work) -> bool {
    let builds = ["tarball/build.Containerfile", "tarball/rebuild.Containerfile"];
    matches!(work, Work::Recipe { containerfile, .. } if builds.contains(&containerfile.as_str()))
}

fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
