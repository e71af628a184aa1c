//! `tfo-on`: with TCP Fast Open on for origins ATS reaches the TLS origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tfo-on",
    title: "with TCP Fast Open on for origins ATS reaches the TLS origin",
    why: "the code of the seed bug: on an affected build this very option changes failure to success",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: vec![spec::int("net.sock_option_flag_out", 9)], ..spec::two_fast_opens() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(2)));
    checks.push(check::over_tls(observation));
    checks.push(check::syn_data(observation));
    checks
}
