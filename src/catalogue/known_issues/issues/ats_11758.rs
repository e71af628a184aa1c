//! Post-quantum browsers against ATS's TLS front.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

/// ATS read one segment and took it for the whole ClientHello.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-11758",
    title: "a ClientHello that comes in two segments hangs where ATS tunnels or looks at the server name",
    link: "https://github.com/apache/trafficserver/issues/11758",
    also: &["https://github.com/apache/trafficserver/pull/12290", "https://github.com/apache/trafficserver/pull/12319"],
    affected: Affected { ats: &[">=8.0,<9.2.12", ">=10.0,<10.1"], openssl: None, distro: None, patched: &[] },
    when: "tunnel_route in sni.yaml, or a plugin on the hooks for the server name, and a client whose ClientHello is \
           longer than a segment (X25519MLKEM768)",
    fixed_in: "ATS 9.2.12 and 10.1.0",
    way_out: "upgrade to 9.2.12 or 10.1.0",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        among: &["*split-hello*"],
        // The same tunnel works with the ClientHello in one piece.
        must: &[Sign::Hung, Sign::NotReached, Sign::Passes("tunnel-route")],
        // An ATS that died or answers nobody hangs its clients, too.
        not: &[Sign::Process("")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["tunnel-route-split-hello"], "fails on every cell with ATS 8.1, 9.2.5 or 9.2.9"),
};
