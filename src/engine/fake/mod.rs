//! A scripted engine for tests of scale and faults. It runs nothing. It shares the contract of the traits with a
//! real engine, and logs the order of operations.

mod container;
mod script;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::unbounded_channel;

use self::container::FakeContainer;
pub use self::container::{Behaviour, FakeEnd};
use self::world::World;
use super::error::{Class, EngineError};
use super::{
    BuildSpec, Container, ContainerEvent, ContainerSpec, Engine, EngineInfo, EngineKind, ImageInfo, Labelled, Labels,
    NetworkSpec, OnLine, Result, TarStream,
};

type Behave = dyn Fn(&ContainerSpec) -> Behaviour + Send + Sync;
type Build = dyn Fn(&BuildSpec) -> FakeBuild + Send + Sync;
type Pace = dyn Fn(&BuildSpec) -> Duration + Send + Sync;

/// Script of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeBuild {
    /// Lines of its log.
    pub log: Vec<String>,
    /// Its result: an image, or an error of this class and reason.
    pub result: std::result::Result<(), (Class, String)>,
}

/// Faults that can be injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FakeFault {
    /// Address pools are exhausted: no network can be created.
    NetworkExhausted,
    /// Containers cannot be started; nothing of them is left.
    StartFails,
    /// Containers cannot be removed.
    RemoveFails,
    /// The removal of a container is never answered.
    RemoveHangs,
    /// The creation of a network is never answered.
    NetworkHangs,
    /// The engine cannot be reached.
    Unreachable,
}

/// A logged operation. Containers and networks are identified by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeOp {
    /// An image was pulled.
    Pull(String),
    /// An image was imported from a tar of this many bytes.
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
    /// A container exited or was killed, and a caller waited for it.
    Wait(String),
    /// A container was removed.
    Remove(String),
}

/// A scripted engine.
///
/// Without scripts it has no images, refuses every pull, every build succeeds, and every container
/// exits at once with code 0 and without output.
#[derive(Clone)]
pub struct FakeEngine {
    world: World,
    behave: Arc<Behave>,
    build: Arc<Build>,
    pace: Arc<Pace>,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self::new()
    }
}

fn image(tag: &str, labels: Labels) -> ImageInfo {
    let digest = Sha256::digest(format!("{tag} {labels:?}"));
    let id = digest.iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"));
    ImageInfo { id, tags: vec![tag.to_owned()], labels, size: 1 << 20, ..ImageInfo::default() }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> Result<EngineInfo> {
        self.world.reachable("query engine", "fake")?;
        Ok(EngineInfo {
            kind: EngineKind::Fake,
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
        // Every entry of an image lists all its tags.
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
        // A registry takes time to answer. Meanwhile others may pull.
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
        let running = self.world.begin_build(&spec.tag);
        // A build takes time. Meanwhile others may start.
        tokio::task::yield_now().await;
        let pace = (self.pace)(spec);
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        drop(running);
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
        let (follower, events) = unbounded_channel();
        self.world.state().followers.push(follower);
        let next = async |mut events: tokio::sync::mpsc::UnboundedReceiver<_>| {
            events.recv().await.map(|event| (event, events))
        };
        Ok(stream::unfold(events, next).boxed())
    }
}

fn listed(objects: &BTreeMap<String, (String, Labels)>) -> Vec<Labelled> {
    let ours = |(_, (_, labels)): &(&String, &(String, Labels))| labels.contains_key(super::labels::RUN);
    objects.iter().filter(ours).map(|(id, (_, labels))| Labelled { id: id.clone(), labels: labels.clone() }).collect()
}

#[cfg(test)]
mod tests;
