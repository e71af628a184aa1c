//! `verify-signature-only`: with the property SIGNATURE alone ATS does not compare names.

use crate::model::{Certificate, Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "verify-signature-only",
    title: "with the property SIGNATURE alone ATS does not compare names",
    why: "the half of verification that is about the chain alone",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-ssl-client-verify-server-properties",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: spec::signature_only(), ..spec::verified_get_from(Certificate::WrongName) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
