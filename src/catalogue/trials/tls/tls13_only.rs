//! `tls13-only`: ATS reaches an origin that speaks TLS 1.3 only.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TlsVersion, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls13-only",
    title: "ATS reaches an origin that speaks TLS 1.3 only",
    why: "hardened origins have switched the older versions off",
    link: "https://www.rfc-editor.org/rfc/rfc8446",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = spec::versions(&[TlsVersion::Tls13]);
    spec::https_get_from(tls)
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    checks.push(check::over_version(observation, "TLSv1.3"));
    checks
}
