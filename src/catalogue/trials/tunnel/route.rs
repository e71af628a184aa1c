//! `tunnel-route`: by `tunnel_route` a TLS client reaches the origin's own TLS.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-route",
    title: "by tunnel_route a TLS client reaches the origin's own TLS",
    why: "ATS reads the server name and passes bytes on",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/sni.yaml.en.html",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::tunnel_route(Front::Tls)
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "origin"));
    checks
}
