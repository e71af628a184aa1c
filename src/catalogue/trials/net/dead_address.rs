//! `net-dead-address`: ATS reaches an origin one of whose addresses is dead.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Place, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "net-dead-address",
    title: "ATS reaches an origin one of whose addresses is dead",
    why: "the reason to have several",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-http-connect-attempts-rr-retries",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    // Each of the two connects anew, and they begin with different addresses: one of them with the dead one.
    let client = spec::requests(vec![spec::get(), spec::fresh_get()]);
    let origin = spec::scripted(vec![spec::answer_once()]);
    TrialSpec { place: Place::RemoteAndDead, origin, client, records: spec::retrying(), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, None));
    checks.push(check::over_tls(observation));
    checks.push(check::turned_away(observation));
    checks
}
