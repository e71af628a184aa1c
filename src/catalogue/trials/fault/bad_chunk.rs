//! `fault-bad-chunk`: a response with a broken chunk does not look whole to the client.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-bad-chunk",
    title: "a response with a broken chunk does not look whole to the client",
    why: "request smuggling lives here: parsing was made stricter in 9.2.10 and 9.2.12",
    link: "https://github.com/apache/trafficserver/pull/12150",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::scripted(vec![vec![
            Step::ReadHead,
            spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Step::SendChunks(20_000),
            spec::send("zz\r\n"),
            Step::Close,
        ]]),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::body_cut(observation)
}
