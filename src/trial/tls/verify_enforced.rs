//! `tls-verify-enforced`: ATS with certificate verification enforced accepts an origin whose chain and name are good.

use crate::model::{Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "tls-verify-enforced",
    title: "ATS with certificate verification enforced accepts an origin whose chain and name are good",
    why: "ENFORCED is the default from ATS 10 on; the verification callbacks are where OpenSSL upgrades bite",
    link: "https://github.com/apache/trafficserver/pull/7587",
    kind: Kind::Subject,
    needs_ats: None,
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let policy = "proxy.config.ssl.client.verify.server.policy";
    let properties = "proxy.config.ssl.client.verify.server.properties";
    TrialSpec { records: vec![spec::string(policy, "ENFORCED"), spec::string(properties, "ALL")], ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    checks.push(check::over_tls(observation));
    checks
}
