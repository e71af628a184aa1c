//! `tls-legacy-renegotiation`: ATS refuses an origin without secure renegotiation.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Need, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// A ServerHello of TLS 1.2 without extensions, and so without `renegotiation_info` (RFC 5746): suite
/// ECDHE-ECDSA with AES-128-GCM.
const SERVER_HELLO: &[u8] = &[
    22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0xc0, 0x2b, 0,
];

/// The alert `handshake_failure`, fatal.
const HANDSHAKE_FAILURE: &str = "\x15\x03\x03\x00\x02\x02\x28";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls-legacy-renegotiation",
    title: "ATS refuses an origin without secure renegotiation",
    why: "OpenSSL 3.0 stopped connecting to origins without RFC 5746, 1.1.1 still did: known from many upgrades",
    link: "https://github.com/curl/curl/issues/8943",
    kind: Kind::Subject,
    needs: &[Need::OpenSsl(">=3.0", "before 3.0 OpenSSL connects to origins without RFC 5746")],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let steps =
        vec![Step::ReadHello, Step::SendBytes(SERVER_HELLO.to_vec()), spec::expect(HANDSHAKE_FAILURE), Step::Hang];
    TrialSpec { origin: spec::raw(steps), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::refused(observation);
    checks.push(check::script_done(observation));
    checks
}
