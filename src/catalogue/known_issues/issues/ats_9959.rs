//! A crash on OpenSSL 3.0.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};
use crate::model::LogFile;

/// `load_buffer_and_write` gave 0 for `SSL_ERROR_SYSCALL`.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-9959",
    title: "ATS aborts when the other side goes away in the middle of a TLS write",
    link: "https://github.com/apache/trafficserver/pull/9959",
    also: &["https://github.com/apache/trafficserver/issues/7341"],
    affected: Affected { ats: &["<9.2.2"], openssl: Some(">=3.0"), distro: None, patched: &[] },
    when: "a TLS connection that ends while ATS writes to it",
    fixed_in: "ATS 9.2.2",
    way_out: "upgrade to 9.2.2",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        must: &[
            // In the last words of the very process that this trial spoke to.
            Sign::Process(r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
            Sign::Any(&[
                Sign::CellLog(LogFile::Output, r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
                Sign::CellLog(LogFile::Diags, r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
            ]),
        ],
        may: &[Sign::NoAnswer],
        at_times: true,
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "it needs ATS before 9.2.2 with OpenSSL 3, and no source that is in reach has one; `fault-reset-mid-body` and `load-200` would meet it",
    ),
};
