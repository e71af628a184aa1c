//! `net-refused`: an origin that does not listen gives the client an error at once.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginSpec, Speak, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "net-refused",
    title: "an origin that does not listen gives the client an error at once",
    why: "the plainest failure: it must not look like anything else",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let origin = OriginSpec { speak: Speak::Nobody, ..spec::https_get().origin };
    TrialSpec { origin, timed: true, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[502]), check::turned_away(observation), check::at_once(observation)]
}
