//! HTTP/2 to the origin and expectations.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// The 100 of the origin is dropped below the state machine that waits for it.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-13544",
    title: "over HTTP/2 to the origin the body of a request with Expect: 100-continue is lost, or hangs",
    link: "https://github.com/apache/trafficserver/issues/13544",
    also: &[],
    affected: Affected { ats: &[">=10.0"], openssl: None, distro: None, patched: &[] },
    when: "proxy.config.ssl.client.alpn_protocols offers h2, and the origin answers 100",
    fixed_in: "no release yet (open in August 2026)",
    way_out: "speak HTTP/1.1 to origins that take uploads",
    workarounds: &[
        Workaround {
            name: "http1-origin",
            what: "HTTP/1.1 to origins",
            records: &[("proxy.config.ssl.client.alpn_protocols", RecordType::String, "http/1.1")],
            cost: "no multiplexing to origins",
            decides: true,
        },
        Workaround {
            name: "ats-says-100",
            what: "ATS answers the expectation itself",
            records: &[("proxy.config.http.send_100_continue_response", RecordType::Int, "1")],
            cost: "the origin cannot refuse a body before it is sent",
            decides: true,
        },
    ],
    shows: Shows::Trials(Signature {
        among: &["alpn-h2-*"],
        must: &[
            Sign::Alpn("h2"),
            Sign::Any(&[Sign::NoBody, Sign::OriginError("reading a body")]),
            Sign::Any(&[Sign::Hung, Sign::Answer("^50[24] ")]),
        ],
        // HTTP/2 to the origin works, and so does the expectation without it.
        sure: &[Sign::Passes("alpn-h2-fallback"), Sign::Passes("http-expect-100")],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "it needs ATS 10, which cannot be had here; a trial that nobody has seen run would be a guess",
    ),
};
