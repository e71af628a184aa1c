//! `sni-pristine-host`: with `pristine_host_hdr` ATS asks for the client's host, and refuses a certificate without it.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "sni-pristine-host",
    title: "with pristine_host_hdr ATS asks for the client's host, and refuses a certificate without it",
    why: "turns working origins into 502s as soon as verification is enforced: ATS 10 does by default",
    link: "https://github.com/apache/trafficserver/issues/4023",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = [spec::enforced(), vec![spec::int("url_remap.pristine_host_hdr", 1)]].concat();
    TrialSpec { records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::refused_for(observation, check::Reason::OtherName);
    checks.push(check::server_name(observation, Some("sni-pristine-host.t")));
    checks
}
