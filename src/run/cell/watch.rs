//! Watches the containers of an attempt while it lasts, by what the engine tells of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::evidence::Agent;
use super::trouble::{self, Trouble};
use crate::engine::{self, Engine, Happening, What};

/// How long the engine may take to say that a container died which it has taken off its network: that is
/// how ends begin.
const END: Duration = Duration::from_secs(2);

/// What the engine tells of the containers of one attempt.
#[derive(Default)]
pub(super) struct Watch {
    happenings: Option<BoxStream<'static, engine::Result<Happening>>>,
    /// Ids of the containers.
    containers: Vec<(String, Agent)>,
    seen: Vec<(Agent, u64, What)>,
}

impl Watch {
    /// Begins; containers are to be started after it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn begin(&mut self, engine: &Arc<dyn Engine>) -> engine::Result<()> {
        self.happenings = Some(engine.happenings().await?);
        Ok(())
    }

    /// Takes a container under watch.
    pub(super) fn over(&mut self, id: &str, agent: Agent) {
        self.containers.push((id.to_owned(), agent));
    }

    /// Resolves when nothing more can come of the attempt, with the reason: a container that most trials
    /// stand on is gone, or the engine is. What else happens is noted. nginx serves a few trials: the others go on.
    pub(super) async fn hopeless(&mut self) -> anyhow::Error {
        loop {
            let (agent, at_us, what) = match self.next().await {
                Ok(seen) => seen,
                Err(error) => return error.into(),
            };
            match (agent, what) {
                // How the cell's own container ends, its own stream tells; its end takes it from its network.
                (Agent::Beside(_), _) | (_, What::Paused | What::Resumed) | (Agent::Cell, What::Died { .. }) => {
                    continue;
                }
                (Agent::Cell, What::LeftNetwork) if self.ends(agent).await => continue,
                (Agent::Cell, What::LeftNetwork) => self.seen.push((agent, at_us, what)),
                (Agent::Origin, What::LeftNetwork) => drop(self.ends(agent).await),
                (Agent::Origin, What::Died { .. }) => {}
            }
            let why = self.troubles().into_iter().find(|trouble| trouble.agent == agent);
            return anyhow::anyhow!(why.map_or_else(String::new, |trouble| trouble.text));
        }
    }

    /// Whether `agent`, which has left its network, does so since it ends.
    async fn ends(&mut self, agent: Agent) -> bool {
        let died = async {
            while let Ok((of, _, what)) = self.next().await {
                if of == agent && matches!(what, What::Died { .. }) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(END, died).await.unwrap_or(false)
    }

    /// The next thing that happens to one of the containers. It is noted, but for how the cell's own ends.
    async fn next(&mut self) -> engine::Result<(Agent, u64, What)> {
        loop {
            let Some(happenings) = &mut self.happenings else { return std::future::pending().await };
            let Happening { at_us, container, what } = match happenings.next().await {
                Some(happened) => happened?,
                None => return std::future::pending().await,
            };
            let Some(&(_, agent)) = self.containers.iter().find(|(id, _)| *id == container) else { continue };
            if agent != Agent::Cell || matches!(what, What::Paused | What::Resumed) {
                self.seen.push((agent, at_us, what));
            }
            return Ok((agent, at_us, what));
        }
    }

    /// What has happened so far.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        trouble::of(&self.seen)
    }
}
