//! `mtls-global`: ATS shows its client certificate to an origin that requires one.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "mtls-global",
    title: "ATS shows its client certificate to an origin that requires one",
    why: "zero-trust set-ups: loading of certificates and keys is where providers of OpenSSL 3 differ",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-ssl-client-cert-path",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = OriginTls { client_auth: true, ..OriginTls::default() };
    TrialSpec { records: spec::client_certificate(), ..spec::https_get_from(tls) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::with_client_certificate(observation));
    checks
}
