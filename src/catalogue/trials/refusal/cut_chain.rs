//! `refuse-cut-chain`: ATS refuses a certificate whose intermediate CA is not sent.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-cut-chain",
    title: "ATS refuses a certificate whose intermediate CA is not sent",
    why: "browsers fetch what is missing, ATS must not: an origin that works in a browser fails here",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::ChainCut)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::UnknownIssuer)
}
