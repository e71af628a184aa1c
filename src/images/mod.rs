//! Images: base by pull or bootstrap, recipes through the engine's build API, the agent as the last
//! layer. Knows the engine and the plan's steps; what a trial is it must not know.
//!
//! A step's tag is a digest of everything that goes in, so an image that is there is done. Identical
//! work is one step of the plan and is done once. A step that fails spoils its own cells only.

mod agent;
mod bootstrap;
mod context;
mod layer;
mod log;

pub use agent::AgentImages;
pub use context::recipes;
pub use layer::{Layer, layer};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use futures_util::future::{BoxFuture, FutureExt as _, Shared, join_all};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::engine::{BuildSpec, Class, Engine, EngineError, ImageInfo, labels};
use crate::model::{Event, ImageWork};
use crate::plan::{Step, Work};
use log::BuildLog;

/// Label of an image that stands for a failed compilation: the compiler's first errors.
const UNBUILDABLE: &str = "atsmatrix.unbuildable";

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
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
}

/// Makes images.
pub struct Maker {
    engine: Arc<dyn Engine>,
    recipes: BTreeMap<String, Vec<u8>>,
    policy: Policy,
    log_folder: PathBuf,
    events: UnboundedSender<Event>,
    permits: Semaphore,
    /// By host.
    registries: Mutex<BTreeMap<String, Arc<Registry>>>,
}

/// What a run knows of a registry. Until it has answered once, one image at a time is asked for: those
/// of a registry that does not answer would each cost the whole wait.
type Registry = tokio::sync::Mutex<Answer>;

/// How a registry answered.
#[derive(Debug, Clone, Default)]
enum Answer {
    /// It was not asked yet.
    #[default]
    Unasked,
    /// It answers.
    Given,
    /// Nobody answers: why.
    Silence(String),
}

type Pending = Shared<BoxFuture<'static, Made>>;

impl Maker {
    /// Makes images on `engine` from the files of the images folder, logging builds to `log_folder`.
    pub fn new(
        engine: Arc<dyn Engine>,
        recipes: BTreeMap<String, Vec<u8>>,
        policy: Policy,
        log_folder: PathBuf,
        events: UnboundedSender<Event>,
    ) -> Self {
        let permits = Semaphore::new(policy.jobs.max(1));
        Self { engine, recipes, policy, log_folder, events, permits, registries: Mutex::default() }
    }

    /// Makes `steps` (each after its parents) and tells what became of each, by tag. What is not done
    /// when `stop` is cancelled is unavailable.
    pub async fn make(self: Arc<Self>, steps: &[Step], stop: &CancellationToken) -> BTreeMap<String, Made> {
        let mut pending: BTreeMap<String, Pending> = BTreeMap::new();
        for step in steps {
            let parents: Vec<Pending> = step.parents.iter().filter_map(|tag| pending.get(tag).cloned()).collect();
            let (maker, work, stop) = (Arc::clone(&self), step.clone(), stop.clone());
            let future = async move {
                for made in join_all(parents).await {
                    if !matches!(made, Made::Ready { .. }) {
                        return made;
                    }
                }
                tokio::select! {
                    made = maker.step(&work) => made,
                    () = stop.cancelled() => Made::Unavailable { reason: "interrupted".into() },
                }
            };
            pending.insert(step.tag.clone(), future.boxed().shared());
        }
        let tags: Vec<String> = pending.keys().cloned().collect();
        let made = join_all(pending.into_values()).await;
        tags.into_iter().zip(made).collect()
    }

