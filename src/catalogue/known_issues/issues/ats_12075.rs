//! Expect: 100-continue on a GET.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// ATS sent no 100 of its own for a GET, and stripped the Expect header as if it had.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12075",
    title: "a GET with a body and Expect: 100-continue hangs where ATS answers the expectation itself",
    link: "https://github.com/apache/trafficserver/pull/12075",
    also: &["https://github.com/apache/trafficserver/pull/12072", "https://github.com/apache/trafficserver/pull/12081"],
    affected: Affected { ats: &[">=8.0,<9.2.9", ">=10.0,<10.1"], openssl: None, distro: None, patched: &[] },
    when: "proxy.config.http.send_100_continue_response is 1",
    fixed_in: "ATS 9.2.9; on the 10 branch by #12072 and its backport #12081",
    way_out: "upgrade to 9.2.9",
    workarounds: &[Workaround {
        name: "origin-says-100",
        what: "the origin answers the expectation, not ATS",
        records: &[("proxy.config.http.send_100_continue_response", RecordType::Int, "0")],
        cost: "an extra round trip to the origin for uploads that expect",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["http-expect-get"],
        must: &[
            Sign::Any(&[Sign::Answer("^504 "), Sign::Hung]),
            // The origin waits for the body that its head promises.
            Sign::Any(&[Sign::NoBody, Sign::OriginError("reading a body")]),
        ],
        // The client was told to go on.
        not: &[Sign::Interim(100)],
        // Bodies that nobody waits for get through.
        sure: &[Sign::Passes("http-post-1m")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["http-expect-get"], "fails on ATS 8.1 and 9.2.5"),
};
