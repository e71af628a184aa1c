//! `nginx-mtls`: ATS shows its client certificate to an nginx that requires one.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "nginx-mtls",
    title: "ATS shows its client certificate to an nginx that requires one",
    why: "OpenSSL on the other end asks for certificates, and judges them, in its own way",
    link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_verify_client",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let directives = ["ssl_verify_client on;", "ssl_client_certificate {dir}/ca.pem;"];
    TrialSpec { records: spec::client_certificate(), ..spec::nginx_get(&directives) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::with_client_certificate(observation));
    checks
}
