//! `http-keepalive-reuse`: two requests reach the TLS origin on one kept-alive connection.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-keepalive-reuse",
    title: "two requests reach the TLS origin on one kept-alive connection",
    why: "a lost pool costs a handshake a request; it broke once in the 10.1 line",
    link: "https://github.com/apache/trafficserver/issues/12214",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::get(), spec::get()]);
    TrialSpec { client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(1)));
    checks.push(check::over_tls(observation));
    checks
}
