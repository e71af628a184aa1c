//! `http-post-1m`: a POST of 1 MiB reaches the TLS origin whole, and its answer comes back.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// 1 MiB.
const POST_LEN: u64 = 1 << 20;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-post-1m",
    title: "a POST of 1 MiB reaches the TLS origin whole, and its answer comes back",
    why: "writes of many TLS records: partial writes and retries of SSL_write are where a BIO fails",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::post(POST_LEN)]);
    TrialSpec { client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    checks.push(check::posted(observation, POST_LEN));
    checks.push(check::over_tls(observation));
    checks
}
