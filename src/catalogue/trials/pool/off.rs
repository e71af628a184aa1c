//! `pool-off`: with sharing off each client has a connection of its own to the origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pool-off",
    title: "with sharing off each client has a connection of its own to the origin",
    why: "who must not mix clients on one connection relies on it",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-http-server-session-sharing-match",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::two_connections(OriginTls::default())
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(2)));
    checks.push(check::over_tls(observation));
    checks
}
