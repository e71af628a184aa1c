//! `fault-close-before-response`: an origin that closes instead of answering gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-close-before-response",
    title: "an origin that closes instead of answering gives the client a 502",
    why: "a crashed application behind a healthy TLS terminator",
    link: "https://github.com/apache/trafficserver/pull/12437",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { origin: spec::scripted(vec![vec![Step::ReadHead, Step::Close]]), timed: true, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
