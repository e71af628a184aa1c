//! `refuse-expired`: ATS refuses an expired certificate.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-expired",
    title: "ATS refuses an expired certificate",
    why: "a refusal that turns into a pass when the clock or a callback is ignored",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Expired)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::Expired)
}
