//! `tls-verify-enforced`: ATS with certificate verification enforced accepts an origin whose chain and name are good.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls-verify-enforced",
    title: "ATS with certificate verification enforced accepts an origin whose chain and name are good",
    why: "ENFORCED is the default from ATS 10 on; the verification callbacks are where OpenSSL upgrades bite",
    link: "https://github.com/apache/trafficserver/pull/7587",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::verified_get_from(Certificate::Good)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
