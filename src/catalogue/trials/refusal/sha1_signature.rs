//! `refuse-sha1-signature`: ATS refuses a certificate signed with SHA-1.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
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
    TrialSpec { records: spec::enforced(), ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (2048, "-sha1")) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::WeakSignature)
}
