//! `group-x25519mlkem768`: ATS agrees on the post-quantum group X25519MLKEM768.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Need, Trial, spec};
use crate::model::{Observation, OriginTls, TlsVersion, TrialSpec};

/// The only group of the origin, by its name in rustls.
const GROUP: &str = "X25519MLKEM768";

/// What an Ethernet segment carries at most (MSS 1460): what is longer takes two. The capture cannot count
/// them, since the kernel hands such a write to the container's interface in one piece.
const SEGMENT: u32 = 1460;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "group-x25519mlkem768",
    title: "ATS agrees on the post-quantum group X25519MLKEM768",
    why: "the default of OpenSSL since 3.5: its ClientHello takes two segments, which old peers and middleboxes lose",
    link: "https://github.com/openssl/openssl/pull/26801",
    kind: Kind::Subject,
    needs: &[Need::OpenSsl(">=3.5", "OpenSSL has X25519MLKEM768 from 3.5 on")],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { groups: vec![GROUP.into()], ..spec::versions(&[TlsVersion::Tls13]) })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::over_group(observation, GROUP));
    checks.push(check::hello(
        observation,
        format!("a ClientHello of more than {SEGMENT} bytes"),
        |hello| hello.len > SEGMENT,
        |hello| {
            let more = if hello.len > SEGMENT { "more than" } else { "at most" };
            format!("a ClientHello of {more} {SEGMENT} bytes")
        },
    ));
    checks
}
