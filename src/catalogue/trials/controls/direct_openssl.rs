//! `ctl-direct-openssl`: the distro's own openssl `s_client` reaches the TLS origin without ATS.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Route, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "ctl-direct-openssl",
    title: "the distro's own openssl s_client reaches the TLS origin without ATS",
    why: "the libssl, openssl.cnf and crypto policy that the distro has for all: where it passes and ATS fails, these are not to blame",
    link: "https://github.com/apache/trafficserver/issues/11858",
    kind: Kind::DirectControl,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { route: Route::DirectOpenssl, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
