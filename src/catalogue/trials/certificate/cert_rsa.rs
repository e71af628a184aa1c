//! `cert-rsa`: ATS accepts an RSA certificate, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
