//! Kept-alive connections that the origin closes at the wrong moment.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// The end of the stream fell through to where retries are switched off.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12428",
    title: "a request on a kept-alive connection that the origin closes at that moment is answered 502 and not retried",
    link: "https://github.com/apache/trafficserver/issues/12428",
    also: &["https://github.com/apache/trafficserver/pull/12446"],
    affected: Affected { ats: &[">=10.0,<10.1.1"], openssl: None, distro: None, patched: &[] },
    when: "HTTP/1.1 origins that close idle connections sooner than ATS does",
    fixed_in: "ATS 10.1.1",
    way_out: "upgrade to 10.1.1",
    workarounds: &[Workaround {
        name: "no-keep-alive",
        what: "no kept-alive connections to origins (gentler: proxy.config.http.keep_alive_no_activity_timeout_out below \
               the origin's own limit)",
        records: &[("proxy.config.http.keep_alive_enabled_out", RecordType::Int, "0")],
        cost: "a TCP and TLS handshake for every request",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["pool-*", "http-keepalive-*"],
        must: &[Sign::LaterFails, Sign::Answer("^502 "), Sign::ServedThenClosed],
        // It was repeated, or never got that far.
        not: &[Sign::Connections(2), Sign::Refused, Sign::Process("")],
        at_times: true,
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["pool-race", "pool-idle-close"],
        "fail on ATS 10.0, which only Fedora's rows could run: no registry is in reach here",
    ),
};
