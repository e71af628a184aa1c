//! `ctl-plain-origin`: ATS reaches a plain HTTP origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "ctl-plain-origin",
    title: "ATS reaches a plain HTTP origin",
    why: "an ATS that fails here is broken in another way than TLS: the seed bug leaves this untouched",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::PlainControl,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { origin: spec::plain(), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    checks
}
