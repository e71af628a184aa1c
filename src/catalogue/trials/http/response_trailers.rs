//! `http-response-trailers`: a chunked response with trailers comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-response-trailers",
    title: "a chunked response with trailers comes back whole",
    why: "gRPC and checksums use trailers: ATS may drop them, not choke on them",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-6.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
    let end = spec::send("0\r\nX-Sum: 42\r\n\r\n");
    let steps = vec![Step::ReadHead, head, Step::SendChunks(spec::BODY), end, Step::Hang];
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
