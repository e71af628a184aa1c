//! `sni-none-for-address`: to an origin known by address ATS sends no server name.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Remap, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "sni-none-for-address",
    title: "to an origin known by address ATS sends no server name",
    why: "an address is no server name; 10.0 sent the text None",
    link: "https://github.com/apache/trafficserver/pull/11204",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    // A certificate has names: where verification is enforced, by default from ATS 10 on, no address is among them.
    TrialSpec { remap: Remap::ByAddress, records: spec::policy("PERMISSIVE"), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::server_name(observation, None));
    checks
}
