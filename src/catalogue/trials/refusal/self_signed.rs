//! `refuse-self-signed`: ATS refuses a certificate signed by itself.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-self-signed",
    title: "ATS refuses a certificate signed by itself",
    why: "the text of this error changed in OpenSSL 3, the refusal must not",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::SelfSigned)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::SelfSigned)
}
