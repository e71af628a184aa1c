//! `inbound-key-passphrase`: ATS loads a private key whose passphrase a program says.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "inbound-key-passphrase",
    title: "ATS loads a private key whose passphrase a program says",
    why: "ssl_key_dialog of ssl_multicert.config: 9.2 lost it, and asked a terminal that is not there",
    link: "https://github.com/apache/trafficserver/issues/11197",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-11197", ats: &[">=9.0,<9.2.5"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let client = ClientSpec { front: Front::Tls, ..spec::https_get().client };
    TrialSpec { client, locked_key: true, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "ats"));
    checks
}
