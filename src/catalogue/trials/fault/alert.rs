//! `fault-alert`: an origin that answers with an alert gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-alert",
    title: "an origin that answers with an alert gives the client a 502",
    why: "handshake_failure, the commonest alert",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-6.2",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::raw(vec![Step::ReadHello, Step::SendBytes(vec![21, 3, 3, 0, 2, 2, 40]), Step::Close]),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
