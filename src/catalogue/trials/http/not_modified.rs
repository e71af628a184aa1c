//! `http-304`: a 304 comes back without a body, and the connection goes on.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-304",
    title: "a 304 comes back without a body, and the connection goes on",
    why: "its Content-Length, if any, is that of another response",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let response = spec::send("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
    let steps = [vec![Step::ReadHead, response], spec::answer_and(&[Step::Hang])].concat();
    let client = spec::requests(vec![spec::get(), spec::get()]);
    TrialSpec { client, origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::statuses(observation, &[304, 200]),
        check::no_error(observation),
        check::bodies(observation, &[0, spec::BODY]),
        check::served(observation, 2, Some(1)),
    ]
}
