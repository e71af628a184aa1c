//! `net-v6-dead-v4-alive`: ATS reaches an origin whose IPv6 address is dead.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Place, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "net-v6-dead-v4-alive",
    title: "ATS reaches an origin whose IPv6 address is dead by its IPv4 address",
    why: "an AAAA record is published before the service listens there, and ATS prefers it",
    link: "https://github.com/apache/trafficserver/issues/7663",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-7663", ats: &[">=8.0"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    // IPv6 first, said out loud: by default the answer depends on the client's own family.
    let records = [spec::retrying(), vec![spec::string("hostdb.ip_resolve", "ipv6;ipv4")]].concat();
    TrialSpec { place: Place::RemoteAndDeadV6, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    // Who never tried the dead address has shown nothing.
    checks.push(check::turned_away(observation));
    checks
}
