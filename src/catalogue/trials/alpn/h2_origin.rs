//! `alpn-h2-origin`: ATS speaks HTTP/2 to an origin that can.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Need, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "alpn-h2-origin",
    title: "ATS speaks HTTP/2 to an origin that can",
    why: "new in ATS 10",
    link: "https://github.com/apache/trafficserver/pull/12190",
    kind: Kind::Subject,
    needs: &[Need::Ats(">=10", "ATS speaks HTTP/2 to origins from 10.0 on")],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = OriginTls { alpn: vec!["h2".into(), "http/1.1".into()], ..OriginTls::default() };
    TrialSpec { records: vec![spec::string("ssl.client.alpn_protocols", "h2,http/1.1")], ..spec::https_get_from(tls) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_alpn(observation, "h2"));
    checks.push(check::requested_by(observation, "HTTP/2.0"));
    checks
}
