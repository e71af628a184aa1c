//! What a fake engine is told to do, and what it is asked about itself afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{AWAY, Behaviour, FakeBuild, FakeEngine, FakeFault, FakeOp, World, image};
use crate::engine::error::{Class, EngineError};
use crate::engine::{BuildSpec, ContainerSpec, Labels};

impl FakeEngine {
    /// An engine without images, networks or containers.
    pub fn new() -> Self {
        Self {
            world: World::default(),
            behave: Arc::new(|_| Behaviour::default()),
            build: Arc::new(|_| FakeBuild { log: Vec::new(), result: Ok(()) }),
        }
    }

    /// With an image that is there from the start.
    #[must_use]
    pub fn with_image(self, tag: &str, labels: Labels) -> Self {
        self.world.state().images.insert(tag.to_owned(), image(tag, labels));
        self
    }

    /// With an image that a registry hands out.
    #[must_use]
    pub fn with_pullable(self, reference: &str) -> Self {
        self.world.state().pullable.insert(reference.to_owned(), image(reference, Labels::new()));
        self
    }

    /// With a registry that takes so long for an answer.
    #[must_use]
    pub fn with_slow_pulls(self, pace: Duration) -> Self {
        self.world.state().slow_pulls = pace;
        self
    }

    /// With builds that go as `script` says.
    #[must_use]
    pub fn with_builds(mut self, script: impl Fn(&BuildSpec) -> FakeBuild + Send + Sync + 'static) -> Self {
        self.build = Arc::new(script);
        self
    }

    /// With containers that behave as `script` says.
    #[must_use]
    pub fn with_containers(mut self, script: impl Fn(&ContainerSpec) -> Behaviour + Send + Sync + 'static) -> Self {
        self.behave = Arc::new(script);
        self
    }

    /// With `fault` happening at the next `times` occasions.
    #[must_use]
    pub fn with_fault(self, fault: FakeFault, times: usize) -> Self {
        self.world.state().faults.insert(fault, times);
        self
    }

    /// Goes away for `time`: nothing is answered, every connection breaks, and containers end with theirs.
    pub fn away_for(&self, time: Duration) {
        let mut state = self.world.state();
        state.away = Some(Instant::now() + time);
        state.outages.send_modify(|number| *number += 1);
        for follower in state.followers.drain(..) {
            // Whoever follows no more need not know.
            let _ = follower.send(Err(EngineError::new("follow events of", "fake", Class::Interrupted, AWAY)));
        }
    }

    /// The operations so far, in order.
    pub fn log(&self) -> Vec<FakeOp> {
        self.world.state().log.clone()
    }

    /// Names of containers and networks that still exist, sorted.
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

    /// The most pulls that were under way at the same time.
    pub fn most_pulling(&self) -> usize {
        self.world.state().most_pulling
    }

    /// The most builds that were under way at the same time.
    pub fn most_building(&self) -> usize {
        self.world.state().most_building
    }

    /// The most containers that ran at the same time.
    pub fn most_running(&self) -> usize {
        self.world.state().most_running
    }
}
