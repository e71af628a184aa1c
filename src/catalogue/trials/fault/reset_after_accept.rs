//! `fault-reset-after-accept`: an origin that resets the connection gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-reset-after-accept",
    title: "an origin that resets the connection gives the client a 502",
    why: "load balancers without a healthy server do so",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { origin: spec::raw(vec![Step::Reset]), timed: true, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[502]), check::reset_by_origin(observation), check::at_once(observation)]
}
