//! `verify-disabled`: with the policy DISABLED ATS goes on without a word.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "verify-disabled",
    title: "with the policy DISABLED ATS goes on without a word",
    why: "what many run inside their own network",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-ssl-client-verify-server-policy",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: spec::policy("DISABLED"), ..spec::verified_get_from(Certificate::Untrusted) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::logged(observation, "certificate verification failed", false));
    checks
}
