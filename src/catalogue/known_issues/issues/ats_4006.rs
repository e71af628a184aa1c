//! Answers that come before the end of an upload, in ATS 8 and 9.1.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

/// ATS did not read from the origin before it had sent everything, and took the closed connection for a failure.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-4006",
    title: "an origin's answer in the middle of an upload (413) is lost: the client gets a 502",
    link: "https://github.com/apache/trafficserver/issues/4006",
    also: &["https://github.com/apache/trafficserver/pull/7976"],
    affected: Affected { ats: &["<9.2"], openssl: None, distro: None, patched: &[] },
    when: "an origin that answers a large POST or PUT before it has read it, and closes",
    fixed_in: "ATS 9.2.0, which has ATS-10393 instead",
    way_out: "upgrade to 9.2; or let whoever stands before ATS refuse what is too large",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        among: &["http-early-413"],
        must: &[Sign::Answer("^502 "), Sign::Served(1)],
        not: &[Sign::Process("")],
        // Uploads that are read to their end get through.
        sure: &[Sign::Passes("http-post-1m")],
        at_times: true,
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["http-early-413"], "fails on debian-11/8.1"),
};
