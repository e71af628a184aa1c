//! `httpd-pristine-remap-policy`: with `pristine_host_hdr` and `sni_policy` remap httpd answers 421 where name and Host are of two virtual hosts.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "httpd-pristine-remap-policy",
    title: "with pristine_host_hdr and sni_policy remap httpd answers 421 where name and Host are of two virtual hosts",
    why: "the advice that mends a 502 at other origins: from 2.4.64 on httpd refuses a request whose server name is of another virtual host. The 421 is what these settings come to, so it is right here",
    link: "https://httpd.apache.org/security/vulnerabilities_24.html",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = [spec::enforced(), spec::pristine("remap")].concat();
    TrialSpec { records, ..spec::httpd_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::status(observation, &[421]),
        check::no_error(observation),
        check::over_tls(observation),
        check::served(observation, 1, None),
        check::server_name(observation, Some("httpd-pristine-remap-policy.test")),
    ]
}
