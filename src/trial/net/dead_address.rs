//! `net-dead-address`: ATS reaches an origin one of whose addresses is dead.

use crate::model::{Observation, Place, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "net-dead-address",
    title: "ATS reaches an origin one of whose addresses is dead",
    why: "the reason to have several",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-http-connect-attempts-rr-retries",
    kind: Kind::Subject,
    needs: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records =
        vec![spec::int("http.connect_attempts_max_retries", 3), spec::int("http.connect_attempts_rr_retries", 1)];
    TrialSpec { place: Place::RemoteAndDead, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
