//! `fault-half-close`: a response before a half-closed connection comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-half-close",
    title: "a response before a half-closed connection comes back whole",
    why: "the origin has no more to say and still reads",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-6.1",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { origin: spec::scripted(vec![spec::answer_and(&[Step::Close, Step::Hang])]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
