//! `nginx-tls12`: ATS reaches an nginx that speaks TLS 1.2 with one suite.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The suite, by OpenSSL's name, which nginx uses.
const SUITE: &str = "ECDHE-ECDSA-AES256-GCM-SHA384";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "nginx-tls12",
    title: "ATS reaches an nginx that speaks TLS 1.2 with one suite",
    why: "hardened origins of some years ago name their suites; both ends then have to agree on one",
    link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_ciphers",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::nginx_get(&["ssl_protocols TLSv1.2;", &format!("ssl_ciphers {SUITE};")])
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_version(observation, "TLSv1.2"));
    checks.push(check::over_suite(observation, SUITE));
    checks
}
