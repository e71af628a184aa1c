//! `verify-permissive`: with the policy PERMISSIVE ATS goes on and warns.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "verify-permissive",
    title: "with the policy PERMISSIVE ATS goes on and warns",
    why: "the default of ATS 9: an upgrade to 10 turns the warning into a refusal",
    link: "https://github.com/apache/trafficserver/pull/7587",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: spec::policy("PERMISSIVE"), ..spec::verified_get_from(Certificate::Untrusted) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::logged(observation, "Action=Continue", true));
    checks
}
