//! `pool-idle-close`: ATS notices that the origin has closed an idle connection.

use crate::model::{Observation, Step, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "pool-idle-close",
    title: "ATS notices that the origin has closed an idle connection",
    why: "origins close idle connections all the time; the next request must go on a new one",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-9.5",
    kind: Kind::Subject,
    needs: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = spec::requests(vec![spec::get(), spec::get()]);
    let origin = spec::scripted(vec![spec::answer_and(&[Step::Close, Step::Hang]), spec::answer_and(&[Step::Hang])]);
    TrialSpec { origin, client, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(2)));
    checks
}
