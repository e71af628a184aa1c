//! `cert-rsa`: ATS accepts an RSA certificate, verification being enforced.

use crate::model::{Certificate, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "cert-rsa",
    title: "ATS accepts an RSA certificate, verification being enforced",
    why: "the most common kind; RSA-PSS and PKCS#1 signatures differ by policy",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Rsa)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
