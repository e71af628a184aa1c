//! `alpn-http11-origin`: ATS speaks HTTP/1.1 to an origin that offers nothing else by ALPN.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "alpn-http11-origin",
    title: "ATS speaks HTTP/1.1 to an origin that offers nothing else by ALPN",
    why: "origins that insist on ALPN; ATS before 10 sends none",
    link: "https://www.rfc-editor.org/rfc/rfc7301",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { alpn: vec!["http/1.1".into()], ..OriginTls::default() })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::negotiated(
        observation,
        "ALPN http/1.1 or none at the origin",
        |tls| ["", "http/1.1"].contains(&tls.alpn.as_str()),
        |tls| if tls.alpn.is_empty() { "no ALPN".into() } else { format!("ALPN {}", tls.alpn) },
    ));
    checks.push(check::requested_by(observation, "HTTP/1.1"));
    checks
}
