//! Expect: 100-continue on a POST, as ATS 8 handles it.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// ATS set up the body's way before it passed on the 100, so clients wait until they lose patience.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-7346",
    title: "the 100 of the origin does not reach a client that expects it: a POST takes a second longer, or hangs",
    link: "https://github.com/apache/trafficserver/issues/7346",
    also: &["https://github.com/apache/trafficserver/pull/7962"],
    affected: Affected { ats: &[">=8.0,<9.2"], openssl: None, distro: None, patched: &[] },
    when: "the defaults",
    fixed_in: "ATS 9.2.0",
    way_out: "upgrade to 9.2, or let ATS answer the expectation",
    workarounds: &[Workaround {
        name: "ats-says-100",
        what: "ATS answers the expectation itself",
        records: &[("proxy.config.http.send_100_continue_response", RecordType::Int, "1")],
        cost: "the origin cannot refuse a body before it is sent",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["http-expect-100"],
        // Patient clients never send the body, and the origin waits for it.
        must: &[
            Sign::Any(&[Sign::Slow(900), Sign::Hung]),
            Sign::Any(&[Sign::Served(1), Sign::OriginError("reading a body")]),
        ],
        may: &[Sign::Passes("http-post-1m")],
        // The client was told to go on; or posts are slow without an expectation.
        not: &[Sign::Interim(100), Sign::Elsewhere("http-post-*", &Sign::Slow(900))],
        sure: &[Sign::Passes("http-post-1m")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["http-expect-100"], "fails on debian-11/8.1"),
};
