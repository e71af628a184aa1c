//! `http-early-hints`: the response after a 103 Early Hints comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-early-hints",
    title: "the response after a 103 Early Hints comes back whole",
    why: "an interim response that nobody asked for",
    link: "https://www.rfc-editor.org/rfc/rfc8297",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let hints = spec::send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
    let mut steps = spec::answer_and(&[Step::Hang]);
    steps.insert(2, hints);
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
