//! `refuse-wrong-name`: ATS refuses a certificate for another name.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-wrong-name",
    title: "ATS refuses a certificate for another name",
    why: "the half of verification that is ATS's own code",
    link: "https://github.com/apache/trafficserver/issues/4023",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::WrongName)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::OtherName)
}
