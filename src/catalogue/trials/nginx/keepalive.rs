//! `nginx-keepalive`: two requests reach nginx on one kept-alive connection.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "nginx-keepalive",
    title: "two requests reach nginx on one kept-alive connection",
    why: "session tickets that OpenSSL sends after the handshake arrive on a connection that ATS has pooled by then",
    link: "https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::get(), spec::get()]);
    TrialSpec { client, ..spec::nginx_get(&["keepalive_timeout 60s;"]) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(1)));
    checks.push(check::over_tls(observation));
    checks
}
