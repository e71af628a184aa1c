//! `group-x25519`: ATS agrees on the group X25519.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The only group of the origin, by its name in rustls.
const GROUP: &str = "X25519";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "group-x25519",
    title: "ATS agrees on the group X25519",
    why: "the default group of OpenSSL since 1.1.1",
    link: "https://www.rfc-editor.org/rfc/rfc7748",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { groups: vec![GROUP.into()], ..OriginTls::default() })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_group(observation, GROUP));
    checks
}
