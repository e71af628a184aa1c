//! `http-head`: the response to a HEAD has no body, and the connection goes on.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, RequestSpec, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-head",
    title: "the response to a HEAD has no body, and the connection goes on",
    why: "its Content-Length is not to be waited for",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = RequestSpec { method: "HEAD".into(), ..RequestSpec::default() };
    TrialSpec { client: spec::requests(vec![head, spec::get()]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::statuses(observation, &[200, 200]),
        check::no_error(observation),
        check::bodies(observation, &[0, spec::BODY]),
        check::served(observation, 2, Some(1)),
    ]
}
