//! `fault-fin-after-hello`: an origin that closes after the ClientHello gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-fin-after-hello",
    title: "an origin that closes after the ClientHello gives the client a 502",
    why: "what intolerant peers do to ClientHellos they do not like",
    link: "https://github.com/openssl/openssl/issues/27557",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { origin: spec::raw(vec![Step::ReadHello, Step::Close]), timed: true, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
