//! `mtls-sni-yaml`: ATS shows the client certificate that sni.yaml names for this origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Need, Trial, spec};
use crate::model::{Observation, OriginTls, Side, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "mtls-sni-yaml",
    title: "ATS shows the client certificate that sni.yaml names for this origin",
    why: "the per-origin way, which upgrades of 8 to 9 move to",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/sni.yaml.en.html",
    kind: Kind::Subject,
    // What 8.1.11 has is the word client_cert, which alone was not seen to work in any form; client_key is not in it.
    needs: &[Need::Ats(
        ">=9",
        "8.1 has no key for the private key of a client certificate there: client_key came with 9.0 \
         (apache/trafficserver#4457)",
    )],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = OriginTls { client_auth: true, ..OriginTls::default() };
    let keys = [("client_cert", "{dir}/client.pem"), ("client_key", "{dir}/client.key")];
    TrialSpec { sni: vec![spec::sni(Side::Origin, &keys)], ..spec::https_get_from(tls) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::with_client_certificate(observation));
    checks
}
