//! The state of a fake engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{FakeFault, FakeOp};
use crate::engine::error::{Class, EngineError};
use crate::engine::{ContainerChange, ContainerEvent, ImageInfo, Labels, Result};

/// The state of a fake engine, shared with its containers.
#[derive(Clone, Default)]
pub(super) struct World(Arc<Mutex<FakeState>>);

#[derive(Default)]
pub(super) struct FakeState {
    pub(super) images: BTreeMap<String, ImageInfo>,
    pub(super) pullable: BTreeMap<String, ImageInfo>,
    pub(super) networks: BTreeMap<String, (String, Labels)>,
    pub(super) containers: BTreeMap<String, (String, Labels)>,
    pub(super) faults: BTreeMap<FakeFault, usize>,
    pub(super) log: Vec<FakeOp>,
    pub(super) made: u32,
    pub(super) running: BTreeSet<String>,
    pub(super) most_running: usize,
    pub(super) refused_pulls: usize,
    pub(super) pulling: usize,
    pub(super) most_pulling: usize,
    pub(super) building: usize,
    pub(super) most_building: usize,
    pub(super) slow_pulls: Duration,
    /// Tags of the images that are being built.
    pub(super) builds: BTreeSet<String>,
    /// Images that were built while a container ran: their tags, and the names of the containers.
    pub(super) overlaps: Vec<(String, String)>,
    /// The end of the current outage.
    pub(super) away: Option<Instant>,
    /// Number of outages; each one breaks the connections of containers.
    pub(super) outages: watch::Sender<u32>,
    /// Receivers of container events.
    pub(super) followers: Vec<UnboundedSender<Result<ContainerEvent>>>,
}

/// The reason of errors during an outage.
pub(super) const UNREACHABLE: &str = "the engine cannot be reached (injected)";

impl World {
    pub(super) fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self, op: FakeOp) {
        self.state().log.push(op);
    }

    /// A build of `tag` begins. It ends when the result is dropped.
    pub(super) fn begin_build(&self, tag: &str) -> RunningBuild {
        let mut state = self.state();
        state.building += 1;
        state.most_building = state.most_building.max(state.building);
        state.builds.insert(tag.to_owned());
        let beside: Vec<String> =
            state.running.iter().filter_map(|id| state.containers.get(id)).map(|(name, _)| name.clone()).collect();
        state.overlaps.extend(beside.into_iter().map(|name| (tag.to_owned(), name)));
        RunningBuild { world: self.clone(), tag: tag.to_owned() }
    }

    /// Whether `fault` is due now; consumes one occurrence.
    pub(super) fn fails(&self, fault: FakeFault) -> bool {
        let mut state = self.state();
        let Some(times) = state.faults.get_mut(&fault).filter(|times| **times > 0) else { return false };
        *times -= 1;
        true
    }

    /// Hangs for ever if `fault` is due now.
    pub(super) async fn hangs(&self, fault: FakeFault) {
        if self.fails(fault) {
            std::future::pending::<()>().await;
        }
    }

    /// Fails during an outage, or if a fault is due.
    pub(super) fn reachable(&self, operation: &'static str, object: &str) -> Result<()> {
        let away = self.state().away.is_some_and(|until| Instant::now() < until);
        if away || self.fails(FakeFault::Unreachable) {
            return Err(EngineError::new(operation, object, Class::Unreachable, UNREACHABLE));
        }
        Ok(())
    }

    pub(super) fn outages(&self) -> u32 {
        *self.state().outages.borrow()
    }

    /// Fails if an outage has broken the connection of an operation that started after `outages` outages.
    pub(super) fn unbroken(&self, operation: &'static str, object: &str, outages: u32) -> Result<()> {
        if self.outages() == outages {
            return Ok(());
        }
        Err(EngineError::new(operation, object, Class::Interrupted, UNREACHABLE))
    }

    /// Sends an event of a container to all followers.
    pub(super) fn publish(&self, id: &str, what: ContainerChange) {
        let mut state = self.state();
        let event = ContainerEvent { at_us: now_us(), container: id.to_owned(), what };
        state.followers.retain(|follower| follower.send(Ok(event.clone())).is_ok());
    }

    pub(super) fn remove(&self, id: &str) -> Result<()> {
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

/// A build in progress.
pub(super) struct RunningBuild {
    world: World,
    tag: String,
}

impl Drop for RunningBuild {
    fn drop(&mut self) {
        let mut state = self.world.state();
        state.building -= 1;
        state.builds.remove(&self.tag);
    }
}

/// Microseconds since the first call, by tokio's clock, which tests may pause.
fn now_us() -> u64 {
    static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let begin = *BEGIN.get_or_init(std::time::Instant::now);
    let since = Instant::now().into_std().saturating_duration_since(begin);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
