//! `fault-plain-for-tls`: an origin that answers TLS with plain HTTP gives the client a 502.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "fault-plain-for-tls",
    title: "an origin that answers TLS with plain HTTP gives the client a 502",
    why: "a wrong port or scheme in remap.config",
    link: "https://www.rfc-editor.org/rfc/rfc8446#section-5.1",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        origin: spec::raw(vec![Step::ReadHello, spec::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Close]),
        timed: true,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::gave_up(observation)
}
