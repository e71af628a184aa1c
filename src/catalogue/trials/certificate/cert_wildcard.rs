//! `cert-wildcard`: ATS accepts a wildcard certificate, verification being enforced.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, Remap, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "cert-wildcard",
    title: "ATS accepts a wildcard certificate, verification being enforced",
    why: "ATS compares names with code of its own: a change of OpenSSL's does not reach it",
    link: "https://github.com/apache/trafficserver/blob/master/tests/gold_tests/tls/tls_verify.test.py",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { remap: Remap::ByWildName, ..spec::verified_get_from(Certificate::Wildcard) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
