//! `tls-openssl-origin`: ATS reaches the distro's own openssl `s_server`.

use crate::model::{Observation, OriginSpec, Place, Speak, TrialSpec};
use crate::trial::check::{self, Check};
use crate::trial::{Kind, Trial, spec};

/// The entry of the catalogue.
pub(in crate::trial) const TRIAL: Trial = Trial {
    id: "tls-openssl-origin",
    title: "ATS reaches the distro's own openssl s_server",
    why: "another TLS stack than the instrumented origin: what fails with one alone is a matter between two stacks",
    link: "https://docs.openssl.org/3.0/man1/openssl-s_server/",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let origin = OriginSpec {
        speak: Speak::Openssl { args: Vec::new(), sign: Vec::new() },
        tls: None,
        ..spec::https_get().origin
    };
    TrialSpec { place: Place::SameHost, origin, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let page = check::exchanges(observation).last().map_or("", |exchange| &exchange.body_head);
    let version = page.split("Protocol  : ").nth(1).and_then(|rest| rest.split('\\').next());
    let modern = version.is_some_and(|version| ["TLSv1.2", "TLSv1.3"].contains(&version));
    let spoken = format!("{} on the page of s_server", version.unwrap_or("no protocol"));
    vec![
        check::status(observation, &[200]),
        check::said_hello(observation),
        Check::new(modern, "TLSv1.2 or TLSv1.3 on the page of s_server", spoken),
    ]
}
