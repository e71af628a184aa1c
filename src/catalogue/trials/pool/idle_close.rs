//! `pool-idle-close`: ATS notices that the origin has closed an idle connection.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// How long the client waits before it asks again, milliseconds: the origin's close has long arrived by then.
const IDLE_MS: u64 = 300;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pool-idle-close",
    title: "ATS notices that the origin has closed an idle connection",
    why: "origins close idle connections all the time; the next request must go on a new one",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-9.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let get = || [spec::send("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), Step::ReadHead, Step::ReadBody];
    let client = spec::script(get().into_iter().chain([Step::Pause(IDLE_MS)]).chain(get()).collect());
    let origin = spec::scripted(vec![spec::answer_and(&[Step::Close, Step::Hang])]);
    TrialSpec { origin, client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(2)));
    checks
}
