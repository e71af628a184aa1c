//! `cert-long-chain`: ATS accepts a chain of more than 16 KiB, verification being enforced.

use crate::model::{Certificate, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "cert-long-chain",
    title: "ATS accepts a chain of more than 16 KiB, verification being enforced",
    why: "the handshake takes several records and reads",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-5.1",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::LongChain)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
