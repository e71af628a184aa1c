//! Images: bases by pull or bootstrap, recipes through the engine's build API, the agent as the last
//! layer. Knows the engine and the steps of the plan, but nothing of trials.
//!
//! The tag of a step is a digest of all its inputs, so an image that exists is up to date. Identical
//! work is one step of the plan and is done once. A failed step affects only the cells that need it.

mod agent;
mod base;
mod bootstrap;
mod context;
mod ignore;
mod layer;
mod local;
mod log;
mod making;
mod own;
mod proxies;
mod recipe;
mod registry;
mod removal;
mod signs;
mod step;
mod turns;

pub use agent::AgentImages;
pub use context::recipes;
pub use layer::{Layer, layer};
pub use local::local_files;
pub use making::Making;
pub use proxies::Proxies;
pub use removal::{remove_all, remove_ours};
pub use turns::{CellTicket, HeldTurn, Turns};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use futures_util::future::join_all;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::plan::{Bootstrapper, BuildStep};
use crate::engine::labels::Owner;
use crate::engine::patience::{self, Patience};
use crate::engine::{Engine, EngineError, ImageInfo};
use crate::model::Event;
use log::BuildLog;
use registry::Registries;

/// The repository of all tags that this program gives.
const REPOSITORY: &str = "atsmatrix";

/// Most of an engine's error that goes into a reason, characters.
const MAX_REASON: usize = 400;

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    /// The image exists.
    Ready {
        /// Its content digest, `sha256:...`.
        id: String,
    },
    /// ATS cannot be built or installed here: a finding.
    Unbuildable {
        /// The compiler's first errors, or the packages that the distro lacks, one line.
        reason: String,
    },
    /// The upgrade of the distro removed ATS, or it does not start any more: a finding.
    UpgradeBroke {
        /// What is wrong, one line.
        reason: String,
    },
    /// Some input could not be obtained, which says nothing about ATS.
    Unavailable {
        /// Why, one line.
        reason: String,
    },
    /// The engine became unreachable and did not come back. This says nothing about ATS or the image.
    Broken {
        /// The last error, one line.
        reason: String,
    },
    /// It was not finished when the work was stopped.
    Stopped,
}

impl ImageState {
    /// Why there is no image; `None` if there is one, or if the work was stopped.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unbuildable { reason }
            | Self::UpgradeBroke { reason }
            | Self::Unavailable { reason }
            | Self::Broken { reason } => Some(reason),
            Self::Ready { .. } | Self::Stopped => None,
        }
    }

    /// The same with a reason that says whose image it is.
    #[must_use]
    pub fn of(self, owner: &str) -> Self {
        let named = |reason: String| format!("{owner}: {reason}");
        match self {
            Self::Unbuildable { reason } => Self::Unbuildable { reason: named(reason) },
            Self::UpgradeBroke { reason } => Self::UpgradeBroke { reason: named(reason) },
            Self::Unavailable { reason } => Self::Unavailable { reason: named(reason) },
            Self::Broken { reason } => Self::Broken { reason: named(reason) },
            Self::Ready { .. } | Self::Stopped => self,
        }
    }
}

/// Why a step failed this time.
#[derive(Debug)]
struct StepFailure {
    /// One line.
    reason: String,
    /// Whether the engine became unreachable, so that the step is worth a retry.
    outage: bool,
    /// Of a base image: the part of `reason` about its bootstrap, without the registry's.
    bootstrap: Option<String>,
}

impl StepFailure {
    fn new(reason: String, outage: bool) -> Self {
        Self { reason, outage, bootstrap: None }
    }

    /// Adds how to do without a registry.
    fn with_load_hint(mut self) -> Self {
        if !self.outage {
            self.reason += "; if its registry cannot be reached, `docker load` the image";
        }
        self
    }
}

impl From<EngineError> for StepFailure {
    fn from(error: EngineError) -> Self {
        Self::new(one_line(&error), patience::is_outage(&error.into()))
    }
}

/// How images are made in this run.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Use existing images only, make none.
    pub no_build: bool,
    /// Do not contact registries.
    pub offline: bool,
    /// Make images anew even if they exist.
    pub rebuild: bool,
    /// Number of steps at the same time.
    pub jobs: usize,
    /// Number of compilations at the same time: each uses all CPUs and memory for as many compilers.
    pub compilers: usize,
    /// Proxies of the containers that make images.
    pub proxies: Proxies,
}

impl Policy {
    /// How many compilations an engine with `cpus` CPUs should run at the same time, if `jobs` steps may run
    /// at all: one for two CPUs.
    pub fn compilers(jobs: usize, cpus: usize) -> usize {
        (cpus / 2).clamp(1, jobs.max(1))
    }
}

