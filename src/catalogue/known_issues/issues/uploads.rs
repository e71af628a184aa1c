//! Answers that come before the end of an upload.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};

pub(super) const ISSUES: &[KnownIssue] = &[
    // ATS forwards the answer and closes the client's connection with the upload unread: the reset overtakes it.
    KnownIssue {
        id: "ATS-10393",
        title: "an origin's answer in the middle of an upload (413) is sometimes cut off: the connection is reset",
        link: "https://github.com/apache/trafficserver/issues/10393",
        also: &[],
        affected: Affected { ats: &[">=9.2"], ..ANYTHING },
        when: "an origin that answers a large POST or PUT before it has read it",
        fixed_in: "no release yet (open in August 2026)",
        way_out: "refuse oversized requests in ATS or in a proxy before it; or make clients expect 100-continue",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            among: &["http-early-413"],
            must: &[Sign::CutOff, Sign::Served(1)],
            // The client got nothing; ATS sent its own answer; ATS died.
            not: &[Sign::Hung, Sign::Answer("^5"), Sign::Process("")],
            // Uploads that the origin reads to the end get through.
            sure: &[Sign::Passes("http-post-1m")],
            at_times: true,
            ..NO_SIGNS
        }),
        provoked: Provoked::Withstood(
            &["http-early-413"],
            "passes on ATS 9.2, because its origin pauses before it closes; without the pause 13 of 60 answers were \
             cut off by hand, and as many trials would be flaky",
        ),
    },
    // ATS did not read from the origin before it had sent everything, and took the closed connection for a failure.
    KnownIssue {
        id: "ATS-4006",
        title: "an origin's answer in the middle of an upload (413) is lost: the client gets a 502",
        link: "https://github.com/apache/trafficserver/issues/4006",
        also: &["https://github.com/apache/trafficserver/pull/7976"],
        affected: Affected { ats: &["<9.2"], ..ANYTHING },
        when: "an origin that answers a large POST or PUT before it has read it, and closes",
        fixed_in: "ATS 9.2.0, which has ATS-10393 instead",
        way_out: "upgrade to 9.2; or refuse oversized requests in a proxy before ATS",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            among: &["http-early-413"],
            must: &[Sign::Answer("^502 "), Sign::Served(1)],
            not: &[Sign::Process("")],
            // Uploads that the origin reads to the end get through.
            sure: &[Sign::Passes("http-post-1m")],
            at_times: true,
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["http-early-413"], "fails on debian-11/8.1"),
    },
];
