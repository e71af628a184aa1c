//! `cert-ed25519`: ATS accepts an Ed25519 certificate, verification being enforced.

use crate::model::{Certificate, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "cert-ed25519",
    title: "ATS accepts an Ed25519 certificate, verification being enforced",
    why: "known to OpenSSL since 1.1.1, and left out of FIPS policies",
    link: "https://www.rfc-editor.org/rfc/rfc8410",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Ed25519)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
