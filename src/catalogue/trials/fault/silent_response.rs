//! `fault-silent-response`: an origin that never answers gives the client an error in bounded time.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-silent-response",
    title: "an origin that never answers gives the client an error in bounded time",
    why: "the timeout of an established TLS connection",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-6552", ats: &[">=8.1,<9"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::scripted(vec![vec![Step::ReadHead, Step::Hang]]),
        records: spec::impatient(),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up_waiting(observation)
}
