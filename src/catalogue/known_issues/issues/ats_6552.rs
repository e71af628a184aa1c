//! Origins that fall silent, as ATS 8 waits for them.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

/// The handshake of TLS takes the transaction's timeouts off the connection to the origin, and nothing puts them back.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-6552",
    title: "8.1 ends no silent TLS connection to an origin by its timeouts (measured with 8.1.11)",
    link: "https://github.com/apache/trafficserver/issues/6552",
    also: &[
        "https://github.com/apache/trafficserver/issues/7710",
        "https://github.com/apache/trafficserver/pull/7715",
        "https://github.com/apache/trafficserver/pull/6781",
    ],
    affected: Affected { ats: &[">=8.1,<9.0"], openssl: None, distro: None, patched: &[] },
    when: "an origin that says nothing in the handshake, or nothing after the request",
    fixed_in: "ATS 9.2 at the latest (measured with 9.2.9)",
    way_out: "upgrade to 9.2; until then do not rely on connect_attempts_timeout and \
              transaction_no_activity_timeout_out, and let clients or a balancer in front of the origin end what hangs",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        among: &["fault-silent-handshake", "fault-silent-response"],
        // ATS did what was asked of it so far, and the same exchange with an origin that answers goes well.
        must: &[Sign::Hung, Sign::HelloOf(1), Sign::Passes("tls-remote-origin")],
        // An ATS that died or answers nobody hangs its clients, too.
        not: &[Sign::Process("")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["fault-silent-handshake", "fault-silent-response"], "fail on debian-11/8.1"),
};
