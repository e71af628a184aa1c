//! The parent in a cell with two ATS: its container, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::ParentJob;
use super::attempt::{AgentStream, RunningAttempt};
use super::evidence::{Agent, ParentEvidence};
use crate::model::{AgentPlan, CellPlan, Identity, Route, Tier, TrialPlan};

impl RunningAttempt<'_> {
    /// Starts the container of the parent. `addresses` are those of the origins.
    pub(super) async fn start_parent(
        &mut self,
        parent: &ParentJob,
        plans: &[TrialPlan],
        identity: &Identity,
        addresses: &BTreeMap<Agent, String>,
    ) -> anyhow::Result<AgentStream> {
        let ParentJob { planned, image } = parent;
        let command = self.command_of(planned.own_image.then_some(&planned.tag).map(String::as_str)).await?;
        let plan = AgentPlan::Parent(Box::new(CellPlan {
            origin_ip: addresses.get(&Agent::Origin).cloned().unwrap_or_default(),
            beside: BTreeMap::new(),
            identity: identity.clone(),
            trials: through(plans).cloned().collect(),
            binary: planned.binary.clone(),
            command,
            deadline_ms: u64::try_from(self.job.limits.cell.as_millis()).unwrap_or(u64::MAX),
            keep: self.job.keep,
            swap: None,
            own: None,
            token: self.parent_token.clone(),
            tier: Some(Tier::Parent { token: self.token.clone(), child: None }),
        }));
        let capabilities = ["NET_RAW", "NET_BIND_SERVICE"];
        self.start(Agent::Parent, image, &capabilities, &plan).await
    }

    /// From now on evidence of these trials is that of two ATS.
    pub(super) fn note_parent(&mut self, plans: &[TrialPlan], addresses: &BTreeMap<Agent, String>) {
        let through: BTreeSet<String> = through(plans).map(|plan| plan.id.clone()).collect();
        let address = addresses.get(&Agent::Parent).cloned().unwrap_or_default();
        self.gathered.parent = Some(ParentEvidence { address, through, ..ParentEvidence::default() });
    }

    /// Entrypoint and command of the user's own image `delivered`.
    pub(super) async fn command_of(&self, delivered: Option<&str>) -> anyhow::Result<Vec<String>> {
        let Some(image) = delivered else { return Ok(Vec::new()) };
        Ok(self.engine.image(image).await?.map(|found| found.command).unwrap_or_default())
    }
}

/// The trials that go through the parent.
fn through(plans: &[TrialPlan]) -> impl Iterator<Item = &TrialPlan> {
    plans.iter().filter(|plan| plan.spec.route == Route::Ats)
}
