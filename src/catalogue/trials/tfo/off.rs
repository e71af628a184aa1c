//! `tfo-off`: with TCP Fast Open off for origins ATS reaches the TLS origin.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tfo-off",
    title: "with TCP Fast Open off for origins ATS reaches the TLS origin",
    why: "the default, said out loud: the fast-open code is used although the option is off",
    link: "https://github.com/apache/trafficserver/issues/11465",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    // The default is off: no setting, so that it shares ATS with others. Data in a SYN is not forbidden, since
    // turning the option on is a workaround that is tried on this trial too.
    spec::two_fast_opens()
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::answers(observation, 2, spec::BODY);
    checks.push(check::served(observation, 2, Some(2)));
    checks.push(check::over_tls(observation));
    checks
}
