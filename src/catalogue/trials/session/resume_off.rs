//! `session-resume-off`: with the session cache off ATS makes a full handshake each time.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "session-resume-off",
    title: "with the session cache off ATS makes a full handshake each time",
    why: "the way out when resumption breaks",
    link: "https://github.com/apache/trafficserver/pull/7542",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::get(), spec::fresh_get()]);
    let records =
        vec![spec::string("http.server_session_sharing.match", "none"), spec::int("ssl.origin_session_cache", 0)];
    TrialSpec { client, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::resumed(observation, &[false, false]));
    checks
}
