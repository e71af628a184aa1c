//! Watches the containers of an attempt through the events of the engine.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::evidence::Agent;
use super::incident::{self, Incident};
use crate::engine::{self, ContainerChange, ContainerEvent, Engine};

/// How long to wait for the death of a container that has left its network. Engines disconnect a container when it ends.
const END_AFTER_DISCONNECT: Duration = Duration::from_secs(2);

/// The events of the containers of one attempt.
#[derive(Default)]
pub(super) struct Watch {
    happenings: Option<BoxStream<'static, engine::Result<ContainerEvent>>>,
    /// Ids of the containers, with their agents.
    containers: Vec<(String, Agent)>,
    seen: Vec<(Agent, u64, ContainerChange)>,
}

impl Watch {
    /// Subscribes to events. Call it before containers start.
    ///
    /// # Errors
    /// The engine does not answer.
    pub(super) async fn start(&mut self, engine: &Arc<dyn Engine>) -> engine::Result<()> {
        self.happenings = Some(engine.container_events().await?);
        Ok(())
    }

    /// Watches a container.
    pub(super) fn add(&mut self, id: &str, agent: Agent) {
        self.containers.push((id.to_owned(), agent));
    }

    /// Resolves with the reason when the attempt must be aborted: the engine, or a container that most trials depend on, is
    /// gone. All other events are only recorded. nginx and httpd serve a few trials; the other trials go on without them.
    pub(super) async fn wait_for_loss(&mut self) -> anyhow::Error {
        loop {
            let (agent, at_us, what) = match self.next().await {
                Ok(seen) => seen,
                Err(error) => return error.into(),
            };
            match (agent, what) {
                // The stream of the cell's own container reports how it ends; its end disconnects it from the network.
                (Agent::Beside(_), _)
                | (_, ContainerChange::Paused | ContainerChange::Resumed)
                | (Agent::Cell, ContainerChange::Died { .. }) => continue,
                (Agent::Cell, ContainerChange::LeftNetwork) if self.is_ending(agent).await => continue,
                (Agent::Cell, ContainerChange::LeftNetwork) => self.seen.push((agent, at_us, what)),
                (Agent::Origin | Agent::Parent, ContainerChange::LeftNetwork) => drop(self.is_ending(agent).await),
                (Agent::Origin | Agent::Parent, ContainerChange::Died { .. }) => {}
            }
            let why = self.incidents().into_iter().find(|incident| incident.agent == agent);
            return anyhow::anyhow!(why.map_or_else(String::new, |incident| incident.text));
        }
    }

    /// Whether the container of `agent`, which has left its network, is ending.
    async fn is_ending(&mut self, agent: Agent) -> bool {
        let died = async {
            while let Ok((of, _, what)) = self.next().await {
                if of == agent && matches!(what, ContainerChange::Died { .. }) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(END_AFTER_DISCONNECT, died).await.unwrap_or(false)
    }

    /// The next event of one of the containers. It is recorded, except how the cell's own container ends.
    async fn next(&mut self) -> engine::Result<(Agent, u64, ContainerChange)> {
        loop {
            let Some(happenings) = &mut self.happenings else { return std::future::pending().await };
            let ContainerEvent { at_us, container, what } = match happenings.next().await {
                Some(happened) => happened?,
                None => return std::future::pending().await,
            };
            let Some(&(_, agent)) = self.containers.iter().find(|(id, _)| *id == container) else { continue };
            if agent != Agent::Cell || matches!(what, ContainerChange::Paused | ContainerChange::Resumed) {
                self.seen.push((agent, at_us, what));
            }
            return Ok((agent, at_us, what));
        }
    }

    /// The incidents so far.
    pub(super) fn incidents(&self) -> Vec<Incident> {
        incident::from_events(&self.seen)
    }
}
