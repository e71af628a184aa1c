//! `pq-intolerant-groups-list`: with a list of groups ATS reaches an origin that drops a ClientHello of two segments.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pq-intolerant-groups-list",
    title: "with a list of classic groups ATS reaches an origin that drops ClientHellos of two segments",
    why: "the way round the trial before, with any OpenSSL: ssl.client.groups_list",
    link: "https://github.com/openssl/openssl/issues/27557",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = OriginTls { largest_hello: Some(check::SEGMENT), ..OriginTls::default() };
    TrialSpec { records: vec![spec::string("ssl.client.groups_list", "P-256:X25519")], ..spec::https_get_from(tls) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::hello(
        observation,
        format!("a ClientHello of at most {} bytes on the wire", check::SEGMENT),
        |hello| check::on_the_wire(hello) <= check::SEGMENT,
        |hello| format!("a ClientHello of {} bytes on the wire", check::on_the_wire(hello)),
    ));
    checks
}
