//! Requests and answers that hang or get lost.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

pub(super) const ISSUES: &[KnownIssue] = &[
    // The end of the stream fell through to the code that disables retries.
    KnownIssue {
        id: "ATS-12428",
        title: "a request on a kept-alive connection that the origin closes at that moment is answered 502 and not \
                retried",
        link: "https://github.com/apache/trafficserver/issues/12428",
        also: &["https://github.com/apache/trafficserver/pull/12446"],
        affected: Affected { ats: &[">=10.0,<10.1.1"], ..ANYTHING },
        when: "HTTP/1.1 origins that close idle connections sooner than ATS does",
        fixed_in: "ATS 10.1.1",
        way_out: "upgrade to 10.1.1",
        workarounds: &[Workaround {
            name: "no-keep-alive",
            what: "no kept-alive connections to origins (gentler: \
                   proxy.config.http.keep_alive_no_activity_timeout_out below the origin's own limit)",
            records: &[("proxy.config.http.keep_alive_enabled_out", RecordType::Int, "0")],
            cost: "a TCP and TLS handshake for every request",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["pool-*", "http-keepalive-*"],
            must: &[Sign::LaterFails, Sign::Answer("^502 "), Sign::ServedThenClosed],
            // ATS retried the request, or never sent it.
            not: &[Sign::Connections(2), Sign::Refused, Sign::Process("")],
            at_times: true,
            ..NO_SIGNS
        }),
        provoked: Provoked::Unseen(
            &["pool-race", "pool-idle-close"],
            "fail on ATS 10.0, which only Fedora's rows could run: their registry is not reachable here",
        ),
    },
    // ATS sent no 100 of its own for a GET, and stripped the Expect header as if it had.
    KnownIssue {
        id: "ATS-12075",
        title: "a GET with a body and Expect: 100-continue hangs where ATS answers the expectation itself",
        link: "https://github.com/apache/trafficserver/pull/12075",
        also: &[
            "https://github.com/apache/trafficserver/pull/12072",
            "https://github.com/apache/trafficserver/pull/12081",
        ],
        affected: Affected { ats: &[">=8.0,<9.2.9", ">=10.0,<10.1"], ..ANYTHING },
        when: "proxy.config.http.send_100_continue_response is 1",
        fixed_in: "ATS 9.2.9; on the 10 branch by #12072 and its backport #12081",
        way_out: "upgrade to 9.2.9",
        workarounds: &[Workaround {
            name: "origin-says-100",
            what: "the origin answers the expectation, not ATS",
            records: &[("proxy.config.http.send_100_continue_response", RecordType::Int, "0")],
            cost: "an extra round trip to the origin for uploads that expect",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["http-expect-get"],
            must: &[
                Sign::Any(&[Sign::Answer("^504 "), Sign::Hung]),
                // The origin waits for the body that its head promises.
                Sign::Any(&[Sign::NoBody, Sign::OriginError("reading a body")]),
            ],
            // The client got its 100.
            not: &[Sign::Interim(100)],
            // Bodies without an expectation get through.
            sure: &[Sign::Passes("http-post-1m")],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["http-expect-get"], "fails on ATS 8.1 and 9.2.5"),
    },
    // ATS set up the tunnel for the body before it forwarded the 100, so clients wait until they give up.
    KnownIssue {
        id: "ATS-7346",
        title: "the origin's 100 does not reach a client that expects it: a POST takes a second longer, or hangs",
        link: "https://github.com/apache/trafficserver/issues/7346",
        also: &["https://github.com/apache/trafficserver/pull/7962"],
        affected: Affected { ats: &[">=8.0,<9.2"], ..ANYTHING },
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
            // Clients that keep waiting never send the body, and the origin waits for it.
            must: &[
                Sign::Any(&[Sign::Slow(900), Sign::Hung]),
                Sign::Any(&[Sign::Served(1), Sign::OriginError("reading a body")]),
            ],
            may: &[Sign::Passes("http-post-1m")],
            // The client got its 100; or posts without an expectation are slow too.
            not: &[Sign::Interim(100), Sign::Elsewhere("http-post-*", &Sign::Slow(900))],
            sure: &[Sign::Passes("http-post-1m")],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["http-expect-100"], "fails on debian-11/8.1"),
    },
    // The TLS handshake removes the transaction's timeouts from the connection to the origin; nothing restores them.
    KnownIssue {
        id: "ATS-6552",
        title: "8.1 does not apply its timeouts to silent TLS connections to origins (measured with 8.1.11)",
        link: "https://github.com/apache/trafficserver/issues/6552",
        also: &[
            "https://github.com/apache/trafficserver/issues/7710",
            "https://github.com/apache/trafficserver/pull/7715",
            "https://github.com/apache/trafficserver/pull/6781",
        ],
        affected: Affected { ats: &[">=8.1,<9.0"], ..ANYTHING },
        when: "an origin that says nothing in the handshake, or nothing after the request",
        fixed_in: "ATS 9.2 at the latest (measured with 9.2.9)",
        way_out: "upgrade to 9.2; until then do not rely on connect_attempts_timeout and \
                  transaction_no_activity_timeout_out, and let clients or a balancer in front of the origin end \
                  hanging connections",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            among: &["fault-silent-handshake", "fault-silent-response"],
            // ATS worked up to here, and the same exchange with an origin that answers succeeds.
            must: &[Sign::Hung, Sign::HelloOf(1), Sign::Passes("tls-remote-origin")],
            // An ATS that died or does not respond also hangs its clients.
            not: &[Sign::Process("")],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["fault-silent-handshake", "fault-silent-response"], "fail on debian-11/8.1"),
    },
];
