//! `tls13-suite-aes256`: ATS agrees on AES-256-GCM in TLS 1.3.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TlsVersion, TrialSpec};

/// The only suite of the origin, by its name in rustls.
const SUITE: &str = "TLS13_AES_256_GCM_SHA384";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls13-suite-aes256",
    title: "ATS agrees on AES-256-GCM in TLS 1.3",
    why: "suites of TLS 1.3 are set apart from those of 1.2 (ssl.client.TLSv1_3.cipher_suites)",
    link: "https://www.rfc-editor.org/rfc/rfc8446#appendix-B.4",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { suites: vec![SUITE.into()], ..spec::versions(&[TlsVersion::Tls13]) })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_suite(observation, SUITE));
    checks
}
