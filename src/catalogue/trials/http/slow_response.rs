//! `http-slow-response`: a response that pauses in its middle comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-slow-response",
    title: "a response that pauses in its middle comes back whole",
    why: "reads that find nothing: where event loops and TLS buffers disagree",
    link: "https://docs.openssl.org/3.0/man3/SSL_read/",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    let steps = vec![Step::ReadHead, head, spec::first_half(), Step::Pause(300), spec::second_half(), Step::Hang];
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
