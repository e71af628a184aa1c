//! `sni-pristine-verified`: with `pristine_host_hdr` a TLS client's host is what ATS verifies.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "sni-pristine-verified",
    title: "with pristine_host_hdr ATS verifies the host of a TLS client, and refuses a certificate without it",
    why: "the usual front of a site: TLS clients, pristine hosts, verification. The 502 is what the settings ask for, \
          so it is right here; who meant the origin's name needs another sni_policy",
    link: "https://github.com/apache/trafficserver/issues/1344",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = [spec::enforced(), vec![spec::int("url_remap.pristine_host_hdr", 1)]].concat();
    let client = ClientSpec { front: Front::Tls, ..spec::https_get().client };
    TrialSpec { client, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::refused_for(observation, check::Reason::OtherName);
    checks.push(check::server_name(observation, Some("sni-pristine-verified.t")));
    checks.push(check::shown(observation, "ats"));
    checks
}
