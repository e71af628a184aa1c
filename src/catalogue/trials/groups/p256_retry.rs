//! `group-p256-retry`: ATS agrees on P-256 with an origin that knows nothing newer.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TlsVersion, TrialSpec};

/// The only group of the origin, by its name in rustls.
const GROUP: &str = "secp256r1";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "group-p256-retry",
    title: "ATS agrees on P-256 with an origin that knows nothing newer",
    why: "the key share is for another group, so the origin asks again (HelloRetryRequest): a second ClientHello on the same connection",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.1.4",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { groups: vec![GROUP.into()], ..spec::versions(&[TlsVersion::Tls13]) })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_group(observation, GROUP));
    // With a share of it the origin would not have had to ask again.
    checks.push(check::hello(
        observation,
        format!("a first ClientHello without a key share of {GROUP}"),
        |hello| !hello.key_shares.iter().any(|share| share == GROUP),
        |hello| format!("a first ClientHello with key shares of {}", hello.key_shares.join(", ")),
    ));
    checks
}
