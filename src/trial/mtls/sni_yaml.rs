//! `mtls-sni-yaml`: ATS shows the client certificate that sni.yaml names for this origin.

use crate::model::{Observation, OriginTls, Side, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Need, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "mtls-sni-yaml",
    title: "ATS shows the client certificate that sni.yaml names for this origin",
    why: "the per-origin way, which upgrades of 8 to 9 move to",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/sni.yaml.en.html",
    kind: Kind::Subject,
    needs: &[Need::Ats(">=9", "no form of client_cert in ssl_server_name.yaml was seen to work with 8.1.11")],
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
