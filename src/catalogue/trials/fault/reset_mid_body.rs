//! `fault-reset-mid-body`: a response cut by a reset does not look whole to the client.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-reset-mid-body",
    title: "a response cut by a reset does not look whole to the client",
    why: "a cache that stores half a body serves it to everyone",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-8",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::cut_body(Step::Reset)
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::body_cut(observation)
}
