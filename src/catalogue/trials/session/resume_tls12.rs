//! `session-resume-tls12`: ATS resumes its TLS 1.2 session with the origin on the next connection.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Need, Trial, spec};
use crate::model::{Observation, TlsVersion, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "session-resume-tls12",
    title: "ATS resumes its TLS 1.2 session with the origin on the next connection",
    why: "saves a round trip and the signature; the store of sessions changed with OpenSSL 3 and ATS 9",
    link: "https://github.com/apache/trafficserver/pull/7479",
    kind: Kind::Subject,
    needs: &[Need::Ats(">=9", "8.1 does not resume sessions with origins")],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::two_connections(spec::versions(&[TlsVersion::Tls12]))
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::resumed(observation, &[false, true]));
    checks
}
