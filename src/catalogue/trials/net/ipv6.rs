//! `net-ipv6`: ATS reaches a TLS origin that has an IPv6 address alone.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Place, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "net-ipv6",
    title: "ATS reaches a TLS origin that has an IPv6 address alone",
    why: "names without an A record",
    link: "https://github.com/apache/trafficserver/issues/7663",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { place: Place::SameHostV6, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::from_family(observation, "[::1]:"));
    checks
}
