//! `tunnel-route-split-hello`: `tunnel_route` works for a ClientHello that comes in two segments.

use crate::model::{Front, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Need, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "tunnel-route-split-hello",
    title: "tunnel_route works for a ClientHello that comes in two segments",
    why: "browsers with post-quantum key shares send such ones",
    link: "https://github.com/apache/trafficserver/issues/11758",
    kind: Kind::Subject,
    needs: &[Need::Ats(
        ">=9.2.12",
        "before 9.2.12 and 10.1 ATS hangs on a split ClientHello (apache/trafficserver#11758)",
    )],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::tunnel_route(Front::TlsSplitHello)
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "origin"));
    checks
}
