//! `tls-remote-origin`: ATS reaches a TLS origin on another host.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls-remote-origin",
    title: "ATS reaches a TLS origin on another host",
    why: "the seed bug: on OpenSSL 3.2 and later ATS up to 9.2.6 closes after the TCP handshake, before any ClientHello",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get()
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
