//! `pool-shared`: two clients share one connection to the TLS origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pool-shared",
    title: "two clients share one connection to the TLS origin",
    why: "a pool that does not find its sessions costs a handshake a request: it broke in the 10.1 line",
    link: "https://github.com/apache/trafficserver/issues/12214",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { client: spec::requests(vec![spec::get(), spec::fresh_get()]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(1)));
    checks.push(check::over_tls(observation));
    checks
}
