//! `refuse-untrusted-ca`: ATS refuses a certificate of a CA it does not know.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-untrusted-ca",
    title: "ATS refuses a certificate of a CA it does not know",
    why: "8.1 with the keys of 9 in its configuration accepts it: an upgrade path that fails open",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Untrusted)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::UnknownIssuer)
}
