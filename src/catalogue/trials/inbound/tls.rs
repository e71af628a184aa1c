//! `inbound-tls`: a TLS client reaches the TLS origin through ATS.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "inbound-tls",
    title: "a TLS client reaches the TLS origin through ATS",
    why: "both sides of ATS at once, with one libssl",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/ssl_multicert.config.en.html",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { client: ClientSpec { front: Front::Tls, ..spec::https_get().client }, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "ats"));
    checks
}
