//! `inbound-h2-post`: a POST of an HTTP/2 client reaches the TLS origin whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Act, ClientSpec, Front, Observation, TrialSpec};

/// Several windows of HTTP/2.
const POST_LEN: u64 = 300_000;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "inbound-h2-post",
    title: "a POST of an HTTP/2 client reaches the TLS origin whole",
    why: "flow control of HTTP/2 on one side, TLS writes on the other",
    link: "https://www.rfc-editor.org/rfc/rfc9113#section-5.2",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let act = Act::Requests(vec![spec::post(POST_LEN)]);
    TrialSpec { client: ClientSpec { front: Front::H2, act }, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "ats"));
    checks.push(check::posted(observation, POST_LEN));
    checks.push(check::answered_by(observation, "HTTP/2.0"));
    checks
}
