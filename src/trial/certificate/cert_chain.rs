//! `cert-chain`: ATS accepts a certificate below an intermediate CA, verification being enforced.

use crate::model::{Certificate, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "cert-chain",
    title: "ATS accepts a certificate below an intermediate CA, verification being enforced",
    why: "the usual shape of a public certificate",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Chain)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
