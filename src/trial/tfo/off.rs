//! `tfo-off`: with TCP Fast Open off for origins ATS reaches the TLS origin.

use crate::model::{Observation, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "tfo-off",
    title: "with TCP Fast Open off for origins ATS reaches the TLS origin",
    why: "the default, said out loud: the fast-open code is used although the option is off",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: vec![spec::int("net.sock_option_flag_out", 1)], ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::one_tls_answer(observation)
}
