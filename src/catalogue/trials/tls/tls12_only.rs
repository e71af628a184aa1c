//! `tls12-only`: ATS reaches an origin that speaks TLS 1.2 only.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TlsVersion, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls12-only",
    title: "ATS reaches an origin that speaks TLS 1.2 only",
    why: "many origins still speak nothing newer; a ClientHello grown by new groups breaks some of them",
    link: "https://github.com/openssl/openssl/issues/27557",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = spec::versions(&[TlsVersion::Tls12]);
    spec::https_get_from(tls)
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    checks.push(check::over_version(observation, "TLSv1.2"));
    checks
}
