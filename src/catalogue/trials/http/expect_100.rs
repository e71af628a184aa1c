//! `http-expect-100`: a POST that waits for 100 Continue reaches the origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-expect-100",
    title: "a POST that waits for 100 Continue reaches the origin",
    why: "without the interim response clients wait a second, or for ever",
    link: "https://github.com/apache/trafficserver/issues/7346",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-7346", ats: &[">=8.0,<9"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::script(vec![
        spec::send("POST / HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"),
        Step::ReadInterim,
        Step::SendPattern(spec::BODY),
        Step::ReadHead,
        Step::ReadBody,
    ]);
    TrialSpec { client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::interim(observation, 100));
    checks.push(check::posted(observation, spec::BODY));
    checks
}
