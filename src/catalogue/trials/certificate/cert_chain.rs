//! `cert-chain`: ATS accepts a certificate below an intermediate CA, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
