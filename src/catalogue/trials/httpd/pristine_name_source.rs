//! `httpd-pristine-name-source`: with `pristine_host_hdr` and `sni_policy`
//! `verify_with_name_source` ATS reaches httpd by the host of its clients.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "httpd-pristine-name-source",
    title: "with pristine_host_hdr and sni_policy verify_with_name_source ATS reaches httpd by the host of its clients",
    why: "the way out that holds: the server name is the Host, and the certificate is held against the name of the origin",
    link: "https://github.com/apache/trafficserver/pull/6049",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = [spec::enforced(), spec::pristine("verify_with_name_source")].concat();
    TrialSpec { records, ..spec::httpd_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::server_name(observation, Some("httpd-pristine-name-source.t")));
    checks
}
