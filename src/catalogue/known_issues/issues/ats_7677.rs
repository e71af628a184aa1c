//! CONNECT to nowhere.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

/// ATS says 200 before it has tried.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-7677",
    title: "CONNECT to a closed port is answered 200, and only then closed",
    link: "https://github.com/apache/trafficserver/issues/7677",
    also: &[],
    affected: Affected { ats: &[">=9.0"], openssl: None, distro: None, patched: &[] },
    when: "a CONNECT whose target refuses",
    fixed_in: "no release yet",
    way_out: "clients must take an early end of the tunnel for a refusal",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        among: &["tunnel-connect*"],
        must: &[Sign::Answer("^200 "), Sign::Refused],
        not: &[Sign::Connected],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["tunnel-connect-closed-port"], "fails on every cell with ATS 9.2; 8.1 says 502"),
};
