//! `refuse-sha1-signature`: ATS refuses a certificate signed with SHA-1.

use crate::model::{Observation, OriginSpec, Place, Speak, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "refuse-sha1-signature",
    title: "ATS refuses a certificate signed with SHA-1",
    why: "security levels of OpenSSL 3 and the policy of Fedora 41 forbid it",
    link: "https://gitlab.com/redhat-crypto/fedora-crypto-policies/-/merge_requests/184",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let speak = Speak::Openssl { args: words("-cipher ALL:@SECLEVEL=0"), sign: words("-sha1") };
    let origin = OriginSpec { https: true, tls: None, speak };
    TrialSpec { place: Place::SameHost, origin, records: spec::enforced(), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::WeakSignature)
}
