//! `tls-openssl-origin`: ATS reaches the distro's own openssl `s_server`.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls-openssl-origin",
    title: "ATS reaches the distro's own openssl s_server",
    why: "another TLS stack than the instrumented origin: what fails with one alone is a matter between two stacks",
    link: "https://docs.openssl.org/3.0/man1/openssl-s_server/",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::openssl_get("")
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::page_of_openssl(observation, &["TLSv1.2", "TLSv1.3"])
}
