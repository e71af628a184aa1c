//! `tls-same-host`: ATS reaches a TLS origin on the same host, on another port.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Place, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
