//! `ctl-direct-curl`: the distro's own curl reaches the TLS origin without ATS.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Route, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "ctl-direct-curl",
    title: "the distro's own curl reaches the TLS origin without ATS",
    why: "separates a broken origin, certificate or crypto policy from ATS: the reporter of the seed bug had to do this by hand",
    link: "https://github.com/apache/trafficserver/issues/11858",
    kind: Kind::DirectControl,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { route: Route::DirectCurl, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
