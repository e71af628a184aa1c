//! `refuse-signature-only`: with the property SIGNATURE alone ATS still refuses a CA it does not know.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-signature-only",
    title: "with the property SIGNATURE alone ATS still refuses a certificate of a CA it does not know",
    why: "the other side of `verify-signature-only`, which an ATS that verifies nothing would pass as well",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-ssl-client-verify-server-properties",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: spec::signature_only(), ..spec::verified_get_from(Certificate::Untrusted) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::UnknownIssuer)
}
