//! `refuse-client-certificate`: ATS refuses a certificate that is for clients only.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-client-certificate",
    title: "ATS refuses a certificate that is for clients only",
    why: "purposes are checked by OpenSSL, and stricter with each major version",
    link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::ClientOnly)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::Purpose)
}
