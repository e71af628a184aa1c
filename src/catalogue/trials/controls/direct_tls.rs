//! `ctl-direct-tls`: the agent's own TLS client reaches the TLS origin without ATS and without the distro's OpenSSL.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Route, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "ctl-direct-tls",
    title: "the agent's own TLS client reaches the TLS origin without ATS and without the distro's OpenSSL",
    why: "the same client in every cell: when it fails the origin or the network is at fault",
    link: "https://github.com/apache/trafficserver/issues/11858",
    kind: Kind::DirectControl,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { route: Route::DirectAgent, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
