//! `fault-garbage-response`: an origin that answers with something else than HTTP gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-garbage-response",
    title: "an origin that answers with something else than HTTP gives the client a 502",
    why: "a database behind a wrong remap rule",
    link: "https://www.rfc-editor.org/rfc/rfc9112#section-4",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::scripted(vec![vec![Step::ReadHead, spec::send("-ERR this is not HTTP\r\n\r\n"), Step::Close]]),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
