//! How tests set up a fake engine, and what they query afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::world::{UNREACHABLE, World};
use super::{Behaviour, FakeBuild, FakeEngine, FakeFault, FakeOp, image};
use crate::engine::error::{Class, EngineError};
use crate::engine::{BuildSpec, ContainerSpec, Labels};

impl FakeEngine {
    /// An engine without images, networks or containers.
    pub fn new() -> Self {
        Self {
            world: World::default(),
            behave: Arc::new(|_| Behaviour::default()),
            build: Arc::new(|_| FakeBuild { log: Vec::new(), result: Ok(()) }),
            pace: Arc::new(|_| Duration::ZERO),
        }
    }

    /// With an image that exists from the start.
    #[must_use]
    pub fn with_image(self, tag: &str, labels: Labels) -> Self {
        self.world.state().images.insert(tag.to_owned(), image(tag, labels));
        self
    }

    /// With an image that can be pulled.
    #[must_use]
    pub fn with_pullable(self, reference: &str) -> Self {
        self.world.state().pullable.insert(reference.to_owned(), image(reference, Labels::new()));
        self
    }

    /// With a registry that answers after `pace`.
    #[must_use]
    pub fn with_slow_pulls(self, pace: Duration) -> Self {
        self.world.state().slow_pulls = pace;
        self
    }

    /// With builds that follow `script`.
    #[must_use]
    pub fn with_builds(mut self, script: impl Fn(&BuildSpec) -> FakeBuild + Send + Sync + 'static) -> Self {
        self.build = Arc::new(script);
        self
    }

    /// With builds that take as long as `pace` says.
    #[must_use]
    pub fn with_slow_builds(mut self, pace: impl Fn(&BuildSpec) -> Duration + Send + Sync + 'static) -> Self {
        self.pace = Arc::new(pace);
        self
    }

    /// With containers that follow `script`.
    #[must_use]
    pub fn with_containers(mut self, script: impl Fn(&ContainerSpec) -> Behaviour + Send + Sync + 'static) -> Self {
        self.behave = Arc::new(script);
        self
    }

    /// With `fault` injected into the next `times` operations that it applies to.
    #[must_use]
    pub fn with_fault(self, fault: FakeFault, times: usize) -> Self {
        self.world.state().faults.insert(fault, times);
        self
    }

    /// Becomes unreachable for `time`: nothing is answered, every connection breaks, and containers exit with theirs.
    pub fn away_for(&self, time: Duration) {
        let mut state = self.world.state();
        state.away = Some(Instant::now() + time);
        state.outages.send_modify(|number| *number += 1);
        for follower in state.followers.drain(..) {
            // Fails if the follower was dropped.
            let _ = follower.send(Err(EngineError::new("follow events of", "fake", Class::Interrupted, UNREACHABLE)));
        }
    }

    /// The operations so far, in order.
    pub fn log(&self) -> Vec<FakeOp> {
        self.world.state().log.clone()
    }

    /// Names of all existing containers and networks, sorted.
    pub fn left(&self) -> Vec<String> {
        let state = self.world.state();
        let mut names: Vec<String> =
            state.containers.values().chain(state.networks.values()).map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// How many pulls were refused.
    pub fn refused_pulls(&self) -> usize {
        self.world.state().refused_pulls
    }

    /// The largest number of concurrent pulls.
    pub fn most_pulling(&self) -> usize {
        self.world.state().most_pulling
    }

    /// The largest number of concurrent builds.
    pub fn most_building(&self) -> usize {
        self.world.state().most_building
    }

    /// Images that were built while a container ran: their tags, and the names of the containers.
    pub fn overlaps(&self) -> Vec<(String, String)> {
        self.world.state().overlaps.clone()
    }

    /// The largest number of containers running at the same time.
    pub fn most_running(&self) -> usize {
        self.world.state().most_running
    }
}
