//! Reaching origins: dead addresses, HTTP/2, closed ports.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::LogFile;

pub(super) const ISSUES: &[KnownIssue] = &[
    // The threshold, the clock and the state of a dead origin were all wrong.
    KnownIssue {
        id: "ATS-13169",
        title: "an origin that does not answer is never marked down: every request makes all its retries",
        link: "https://github.com/apache/trafficserver/issues/13169",
        also: &[
            "https://github.com/apache/trafficserver/issues/11907",
            "https://github.com/apache/trafficserver/pull/13102",
        ],
        affected: Affected { ats: &[">=10.0,<10.2"], ..ANYTHING },
        when: "origins that drop SYNs, or close before they answer",
        fixed_in: "ATS 10.2.0, which changes what the retry settings mean",
        way_out: "upgrade to 10.2.0, and read its notes on connect_attempts",
        workarounds: &[Workaround {
            name: "one-attempt",
            what: "no retries at all",
            records: &[
                ("proxy.config.http.connect_attempts_max_retries", "INT", "0"),
                ("proxy.config.http.connect_attempts_rr_retries", "INT", "0"),
            ],
            cost: "a single lost SYN fails a request",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["net-*"],
            // A second request makes all its retries again.
            must: &[Sign::Unanswered, Sign::LogLines(LogFile::Error, r"attempt fail .* retry_attempts=[1-9]", 2)],
            may: &[Sign::Answer("^50[24] ")],
            not: &[Sign::Log(LogFile::Error, "marking down")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not("it needs ATS 10 and an address that drops SYNs; neither is available here"),
    },
    // The 100 of the origin is dropped below the state machine that waits for it.
    KnownIssue {
        id: "ATS-13544",
        title: "over HTTP/2 to the origin the body of a request with Expect: 100-continue is lost, or hangs",
        link: "https://github.com/apache/trafficserver/issues/13544",
        also: &[],
        affected: Affected { ats: &[">=10.0"], ..ANYTHING },
        when: "proxy.config.ssl.client.alpn_protocols offers h2, and the origin answers 100",
        fixed_in: "no release yet (open in August 2026)",
        way_out: "speak HTTP/1.1 to origins that take uploads",
        workarounds: &[
            Workaround {
                name: "http1-origin",
                what: "HTTP/1.1 to origins",
                records: &[("proxy.config.ssl.client.alpn_protocols", "STRING", "http/1.1")],
                cost: "no multiplexing to origins",
                decides: true,
            },
            Workaround {
                name: "ats-says-100",
                what: "ATS answers the expectation itself",
                records: &[("proxy.config.http.send_100_continue_response", "INT", "1")],
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
            // HTTP/2 to the origin works, and so does the expectation over HTTP/1.1.
            sure: &[Sign::Passes("alpn-h2-fallback"), Sign::Passes("http-expect-100")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "it needs ATS 10, which is not available here; a trial that has never run would be a guess",
        ),
    },
    // ATS answers 200 before it connects.
    KnownIssue {
        id: "ATS-7677",
        title: "CONNECT to a closed port is answered 200, and only then closed",
        link: "https://github.com/apache/trafficserver/issues/7677",
        also: &[],
        affected: Affected { ats: &[">=9.0"], ..ANYTHING },
        when: "a CONNECT whose target refuses",
        fixed_in: "no release yet",
        way_out: "clients must treat an early end of the tunnel as a refusal",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            among: &["tunnel-connect*"],
            must: &[Sign::Answer("^200 "), Sign::Refused],
            not: &[Sign::Connected],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["tunnel-connect-closed-port"], "fails on every cell with ATS 9.2; 8.1 says 502"),
    },
    // ATS asks for one family and does not come back for the other.
    KnownIssue {
        id: "ATS-7663",
        title: "when an origin's IPv6 address does not answer, ATS does not try its IPv4 address",
        link: "https://github.com/apache/trafficserver/issues/7663",
        also: &[],
        affected: ANYTHING,
        when: "a name with A and AAAA records whose IPv6 address is dead",
        fixed_in: "no release yet",
        way_out: "remove dead AAAA records, or prefer IPv4",
        workarounds: &[Workaround {
            name: "ipv4-first",
            what: "IPv4 where a name has both",
            records: &[("proxy.config.hostdb.ip_resolve", "STRING", "ipv4;ipv6")],
            cost: "IPv6 is not used for names that also have IPv4",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            // Only this trial's name has both addresses.
            among: &["net-v6-dead-v4-alive"],
            must: &[Sign::Answer("^50[24] "), Sign::Any(&[Sign::Unanswered, Sign::Refused])],
            may: &[Sign::Log(LogFile::Error, r"CONNECT: .* to \[?[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*\]?:?\d* for")],
            not: &[Sign::TriedIpv4],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["net-v6-dead-v4-alive"], "fails on every cell"),
    },
];
