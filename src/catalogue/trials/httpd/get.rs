//! `httpd-get`: ATS reaches Apache httpd.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "httpd-get",
    title: "ATS reaches Apache httpd",
    why: "the other common origin: it holds server name and Host against each other",
    link: "https://httpd.apache.org/docs/2.4/mod/mod_ssl.html",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::httpd_get()
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::server_name(observation, Some("httpd-get.test")));
    checks
}
