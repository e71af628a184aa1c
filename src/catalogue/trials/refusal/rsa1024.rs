//! `refuse-rsa1024`: ATS refuses a certificate with an RSA key of 1024 bits.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "refuse-rsa1024",
    title: "ATS refuses a certificate with an RSA key of 1024 bits",
    why: "below the security level that distros set; appliances of fifteen years ago have such keys",
    link: "https://github.com/openssl/openssl/issues/17476",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: spec::enforced(), ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (1024, "-sha256")) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::WeakKey)
}
