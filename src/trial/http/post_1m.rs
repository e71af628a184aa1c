//! `http-post-1m`: a POST of 1 MiB reaches the TLS origin whole, and its answer comes back.

use crate::model::{ClientSpec, Observation, RequestSpec, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, body, spec};

/// 1 MiB.
const POST_LEN: u64 = 1 << 20;

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "http-post-1m",
    title: "a POST of 1 MiB reaches the TLS origin whole, and its answer comes back",
    why: "writes of many TLS records: partial writes and retries of SSL_write are where a BIO fails",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs_ats: None,
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = ClientSpec { requests: vec![RequestSpec { method: "POST".into(), body_len: POST_LEN }] };
    TrialSpec { client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, spec::BODY);
    checks.push(check::served(observation, 1, None));
    let posted = check::serving(observation).first().and_then(|connection| connection.requests.first());
    let (seen, whole) = posted.map_or((0, false), |request| {
        (request.body_len, request.body_len == POST_LEN && request.body_sha256 == body::sha256(POST_LEN))
    });
    let altered = if whole || seen != POST_LEN { "" } else { " altered" };
    checks.push(Check::new(whole, format!("{POST_LEN} bytes posted"), format!("{seen} bytes posted{altered}")));
    checks.push(check::over_tls(observation));
    checks
}
