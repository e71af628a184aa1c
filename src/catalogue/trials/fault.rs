//! Misbehaving origins: ATS answers the right error in bounded time and stays alive.

use super::{Limitation, SUBJECT, Trial, check, spec};
use crate::model::{Step, TrialSpec};

/// The alert `handshake_failure`, fatal.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "fault-reset-after-accept",
        title: "an origin that resets the connection gives the client a 502",
        why: "load balancers without a healthy server do so",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3",
        spec: || spec::tcp_fault(vec![Step::Reset]),
        judge: |seen| vec![check::status(seen, &[502]), check::reset_by_origin(seen), check::at_once(seen)],
        ..SUBJECT
    },
    Trial {
        id: "fault-fin-after-hello",
        title: "an origin that closes after the ClientHello gives the client a 502",
        why: "what intolerant peers do to ClientHellos they do not like",
        link: "https://github.com/openssl/openssl/issues/27557",
        spec: || spec::tcp_fault(vec![Step::ReadHello, Step::Close]),
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-alert",
        title: "an origin that answers with an alert gives the client a 502",
        why: "handshake_failure is the most common alert",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-6.2",
        spec: || spec::tcp_fault(vec![Step::ReadHello, Step::SendBytes(HANDSHAKE_FAILURE.to_vec()), Step::Close]),
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-plain-for-tls",
        title: "an origin that answers TLS with plain HTTP gives the client a 502",
        why: "a wrong port or scheme in remap.config",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-5.1",
        spec: || spec::tcp_fault(vec![Step::ReadHello, spec::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Close]),
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-silent-handshake",
        title: "an origin that says nothing in the handshake gives the client an error in bounded time",
        why: "ATS 9 has one timeout for TCP and TLS together, 10 another",
        link: "https://github.com/apache/trafficserver/pull/7335",
        limitations: &[Limitation { issue: "ATS-6552", ats: &[">=8.1,<9"] }],
        spec: || TrialSpec {
            records: spec::one_second_timeouts(),
            ..spec::tcp_fault(vec![Step::ReadHello, Step::Hang])
        },
        judge: check::gave_up_waiting,
        ..SUBJECT
    },
    Trial {
        id: "fault-silent-response",
        title: "an origin that never answers gives the client an error in bounded time",
        why: "the timeout of an established TLS connection",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5",
        limitations: &[Limitation { issue: "ATS-6552", ats: &[">=8.1,<9"] }],
        spec: || TrialSpec {
            records: spec::one_second_timeouts(),
            ..spec::tls_fault(vec![Step::ReadHead, Step::Hang])
        },
        judge: check::gave_up_waiting,
        ..SUBJECT
    },
    Trial {
        id: "fault-close-before-response",
        title: "an origin that closes instead of answering gives the client a 502",
        why: "a crashed application behind a healthy TLS terminator",
        link: "https://github.com/apache/trafficserver/pull/12437",
        spec: || spec::tls_fault(vec![Step::ReadHead, Step::Close]),
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-reset-mid-body",
        title: "a response cut by a reset does not look complete to the client",
        why: "a cache that stores half a body serves it to everyone",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-8",
        spec: || spec::cut_body(Step::Reset),
        judge: check::body_cut,
        ..SUBJECT
    },
    Trial {
        id: "fault-short-body",
        title: "a response that ends before its Content-Length does not look complete to the client",
        why: "the same with a proper close",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-8",
        spec: || spec::cut_body(Step::Close),
        judge: check::body_cut,
        ..SUBJECT
    },
    Trial {
        id: "fault-bad-chunk",
        title: "a response with a broken chunk does not look complete to the client",
        why: "request smuggling lives here: parsing was made stricter in 9.2.10 and 9.2.12",
        link: "https://github.com/apache/trafficserver/pull/12150",
        spec: || {
            spec::tls_fault(vec![
                Step::ReadHead,
                spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                Step::SendChunks(20_000),
                spec::send("zz\r\n"),
                Step::Close,
            ])
        },
        judge: check::body_cut,
        ..SUBJECT
    },
    Trial {
        id: "fault-garbage-response",
        title: "an origin that answers with something other than HTTP gives the client a 502",
        why: "a database behind a wrong remap rule",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-4",
        spec: || spec::tls_fault(vec![Step::ReadHead, spec::send("-ERR this is not HTTP\r\n\r\n"), Step::Close]),
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-oversized-header",
        title: "a response with a header of 200 KiB gives the client an answer, and ATS keeps running",
        why: "ATS reads at most http.response_header_max_size, 128 KiB by default",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-response-header-max-size",
        spec: || {
            spec::tls_fault(vec![
                Step::ReadHead,
                spec::send("HTTP/1.1 200 OK\r\nX-Large: "),
                Step::Send("x".repeat(200 * 1024)),
                spec::send("\r\nContent-Length: 0\r\n\r\n"),
                Step::Hang,
            ])
        },
        judge: check::gave_up,
        ..SUBJECT
    },
    Trial {
        id: "fault-half-close",
        title: "a response before a half-closed connection comes back whole",
        why: "the origin has finished sending and still reads",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-6.1",
        spec: || spec::get_from_script(spec::answer_and(&[Step::Close, Step::Hang])),
        judge: check::one_answer,
        ..SUBJECT
    },
];
