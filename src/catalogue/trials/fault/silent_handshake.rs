//! `fault-silent-handshake`: an origin that says nothing in the handshake gives the client an error in bounded time.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-silent-handshake",
    title: "an origin that says nothing in the handshake gives the client an error in bounded time",
    why: "ATS 9 has one timeout for TCP and TLS together, 10 another",
    link: "https://github.com/apache/trafficserver/pull/7335",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-6552", ats: &[">=8.1,<9"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::raw(vec![Step::ReadHello, Step::Hang]),
        records: spec::impatient(),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up_waiting(observation)
}
