//! `inbound-h2`: an HTTP/2 client reaches the TLS origin through ATS.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "inbound-h2",
    title: "an HTTP/2 client reaches the TLS origin through ATS",
    why: "what browsers do",
    link: "https://www.rfc-editor.org/rfc/rfc9113",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { client: ClientSpec { front: Front::H2, ..spec::https_get().client }, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "ats"));
    checks.push(check::answered_by(observation, "HTTP/2.0"));
    checks
}