    /// One step, unless its image is there already.
    async fn step(&self, step: &Step) -> Made {
        let known = self.known(step).await;
        match known {
            Ok(Some(made)) if !self.policy.rebuild || matches!(step.work, Work::Ready { .. }) => return made,
            Err(error) => return Made::Unavailable { reason: one_line(&error) },
            _ => {}
        }
        if self.policy.no_build {
            return Made::Unavailable { reason: format!("`{}` is not made yet, and --no-build was given", step.name) };
        }
        let Ok(_permit) = self.permits.acquire().await else {
            return Made::Unavailable { reason: "the run is over".into() };
        };
        let begun = Instant::now();
        self.tell(Event::ImageStarted(ImageWork { name: step.name.clone(), tag: step.tag.clone() }));
        let made = match &step.work {
            Work::Base { image, bootstrap } => self.base(step, image.as_deref(), bootstrap.as_ref()).await,
            Work::Ready { reference } => self.pull(step, reference).await,
            Work::Recipe { containerfile, args } => self.recipe(step, containerfile, args).await,
        };
        let error = match &made {
            Made::Ready { .. } => None,
            Made::Unbuildable { reason } | Made::Unavailable { reason } => Some(reason.clone()),
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
    async fn known(&self, step: &Step) -> Result<Option<Made>, EngineError> {
        let reference = match &step.work {
            Work::Ready { reference } => reference,
            _ => &step.tag,
        };
        Ok(self.engine.image(reference).await?.map(|image| match image.labels.get(UNBUILDABLE) {
            Some(reason) => Made::Unbuildable { reason: reason.clone() },
            None => Made::Ready { id: image.id },
        }))
    }

    /// A base image: from the registry, or else from the distro's package mirror.
    async fn base(&self, step: &Step, image: Option<&str>, bootstrap: Option<&crate::matrix::Bootstrap>) -> Made {
        let mut reasons = Vec::new();
        if let Some(reference) = image {
            match self.pulled(step, reference).await {
                Ok(image) => match self.engine.tag(&image.id, &step.tag).await {
                    Ok(()) => return Made::Ready { id: image.id },
                    Err(error) => reasons.push(one_line(&error)),
                },
                Err(reason) => reasons.push(reason),
            }
        }
        if let Some(bootstrap) = bootstrap {
            let step_name = step.name.clone();
            let on_line = |line: &str| self.told_line(&step_name, line);
            match bootstrap::run(self.engine.as_ref(), bootstrap, &step.tag, on_line).await {
                Ok(image) => return Made::Ready { id: image.id },
                Err(error) => reasons.push(format!("{error:#}")),
            }
        }
        Made::Unavailable { reason: reasons.join("; ") }
    }

    /// A ready image of the user's own.
    async fn pull(&self, step: &Step, reference: &str) -> Made {
        match self.pulled(step, reference).await {
            Ok(image) => Made::Ready { id: image.id },
            Err(reason) => Made::Unavailable { reason },
        }
    }

    async fn pulled(&self, step: &Step, reference: &str) -> Result<ImageInfo, String> {
        let registry = registry(reference);
        if self.policy.offline {
            return Err(format!("{registry} was not asked: --offline"));
        }
        // Each row names its own image, whichever was asked first.
        let told = |reason: &str| format!("cannot pull {reference}: {reason}");
        let known =
            Arc::clone(self.registries.lock().unwrap_or_else(PoisonError::into_inner).entry(registry).or_default());
        let answer = known.lock().await;
        let first = match &*answer {
            Answer::Silence(reason) => return Err(told(reason)),
            Answer::Given => None,
            Answer::Unasked => Some(answer),
        };
        let name = step.name.clone();
        let pulled = self.engine.pull(reference, &mut |line| self.told_line(&name, line)).await;
        if let Some(mut answer) = first {
            *answer = match &pulled {
                Err(error) if is_silence(&error.reason) => Answer::Silence(error.reason.clone()),
                _ => Answer::Given,
            };
        }
        pulled.map_err(|error| told(&error.reason))
    }

    /// An image from a Containerfile.
    async fn recipe(&self, step: &Step, containerfile: &str, args: &BTreeMap<String, String>) -> Made {
        let context = match context::tar(&self.recipes) {
            Ok(context) => context,
            Err(error) => return Made::Unavailable { reason: format!("{error:#}") },
        };
        let spec = BuildSpec {
            context,
            containerfile: containerfile.to_owned(),
            args: args.clone(),
            labels: labels::image_labels(),
            tag: step.tag.clone(),
            memory: None,
        };
        let mut log = match BuildLog::create(&self.log_folder, &step.name) {
            Ok(log) => log,
            Err(error) => return Made::Unavailable { reason: format!("{error:#}") },
        };
        let built = self
            .engine
            .build(&spec, &mut |line| {
                log.add(line);
                self.told_line(&step.name, line);
            })
            .await;
        match built {
            Ok(image) => Made::Ready { id: image.id },
            Err(error) if matches!(error.class, Class::Build { .. }) && log.compiling() => {
                self.tombstone(step, &log).await
            }
            Err(error) => Made::Unavailable { reason: log.reason().unwrap_or_else(|| one_line(&error)) },
        }
    }

    /// Remembers on the engine that these inputs do not compile, so that the next run need not find
    /// out again: an empty image under the step's tag, with the compiler's errors as a label.
    async fn tombstone(&self, step: &Step, log: &BuildLog) -> Made {
        let reason = log.first_errors();
        let mut marks = labels::image_labels();
        marks.insert(UNBUILDABLE.to_owned(), reason.clone());
        let spec = context::empty_image(&step.tag, marks);
        if let Ok(spec) = spec
            && let Err(error) = self.engine.build(&spec, &mut |_| {}).await
        {
            self.tell(Event::Note(format!("cannot remember that {} does not compile: {error}", step.name)));
        }
        Made::Unbuildable { reason }
    }

    fn told_line(&self, name: &str, line: &str) {
        let step: String = line.chars().take(200).collect();
        self.tell(Event::ImageStep { name: name.to_owned(), step });
    }
}

/// The registry part of an image reference; Docker's default where it names none.
fn registry(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let named = reference.contains('/') && (first.contains('.') || first.contains(':') || first == "localhost");
    if named { first.to_owned() } else { "docker.io".to_owned() }
}

/// Whether a pull failed because nobody answered, and not because the image is not there.
fn is_silence(reason: &str) -> bool {
    ["no such host", "i/o timeout", "connection refused", "no progress", "network is unreachable"]
        .iter()
        .any(|text| reason.contains(text))
}

fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

/// Removes every image that bears our label, or is tagged in our repository (pulled bases cannot bear
/// labels). Returns how many.
///
/// # Errors
/// When the engine does not answer.
pub async fn remove_all(engine: &dyn Engine) -> anyhow::Result<usize> {
    let label = format!("{}={}", labels::KIND, labels::Kind::Image.as_str());
    let images = engine.images_with_label(&label).await.context("cannot list images")?;
    let mut removed = BTreeSet::new();
    // Children go before their parents, so several rounds may be needed.
    for _ in 0..4 {
        for image in &images {
            if !removed.contains(&image.id) && engine.remove_image(&image.id).await.is_ok() {
                removed.insert(image.id.clone());
            }
        }
    }
    Ok(removed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_of_a_reference_is_its_first_part_if_that_looks_like_a_host() {
        assert_eq!(registry("registry.fedoraproject.org/fedora:40"), "registry.fedoraproject.org");
        assert_eq!(registry("localhost:5000/x"), "localhost:5000");
        assert_eq!(registry("debian:trixie-slim"), "docker.io");
        assert_eq!(registry("library/debian"), "docker.io");
    }
}
