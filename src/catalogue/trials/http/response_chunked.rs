//! `http-response-chunked`: a chunked response comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// Several chunks of the origin's.
const LEN: u64 = 50_000;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-response-chunked",
    title: "a chunked response comes back whole",
    why: "the usual framing of generated pages; chunk parsing was made stricter in 9.2.10 and 9.2.12",
    link: "https://github.com/apache/trafficserver/pull/12150",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let steps = vec![Step::ReadHead, head, Step::SendChunks(LEN), spec::send("0\r\n\r\n"), Step::Hang];
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, LEN)
}
