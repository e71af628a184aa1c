//! A scripted engine for tests of scale and faults. Named so: nothing it says was ever run. What it shares
//! with a real engine is the contract of the traits; the order of operations is kept in a log.

mod container;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

use self::container::FakeContainer;
pub use self::container::{Behaviour, FakeEnd};
use super::error::{Class, EngineError};
use super::{
    BuildSpec, Container, ContainerChange, ContainerEvent, ContainerSpec, Engine, EngineInfo, ImageInfo, Labelled,
    Labels, NetworkSpec, OnLine, Result, TarStream,
};

type Behave = dyn Fn(&ContainerSpec) -> Behaviour + Send + Sync;
type Build = dyn Fn(&BuildSpec) -> FakeBuild + Send + Sync;

/// How a scripted build goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeBuild {
    /// Lines of its log.
    pub log: Vec<String>,
    /// Its end: an image, or this class and reason.
    pub result: std::result::Result<(), (Class, String)>,
}

/// Operations that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FakeFault {
    /// Address pools are exhausted: no network can be created.
    NetworkExhausted,
    /// Containers cannot be started; what was created is removed again.
    StartFails,
    /// Containers cannot be removed.
    RemoveFails,
    /// The removal of a container is never answered.
    RemoveHangs,
    /// The creation of a network is never answered.
    NetworkHangs,
    /// The engine is gone.
    Unreachable,
}

/// An operation, as the log keeps it. Containers and networks go by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeOp {
    /// An image was pulled.
    Pull(String),
    /// An image was imported, with so many bytes of tar.
    Import(String, usize),
    /// An image was built.
    Build(String),
    /// A network was created.
    CreateNetwork(String),
    /// A network was removed.
    RemoveNetwork(String),
    /// A container was started.
    Start(String),
    /// A container's stdin was closed.
    CloseStdin(String),
    /// A container was killed.
    Kill(String),
    /// A container ended by itself or was killed, and its end was waited for.
    Wait(String),
    /// A container was removed.
    Remove(String),
}

/// A scripted engine.
///
/// Unscripted, it has no images, every pull is refused, every build succeeds, and every container
/// ends at once with exit code 0 and without output.
#[derive(Clone)]
pub struct FakeEngine {
    world: World,
    behave: Arc<Behave>,
    build: Arc<Build>,
}

/// The state of a fake engine, shared with its containers.
#[derive(Clone, Default)]
struct World(Arc<Mutex<FakeState>>);

#[derive(Default)]
struct FakeState {
    images: BTreeMap<String, ImageInfo>,
    pullable: BTreeMap<String, ImageInfo>,
    networks: BTreeMap<String, (String, Labels)>,
    containers: BTreeMap<String, (String, Labels)>,
    faults: BTreeMap<FakeFault, usize>,
    log: Vec<FakeOp>,
    made: u32,
    running: BTreeSet<String>,
    most_running: usize,
    refused_pulls: usize,
    pulling: usize,
    most_pulling: usize,
    building: usize,
    most_building: usize,
    slow_pulls: Duration,
    /// Until when the engine is away.
    away: Option<Instant>,
    /// Rises with each outage: the connections of containers break.
    outages: watch::Sender<u32>,
    /// Who follows what happens.
    followers: Vec<UnboundedSender<Result<ContainerEvent>>>,
}

/// The reason of an engine that is away.
const AWAY: &str = "the engine cannot be reached (injected)";

impl World {
    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, op: FakeOp) {
        self.state().log.push(op);
    }

    /// Whether `fault` is to happen now; uses it up.
    fn fails(&self, fault: FakeFault) -> bool {
        let mut state = self.state();
        let Some(times) = state.faults.get_mut(&fault).filter(|times| **times > 0) else { return false };
        *times -= 1;
        true
    }

    /// Never returns if `fault` is to happen now.
    async fn hangs(&self, fault: FakeFault) {
        if self.fails(fault) {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the engine answers at all.
    fn reachable(&self, operation: &'static str, object: &str) -> Result<()> {
        let away = self.state().away.is_some_and(|until| Instant::now() < until);
        if away || self.fails(FakeFault::Unreachable) {
            return Err(EngineError::new(operation, object, Class::Unreachable, AWAY));
        }
        Ok(())
    }

    /// How often it went away so far.
    fn outages(&self) -> u32 {
        *self.state().outages.borrow()
    }

    /// Whether the connection of an operation that began after so many `outages` still stands.
    fn unbroken(&self, operation: &'static str, object: &str, outages: u32) -> Result<()> {
        if self.outages() == outages {
            return Ok(());
        }
        Err(EngineError::new(operation, object, Class::Interrupted, AWAY))
    }

    /// Tells all followers that something happened to a container.
    fn happens(&self, id: &str, what: ContainerChange) {
        let mut state = self.state();
        let happening = ContainerEvent { at_us: now_us(), container: id.to_owned(), what };
        state.followers.retain(|follower| follower.send(Ok(happening.clone())).is_ok());
    }

    fn remove(&self, id: &str) -> Result<()> {
        self.reachable("remove container", id)?;
        if self.fails(FakeFault::RemoveFails) {
            return Err(EngineError::new("remove container", id, Class::Other, "removal fails (injected)"));
        }
        let mut state = self.state();
        state.running.remove(id);
        if let Some((name, _)) = state.containers.remove(id) {
            state.log.push(FakeOp::Remove(name));
        }
        Ok(())
    }
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self::new()
    }
}

