//! `group-list-small-hello`: with a list of groups ATS sends a ClientHello that fits one segment.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// What an Ethernet segment carries, less TLS's own header.
const SEGMENT: u32 = 1400;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "group-list-small-hello",
    title: "with a list of groups ATS sends a ClientHello that fits one segment",
    why: "the way round peers that lose large ClientHellos of OpenSSL 3.5: ssl.client.groups_list",
    link: "https://github.com/openssl/openssl/issues/27557",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec { records: vec![spec::string("ssl.client.groups_list", "P-256")], ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_group(observation, "secp256r1"));
    checks.push(check::hello(
        observation,
        format!("a ClientHello of at most {SEGMENT} bytes"),
        |hello| hello.len <= SEGMENT,
        |hello| format!("a ClientHello of {} bytes", hello.len),
    ));
    checks
}
