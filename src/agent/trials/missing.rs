//! What trials need in this container besides ATS, and how those that lack it are reported.

use super::{TrialRunner, requester, settings};
use crate::agent::origin::{self, Unable};
use crate::agent::traffic_server::Installation;
use crate::model::{AtsLife, Line, Place, TrialPlan};

impl TrialRunner {
    /// The trials of the plan that can run here. For the others it reports what is missing.
    pub(super) async fn runnable_trials(&self, installation: &Installation) -> Vec<TrialPlan> {
        let trials = &self.plan.trials;
        let wants_ipv6 = |trial: &TrialPlan| trial.spec.place == Place::RemoteAndDeadV6;
        let wants_lock = |trial: &TrialPlan| trial.spec.locked_key;
        let reloads = |trial: &TrialPlan| trial.spec.client.act.reloads();
        let no_reload = installation.missing_for_reload();
        let no_ipv6 = if trials.iter().any(wants_ipv6) { origin::no_ipv6().await } else { None };
        let unlocked = if trials.iter().any(wants_lock) { settings::lock_key().await.err() } else { None };
        let mut able = Vec::new();
        for trial in trials {
            let unable = match (&no_ipv6, &unlocked, &no_reload) {
                (Some(reason), ..) if wants_ipv6(trial) => Some(Ok(reason.clone())),
                (_, Some(Unable::Missing(reason)), _) if wants_lock(trial) => Some(Ok(reason.clone())),
                (_, Some(Unable::Fault(error)), _) if wants_lock(trial) => Some(Err(format!("{error:#}"))),
                (.., Some(reason)) if reloads(trial) => Some(Ok(reason.clone())),
                _ => None,
            };
            let id = trial.id.clone();
            match unable {
                None => able.push(trial.clone()),
                Some(Ok(reason)) => {
                    let run = requester::missing(&reason);
                    self.emitter.emit(&Line::Client { trial: id, run, ats: AtsLife::Alive });
                }
                Some(Err(text)) => self.emitter.emit(&Line::Fault { trial: Some(id), text }),
            }
        }
        able
    }
}
