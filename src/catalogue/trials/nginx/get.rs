//! `nginx-get`: ATS reaches nginx.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "nginx-get",
    title: "ATS reaches nginx, over TLS 1.3",
    why: "the commonest origin, with another TLS stack than the instrumented one; it says itself what it negotiated",
    link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::nginx_get(&["ssl_protocols TLSv1.2 TLSv1.3;"])
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_version(observation, "TLSv1.3"));
    checks.push(check::requested_by(observation, "HTTP/1.1"));
    checks
}
