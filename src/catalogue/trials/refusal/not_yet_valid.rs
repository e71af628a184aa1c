//! `refuse-not-yet-valid`: ATS refuses a certificate that is not valid yet.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-not-yet-valid",
    title: "ATS refuses a certificate that is not valid yet",
    why: "the other end of the same check",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::NotYetValid)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::NotYetValid)
}
