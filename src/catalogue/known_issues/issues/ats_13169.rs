//! Origins that do not answer.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// The threshold, the clock and the state of a dead origin were all wrong.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-13169",
    title: "an origin that does not answer is never marked down: every request makes all its retries",
    link: "https://github.com/apache/trafficserver/issues/13169",
    also: &[
        "https://github.com/apache/trafficserver/issues/11907",
        "https://github.com/apache/trafficserver/pull/13102",
    ],
    affected: Affected { ats: &[">=10.0,<10.2"], openssl: None, distro: None, patched: &[] },
    when: "origins that drop SYNs, or close before they answer",
    fixed_in: "ATS 10.2.0, which changes what the retry settings mean",
    way_out: "upgrade to 10.2.0, and read its notes on connect_attempts",
    workarounds: &[Workaround {
        name: "one-attempt",
        what: "no retries at all",
        records: &[
            ("proxy.config.http.connect_attempts_max_retries", RecordType::Int, "0"),
            ("proxy.config.http.connect_attempts_rr_retries", RecordType::Int, "0"),
        ],
        cost: "a single lost SYN fails a request",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["net-*"],
        // A second request makes all its retries as the first did.
        must: &[Sign::Unanswered, Sign::LogLines(LogFile::Error, r"attempt fail .* retry_attempts=[1-9]", 2)],
        may: &[Sign::Answer("^50[24] ")],
        not: &[Sign::Log(LogFile::Error, "marking down")],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not("it needs ATS 10 and an address that drops SYNs; neither can be had here"),
};
