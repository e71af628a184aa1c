//! `pool-race`: ATS repeats a request that met a closing connection.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pool-race",
    title: "ATS repeats a request that met a closing connection",
    why: "the origin closes just as the request arrives: 10.0 gave the client a 502 for it",
    link: "https://github.com/apache/trafficserver/issues/12428",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::get(), spec::get()]);
    let origin = spec::scripted(vec![spec::answer_and(&[Step::ReadHead, Step::Close])]);
    TrialSpec { origin, client, records: spec::retrying(), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    // The second request was sent on the first connection, and once more on another.
    checks.push(check::served(observation, 3, Some(2)));
    checks
}
