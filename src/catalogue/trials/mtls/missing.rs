//! `mtls-missing`: without a client certificate ATS gives up on an origin that requires one.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "mtls-missing",
    title: "without a client certificate ATS gives up on an origin that requires one",
    why: "in TLS 1.3 the alert comes after the handshake, when ATS has begun to send",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { client_auth: true, ..OriginTls::default() })
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::NoClientCertificate)
}
