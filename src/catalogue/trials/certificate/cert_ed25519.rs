//! `cert-ed25519`: ATS accepts an Ed25519 certificate, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