fn image(tag: &str, labels: Labels) -> ImageInfo {
    let digest = Sha256::digest(format!("{tag} {labels:?}"));
    let id = digest.iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"));
    ImageInfo { id, tags: vec![tag.to_owned()], labels, size: 1 << 20 }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> Result<EngineInfo> {
        self.world.reachable("ask engine", "fake")?;
        Ok(EngineInfo {
            name: "Fake".to_owned(),
            version: "1".to_owned(),
            api: "1.41".to_owned(),
            os: "linux".to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: 4,
            memory: 8 << 30,
            rootless: false,
            storage: "memory".to_owned(),
            limits_memory: true,
            limits_pids: true,
            networks: u32::try_from(self.world.state().networks.len()).unwrap_or(u32::MAX),
            network_capacity: Some(31),
        })
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>> {
        self.world.reachable("inspect image", reference)?;
        let state = self.world.state();
        let by_id = || state.images.values().find(|image| image.id == reference);
        Ok(state.images.get(reference).or_else(by_id).cloned())
    }

    async fn images_with_label(&self, label: &str) -> Result<Vec<ImageInfo>> {
        self.world.reachable("list images with label", label)?;
        let (key, value) = label.split_once('=').map_or((label, None), |(key, value)| (key, Some(value)));
        let has = |image: &&ImageInfo| image.labels.get(key).is_some_and(|it| value.is_none_or(|value| it == value));
        let mut found: Vec<ImageInfo> = self.world.state().images.values().filter(has).cloned().collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        Ok(found)
    }

    async fn images_of(&self, repository: &str) -> Result<Vec<ImageInfo>> {
        self.world.reachable("list images of", repository)?;
        let has = |image: &&ImageInfo| image.tags_of(repository).next().is_some();
        let mut found: Vec<ImageInfo> = self.world.state().images.values().filter(has).cloned().collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        Ok(found)
    }

    async fn tag(&self, image: &str, tag: &str) -> Result<()> {
        let found = self.image(image).await?;
        let mut found = found.ok_or_else(|| EngineError::new("tag image", image, Class::NotFound, "no such image"))?;
        found.tags.push(tag.to_owned());
        let mut state = self.world.state();
        // Every tag of an image tells of all of them.
        for known in state.images.values_mut().filter(|known| known.id == found.id) {
            known.tags.clone_from(&found.tags);
        }
        state.images.insert(tag.to_owned(), found);
        Ok(())
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        self.world.reachable("remove image", reference)?;
        let mut state = self.world.state();
        state.images.retain(|tag, image| tag != reference && image.id != reference);
        state.images.values_mut().for_each(|image| image.tags.retain(|tag| tag != reference));
        Ok(())
    }

    async fn pull(&self, reference: &str, on_progress: OnLine<'_>) -> Result<ImageInfo> {
        self.world.reachable("pull image", reference)?;
        let outages = self.world.outages();
        {
            let mut state = self.world.state();
            state.pulling += 1;
            state.most_pulling = state.most_pulling.max(state.pulling);
        }
        // A registry's answer takes time, in which others may ask.
        let slow = self.world.state().slow_pulls;
        tokio::task::yield_now().await;
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        let mut state = self.world.state();
        state.pulling -= 1;
        drop(state);
        self.world.unbroken("pull image", reference, outages)?;
        let mut state = self.world.state();
        let Some(image) = state.pullable.get(reference).cloned() else {
            state.refused_pulls += 1;
            let reason = "dial tcp: lookup registry.invalid: no such host (scripted)";
            return Err(EngineError::new("pull image", reference, Class::Unreachable, reason));
        };
        on_progress("Pulling");
        state.images.insert(reference.to_owned(), image.clone());
        state.log.push(FakeOp::Pull(reference.to_owned()));
        Ok(image)
    }

    async fn import(&self, tag: &str, labels: &Labels, mut tar: TarStream) -> Result<ImageInfo> {
        self.world.reachable("import image", tag)?;
        let outages = self.world.outages();
        let mut bytes = 0;
        while let Some(piece) = tar.next().await {
            let piece =
                piece.map_err(|error| EngineError::new("import image", tag, Class::Other, &error.to_string()))?;
            bytes += piece.len();
        }
        self.world.unbroken("import image", tag, outages)?;
        let made = image(tag, labels.clone());
        let mut state = self.world.state();
        state.images.insert(tag.to_owned(), made.clone());
        state.log.push(FakeOp::Import(tag.to_owned(), bytes));
        Ok(made)
    }

    async fn build(&self, spec: &BuildSpec, on_log: OnLine<'_>) -> Result<ImageInfo> {
        self.world.reachable("build image", &spec.tag)?;
        let outages = self.world.outages();
        {
            let mut state = self.world.state();
            state.building += 1;
            state.most_building = state.most_building.max(state.building);
        }
        // Builds take time, in which others may begin.
        tokio::task::yield_now().await;
        self.world.state().building -= 1;
        let script = (self.build)(spec);
        script.log.iter().for_each(|line| on_log(line));
        self.world.log(FakeOp::Build(spec.tag.clone()));
        script.result.map_err(|(class, reason)| EngineError::new("build image", &spec.tag, class, &reason))?;
        self.world.unbroken("build image", &spec.tag, outages)?;
        let made = image(&spec.tag, spec.labels.clone());
        self.world.state().images.insert(spec.tag.clone(), made.clone());
        Ok(made)
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        self.world.reachable("create network", &spec.name)?;
        self.world.hangs(FakeFault::NetworkHangs).await;
        if self.world.fails(FakeFault::NetworkExhausted) {
            let reason = "could not find an available, non-overlapping IPv4 address pool among the defaults";
            return Err(EngineError::from_engine("create network", &spec.name, Class::Other, reason));
        }
        let mut state = self.world.state();
        state.made += 1;
        let id = format!("network-{}", state.made);
        state.networks.insert(id.clone(), (spec.name.clone(), spec.labels.clone()));
        state.log.push(FakeOp::CreateNetwork(spec.name.clone()));
        Ok(id)
    }

    async fn remove_network(&self, id: &str) -> Result<()> {
        self.world.reachable("remove network", id)?;
        let mut state = self.world.state();
        if let Some((name, _)) = state.networks.remove(id) {
            state.log.push(FakeOp::RemoveNetwork(name));
        }
        Ok(())
    }

    async fn networks(&self) -> Result<Vec<Labelled>> {
        self.world.reachable("list", "networks")?;
        Ok(listed(&self.world.state().networks))
    }

    async fn start(&self, spec: &ContainerSpec) -> Result<Box<dyn Container>> {
        const OPERATION: &str = "start container";
        self.world.reachable(OPERATION, &spec.name)?;
        let refuse = |class, reason: &str| Err(EngineError::new(OPERATION, &spec.name, class, reason));
        if self.image(&spec.image).await?.is_none() {
            return refuse(Class::NotFound, &format!("No such image: {}", spec.image));
        }
        if self.world.fails(FakeFault::StartFails) {
            return refuse(Class::Other, "the container does not start (injected)");
        }
        let started = FakeContainer::start(self.world.clone(), spec, (self.behave)(spec));
        match started {
            Ok(container) => Ok(Box::new(container)),
            Err(reason) => refuse(Class::Other, &reason),
        }
    }

    async fn containers(&self) -> Result<Vec<Labelled>> {
        self.world.reachable("list", "containers")?;
        Ok(listed(&self.world.state().containers))
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        self.world.hangs(FakeFault::RemoveHangs).await;
        self.world.remove(id)
    }

    async fn container_events(&self) -> Result<BoxStream<'static, Result<ContainerEvent>>> {
        self.world.reachable("follow events of", "fake")?;
        let (follower, happenings) = unbounded_channel();
        self.world.state().followers.push(follower);
        let next = async |mut happenings: tokio::sync::mpsc::UnboundedReceiver<_>| {
            happenings.recv().await.map(|happening| (happening, happenings))
        };
        Ok(stream::unfold(happenings, next).boxed())
    }
}

/// Microseconds of the fake's clock: that of tokio, which tests may pause, from a moment before any test.
fn now_us() -> u64 {
    static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let begin = *BEGIN.get_or_init(std::time::Instant::now);
    let since = Instant::now().into_std().saturating_duration_since(begin);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn listed(things: &BTreeMap<String, (String, Labels)>) -> Vec<Labelled> {
    let ours = |(_, (_, labels)): &(&String, &(String, Labels))| labels.contains_key(super::labels::RUN);
    things.iter().filter(ours).map(|(id, (_, labels))| Labelled { id: id.clone(), labels: labels.clone() }).collect()
}

#[cfg(test)]
mod tests;
