//! `ctl-unmapped`: ATS answers a host it has no rule for.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginSpec, Remap, Speak, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "ctl-unmapped",
    title: "ATS answers a host it has no rule for",
    why: "shows that ATS itself is alive, whatever its origins are like",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/remap.config.en.html",
    kind: Kind::PlainControl,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let origin = OriginSpec { speak: Speak::Nobody, ..spec::plain() };
    TrialSpec { origin, remap: Remap::None, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[404]), check::no_flow(observation)]
}
