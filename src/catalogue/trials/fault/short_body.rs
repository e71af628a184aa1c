//! `fault-short-body`: a response that ends before its Content-Length does not look whole to the client.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-short-body",
    title: "a response that ends before its Content-Length does not look whole to the client",
    why: "the same by a proper close",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-8",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::cut_body(Step::Close)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::body_cut(observation)
}
