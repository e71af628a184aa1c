//! `tls-same-host`: ATS reaches a TLS origin on the same host, on another port.

use crate::model::{Observation, Place, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "tls-same-host",
    title: "ATS reaches a TLS origin on the same host, on another port",
    why: "place does not matter to the seed bug; loopback has another MTU and path than a veth",
    link: "https://github.com/apache/trafficserver/issues/11858",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { place: Place::SameHost, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
