//! `sni-pristine-remap-policy`: with `sni_policy` remap ATS asks for the remap target in spite of `pristine_host_hdr`.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "sni-pristine-remap-policy",
    title: "with sni_policy remap ATS asks for the remap target in spite of pristine_host_hdr",
    why: "the way out of the trial before",
    link: "https://github.com/apache/trafficserver/issues/1344",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let mut records = spec::enforced();
    records.push(spec::int("url_remap.pristine_host_hdr", 1));
    records.push(spec::string("ssl.client.sni_policy", "remap"));
    TrialSpec { records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::server_name(observation, Some("sni-pristine-remap-policy.test")));
    checks
}
