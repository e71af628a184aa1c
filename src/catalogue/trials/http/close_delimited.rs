//! `http-close-delimited`: a response that ends with the connection comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-close-delimited",
    title: "a response that ends with the connection comes back whole",
    why: "the framing of HTTP/1.0 origins",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    let steps = vec![Step::ReadHead, head, Step::SendPattern(spec::BODY), Step::Close, Step::Hang];
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
