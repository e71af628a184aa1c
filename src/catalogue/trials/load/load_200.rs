//! `load-200`: 200 requests of 50 clients at once all get their answer.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Act, ClientSpec, Observation, TrialSpec};

/// Enough that handshakes overlap, few enough to take a fraction of a second.
const REQUESTS: u32 = 200;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "load-200",
    title: "200 requests of 50 clients at once all get their answer",
    why: "what only breaks when many handshakes overlap",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let act = Act::Load { requests: REQUESTS, at_once: 50, body_len: spec::BODY };
    TrialSpec {
        client: ClientSpec { act, ..spec::https_get().client },
        alone: true,
        deadline_ms: 30_000,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::all_whole(observation, REQUESTS),
        check::served(observation, REQUESTS as usize, None),
        check::over_tls(observation),
    ]
}
