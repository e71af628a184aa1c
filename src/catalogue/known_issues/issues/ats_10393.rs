//! Answers that come before the end of an upload, in ATS 9.2.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

/// ATS passes the answer on, and closes the client's connection with the upload unread: the reset overtakes the answer.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-10393",
    title: "an origin's answer in the middle of an upload (413) is cut off now and then: the connection is reset",
    link: "https://github.com/apache/trafficserver/issues/10393",
    also: &[],
    affected: Affected { ats: &[">=9.2"], openssl: None, distro: None, patched: &[] },
    when: "an origin that answers a large POST or PUT before it has read it",
    fixed_in: "no release yet (open in August 2026)",
    way_out: "let whoever stands before ATS, or ATS itself, refuse what is too large; or make clients expect 100-continue",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        among: &["http-early-413"],
        must: &[Sign::CutOff, Sign::Served(1)],
        // The client waited in vain; ATS made an answer of its own; ATS died.
        not: &[Sign::Hung, Sign::Answer("^5"), Sign::Process("")],
        // Uploads that are read to their end get through.
        sure: &[Sign::Passes("http-post-1m")],
        at_times: true,
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["http-early-413"],
        "passes on ATS 9.2, for its origin lingers a moment before it closes; with one that does not, 13 of 60 answers were cut \
         off by hand, and as many trials would be flaky",
    ),
};
