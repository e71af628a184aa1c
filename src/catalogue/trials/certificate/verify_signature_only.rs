//! `verify-signature-only`: with the property SIGNATURE alone ATS does not compare names.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
