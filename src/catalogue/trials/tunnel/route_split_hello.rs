//! `tunnel-route-split-hello`: `tunnel_route` works for a ClientHello that comes in two segments.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-route-split-hello",
    title: "tunnel_route works for a ClientHello that comes in two segments",
    why: "browsers with post-quantum key shares send such ones",
    link: "https://github.com/apache/trafficserver/issues/11758",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-11758", ats: &[">=8.0,<9.2.12", ">=10.0,<10.1"] }],
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
