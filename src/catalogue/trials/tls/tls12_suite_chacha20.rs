//! `tls12-suite-chacha20`: ATS agrees on ECDHE-ECDSA with ChaCha20-Poly1305 in TLS 1.2.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TlsVersion, TrialSpec};

/// The only suite of the origin, by its name in rustls.
const SUITE: &str = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls12-suite-chacha20",
    title: "ATS agrees on ECDHE-ECDSA with ChaCha20-Poly1305 in TLS 1.2",
    why: "not in FIPS policies: a distro that enforces them cannot speak it",
    link: "https://www.rfc-editor.org/rfc/rfc7905",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { suites: vec![SUITE.into()], ..spec::versions(&[TlsVersion::Tls12]) })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_suite(observation, SUITE));
    checks
}
