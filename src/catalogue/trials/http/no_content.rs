//! `http-204`: a 204 comes back without a body, and the connection goes on.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-204",
    title: "a 204 comes back without a body, and the connection goes on",
    why: "a response that never has a body",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let response = spec::send("HTTP/1.1 204 No Content\r\nETag: \"1\"\r\n\r\n");
    let steps = [vec![Step::ReadHead, response], spec::answer_and(&[Step::Hang])].concat();
    let client = spec::requests(vec![spec::get(), spec::get()]);
    TrialSpec { client, origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::statuses(observation, &[204, 200]),
        check::no_error(observation),
        check::bodies(observation, &[0, spec::BODY]),
        check::served(observation, 2, Some(1)),
    ]
}
