//! Expect: 100-continue on a GET.

use crate::diagnosis::{Affected, KnownIssue, Shows, Sign, Workaround};

/// ATS sent no 100 of its own for a GET, and stripped the Expect header as if it had.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12075",
    title: "a GET with a body and Expect: 100-continue hangs where ATS answers the expectation itself",
    link: "https://github.com/apache/trafficserver/pull/12075",
    also: &["https://github.com/apache/trafficserver/pull/12072", "https://github.com/apache/trafficserver/pull/12081"],
    affected: Affected { ats: &[">=9.0,<9.2.9", ">=10.0,<10.1"], openssl: None, distro: None, patched: &[] },
    when: "proxy.config.http.send_100_continue_response is 1",
    fixed_in: "ATS 9.2.9; on the 10 branch by #12072 and its backport #12081",
    way_out: "upgrade to 9.2.9",
    workarounds: &[Workaround {
        name: "origin-says-100",
        what: "the origin answers the expectation, not ATS",
        records: &[("proxy.config.http.send_100_continue_response", "INT", "0")],
        cost: "an extra round trip to the origin for uploads that expect",
    }],
    shows: Shows::Trials {
        among: &["http-expect-get*"],
        must: &[Sign::Any(&[Sign::Answer("^504 "), Sign::NoAnswer]), Sign::NoBody],
        may: &[Sign::Passes("http-expect-100")],
    },
};
