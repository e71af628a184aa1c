//! `fault-oversized-header`: a response with a header of 200 KiB gives the client an answer, and ATS lives.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-oversized-header",
    title: "a response with a header of 200 KiB gives the client an answer, and ATS lives",
    why: "ATS reads at most http.response_header_max_size, 128 KiB by default",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-http-response-header-max-size",
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
            spec::send("HTTP/1.1 200 OK\r\nX-Large: "),
            Step::Send("x".repeat(200 * 1024)),
            spec::send("\r\nContent-Length: 0\r\n\r\n"),
            Step::Hang,
        ]]),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
