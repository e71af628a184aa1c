//! Names with addresses of both families.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// ATS asks for one family and does not come back for the other.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-7663",
    title: "when an origin's IPv6 address does not answer, ATS does not try its IPv4 address",
    link: "https://github.com/apache/trafficserver/issues/7663",
    also: &[],
    affected: ANYTHING,
    when: "a name with A and AAAA records whose IPv6 address is dead",
    fixed_in: "no release yet",
    way_out: "take dead AAAA records out, or prefer IPv4",
    workarounds: &[Workaround {
        name: "ipv4-first",
        what: "IPv4 where a name has both",
        records: &[("proxy.config.hostdb.ip_resolve", RecordType::String, "ipv4;ipv6")],
        cost: "IPv6 is not used for names that have IPv4 as well",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        // Its name has both addresses: where there is no other, nothing else could be tried.
        among: &["net-v6-dead-v4-alive"],
        must: &[Sign::Answer("^50[24] "), Sign::Any(&[Sign::Unanswered, Sign::Refused])],
        may: &[Sign::Log(LogFile::Error, r"CONNECT: .* to \[?[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*\]?:?\d* for")],
        not: &[Sign::TriedIpv4],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["net-v6-dead-v4-alive"], "fails on every cell"),
};
