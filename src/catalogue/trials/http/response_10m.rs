//! `http-response-10m`: a response of 10 MiB comes back whole from the TLS origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginSpec, Speak, TrialSpec};

/// 10 MiB.
const RESPONSE_LEN: u64 = 10 << 20;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-response-10m",
    title: "a response of 10 MiB comes back whole from the TLS origin",
    why: "reads of many TLS records under flow control; a truncated body can look like a clean 200",
    link: "https://github.com/openssl/openssl/issues/18866",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let origin = OriginSpec { speak: Speak::Http { body_len: RESPONSE_LEN }, ..spec::https_get().origin };
    TrialSpec { origin, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 1, RESPONSE_LEN);
    checks.push(check::served(observation, 1, None));
    checks.push(check::over_tls(observation));
    checks
}
