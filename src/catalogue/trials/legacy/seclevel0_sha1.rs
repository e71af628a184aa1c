//! `seclevel0-sha1`: at security level 0 ATS accepts a certificate signed with SHA-1.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "seclevel0-sha1",
    title: "at security level 0 ATS accepts a certificate signed with SHA-1, verification being enforced",
    why: "private CAs that cannot be renewed: the way out of `refuse-sha1-signature`; Fedora's policy from 41 on forbids it at any level",
    link: "https://docs.openssl.org/3.0/man3/SSL_CTX_set_security_level/",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = [spec::enforced(), vec![spec::level_0()]].concat();
    TrialSpec { records, ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (2048, "-sha1")) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::page_of_openssl(observation, &["TLSv1.2", "TLSv1.3"])
}
