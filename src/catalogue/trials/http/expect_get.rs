//! `http-expect-get`: a GET with a body, whose 100 Continue ATS says itself, reaches the origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-expect-get",
    title: "a GET with a body, whose 100 Continue ATS says itself, reaches the origin",
    why: "search APIs take queries as the body of a GET, and their clients wait for the 100: ATS said it and then \
          forgot the body",
    link: "https://github.com/apache/trafficserver/pull/12075",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-12075", ats: &[">=8.0,<9.2.9", ">=10.0,<10.1"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::script(vec![
        spec::send("GET / HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"),
        Step::ReadInterim,
        Step::SendPattern(spec::BODY),
        Step::ReadHead,
        Step::ReadBody,
    ]);
    TrialSpec { client, records: vec![spec::int("http.send_100_continue_response", 1)], ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::interim(observation, 100));
    checks.push(check::posted(observation, spec::BODY));
    checks
}
