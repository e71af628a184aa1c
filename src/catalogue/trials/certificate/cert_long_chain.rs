//! `cert-long-chain`: ATS accepts a chain of more than 16 KiB, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
