//! Waits until the containers that a cell depends on listen.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::attempt::{AgentStream, ORIGIN_START, RunningAttempt};
use super::evidence::{Agent, Gathered};
use super::watch::Watch;
use crate::agent::seal::SealError;
use crate::model::Line;

impl RunningAttempt<'_> {
    /// Waits until an origin or the parent listens, and takes down its address.
    pub(super) async fn wait_until_listening(
        &mut self,
        stream: &mut AgentStream,
        addresses: &mut BTreeMap<Agent, String>,
        watch: &mut Watch,
    ) -> anyhow::Result<()> {
        let name = stream.agent.name();
        tokio::time::timeout(ORIGIN_START, wait_until_listening(stream, &mut self.gathered))
            .await
            .with_context(|| format!("{name} did not listen within {} s", ORIGIN_START.as_secs()))??;
        let address = self.started[stream.index].ip().await.with_context(|| format!("{name} has no address"))?;
        addresses.insert(stream.agent, address.to_string());
        watch.add(self.started[stream.index].id(), stream.agent);
        Ok(())
    }
}

/// Waits until the origin listens. Trials whose ports it cannot serve are recorded as faults; the others go on.
async fn wait_until_listening(origin: &mut AgentStream, gathered: &mut Gathered) -> anyhow::Result<()> {
    let agent = origin.agent;
    while let Some(text) = origin.lines.recv().await {
        match origin.opener.open(&text) {
            Ok(Line::Listening) => return Ok(()),
            Ok(Line::Fault { trial: None, text }) => bail!("{}: {text}", agent.name()),
            Ok(Line::Forged { by, text }) => {
                gathered.add(agent, Line::Forged { by, text });
                bail!("evidence was tampered with");
            }
            Ok(fault @ Line::Fault { .. }) => gathered.add(agent, fault),
            Ok(_) => {}
            Err(SealError::Forged(text)) => {
                gathered.tamper(agent, &format!("a line on its stdout was not written by its agent: {text}"));
                bail!("evidence was tampered with");
            }
            Err(SealError::Broken) => bail!("{}: lines are missing", agent.name()),
        }
    }
    bail!("{} ended before it listened", agent.name())
}
