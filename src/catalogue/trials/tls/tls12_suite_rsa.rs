//! `tls12-suite-rsa`: ATS agrees on ECDHE-RSA with AES-128-GCM in TLS 1.2.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, OriginTls, TlsVersion, TrialSpec};

/// The only suite of the origin, by its name in rustls.
const SUITE: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls12-suite-rsa",
    title: "ATS agrees on ECDHE-RSA with AES-128-GCM in TLS 1.2",
    why: "the suite of most older origins; crypto policies drop suites by distro",
    link: "https://docs.fedoraproject.org/en-US/packaging-guidelines/CryptoPolicies/",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let suites = vec![SUITE.into()];
    let certificate = Certificate::Rsa;
    spec::https_get_from(OriginTls { suites, certificate, ..spec::versions(&[TlsVersion::Tls12]) })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_suite(observation, SUITE));
    checks
}