/// Makes the images of a run.
pub struct ImageBuilder {
    engine: Arc<dyn Engine>,
    patience: Arc<Patience>,
    recipes: BTreeMap<String, Vec<u8>>,
    policy: Policy,
    log_folder: PathBuf,
    events: UnboundedSender<Event>,
    turns: Arc<Turns>,
    /// When the work on an image began, by its name.
    begun: Mutex<BTreeMap<String, Instant>>,
    registries: Registries,
    /// Bootstraps on the host that run or still clean up.
    bootstraps: TaskTracker,
    /// Bootstrapped bases by their inputs: rows with the same inputs share one.
    bootstrapped: Mutex<BTreeMap<String, Arc<OnceCell<ImageInfo>>>>,
    /// What makes bases in containers, and the owner of these; `None`: the host makes them.
    bootstrapper: Option<(Owner, Bootstrapper)>,
    /// Id of the image with the bootstrap tools for suites of apt, once it was needed.
    apt_tools: OnceCell<String>,
    /// The same for releases of dnf.
    dnf_tools: OnceCell<String>,
    failure: LocalFailure,
}

/// A failure with this program's own files, which would repeat at every image.
#[derive(Default)]
struct LocalFailure {
    text: OnceLock<String>,
    /// Cancelled by the failure.
    stop: CancellationToken,
}

impl ImageBuilder {
    /// Makes images on `engine` from the files of the images folder, and logs builds to `log_folder`. `patience` is
    /// shared by the whole run.
    pub fn new(
        engine: Arc<dyn Engine>,
        patience: Arc<Patience>,
        recipes: BTreeMap<String, Vec<u8>>,
        policy: Policy,
        log_folder: PathBuf,
        events: UnboundedSender<Event>,
    ) -> Self {
        let turns = Turns::new(policy.jobs, policy.compilers);
        Self {
            engine,
            patience,
            recipes,
            policy,
            log_folder,
            events,
            turns,
            begun: Mutex::default(),
            registries: Registries::default(),
            bootstraps: TaskTracker::new(),
            bootstrapped: Mutex::default(),
            bootstrapper: None,
            apt_tools: OnceCell::new(),
            dnf_tools: OnceCell::new(),
            failure: LocalFailure::default(),
        }
    }

    /// Makes bases in containers of `owner`.
    #[must_use]
    pub fn with_bootstrapper(self, owner: &Owner, bootstrapper: &Bootstrapper) -> Self {
        Self { bootstrapper: Some((owner.clone(), bootstrapper.clone())), ..self }
    }

    /// The failure with this program's own files, if there was one. No step was started after it.
    pub fn fault(&self) -> Option<String> {
        self.failure.text.get().cloned()
    }

    /// Records a failure with this program's own files and stops all steps.
    fn stop_all(&self, error: &anyhow::Error) -> ImageState {
        // The first one counts: later ones are the same, once for each image.
        let _ = self.failure.text.set(format!("{error:#}"));
        self.failure.stop.cancel();
        ImageState::Stopped
    }

    /// Makes `steps` (each after its parents) and returns the result of each, by tag. What is not finished
    /// when `halt` is cancelled is [`ImageState::Stopped`].
    pub async fn make(self: Arc<Self>, steps: &[BuildStep], halt: &CancellationToken) -> BTreeMap<String, ImageState> {
        Making::new(self, steps, halt).finish().await
    }

    /// One step, after its parents.
    async fn after_parents(
        &self,
        step: &BuildStep,
        parents: Vec<making::Pending>,
        halt: &CancellationToken,
    ) -> ImageState {
        let made = async {
            // An existing image needs no parents, which may be missing.
            if let Some(existing) = self.existing(step).await {
                return existing;
            }
            for made in join_all(parents).await {
                if !matches!(made, ImageState::Ready { .. }) {
                    return made;
                }
            }
            self.run_step(step, halt).await
        };
        tokio::select! {
            made = made => made,
            () = halt.cancelled() => ImageState::Stopped,
            () = self.failure.stop.cancelled() => self.existing(step).await.unwrap_or(ImageState::Stopped),
        }
    }

    fn send(&self, event: Event) {
        // Fails if the receiver is gone.
        let _ = self.events.send(event);
    }

    /// Reports a line of a build's output.
    fn report_line(&self, name: &str, line: &str) {
        let step: String = line.chars().take(MAX_LINE).collect();
        self.send(Event::ImageStep { name: name.to_owned(), step });
    }
}

/// Most of an output line that is reported, characters: terminals show less.
const MAX_LINE: usize = 200;

/// An error on one line, bounded.
fn one_line(error: &dyn std::error::Error) -> String {
    clip(&error.to_string().split_whitespace().collect::<Vec<_>>().join(" "), MAX_REASON)
}

/// At most about `max` characters of `text`: its beginning and its end, where the cause usually is.
fn clip(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max {
        return text.to_owned();
    }
    let (head, tail) = (max / 3, max - max / 3);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_text_keeps_its_beginning_and_its_end() {
        assert_eq!(clip("Get: no such host", 17), "Get: no such host");
        assert_eq!(clip("0123456789 and the cause", 12), "0123 … he cause");
    }
}
