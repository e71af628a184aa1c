//! `http-post-chunked`: a chunked POST reaches the TLS origin whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, RequestSpec, TrialSpec};

/// Several chunks of the client's.
const POST_LEN: u64 = 100_000;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-post-chunked",
    title: "a chunked POST reaches the TLS origin whole",
    why: "bodies without a length take another path through ATS",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-7.1",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let post = RequestSpec { chunked: true, ..spec::post(POST_LEN) };
    TrialSpec { client: spec::requests(vec![post]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::posted(observation, POST_LEN));
    checks
}
