//! `cert-p384`: ATS accepts a P-384 certificate, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "cert-p384",
    title: "ATS accepts a P-384 certificate, verification being enforced",
    why: "signature algorithms are a list of its own in crypto policies",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::P384)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
