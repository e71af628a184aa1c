//! `refuse-tls10-only`: ATS refuses an origin that speaks TLS 1.0 only.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-tls10-only",
    title: "ATS refuses an origin that speaks TLS 1.0 only",
    why: "off by default in ATS, and below the security level of OpenSSL 3",
    link: "https://github.com/openssl/openssl/issues/17476",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::openssl_get("-tls1 -cipher ALL:@SECLEVEL=0")
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::refused(observation);
    // It is the version that they do not agree on.
    checks.push(check::hello(
        observation,
        "a ClientHello without TLSv1.0",
        |hello| !hello.versions.is_empty() && !hello.versions.iter().any(|version| version == "TLSv1.0"),
        |hello| format!("a ClientHello with {}", hello.versions.join(", ")),
    ));
    checks
}
