//! HTTP over the TLS leg: bodies and framing.

use super::check::{self, Check};
use super::{Limitation, SUBJECT, Trial, spec};
use crate::model::{ClientSpec, Observation, OriginSpec, RequestSpec, Speak, Step, TrialSpec};

// Lengths of bodies, bytes.
const LARGE_POST: u64 = 1 << 20;
const LARGE_RESPONSE: u64 = 10 << 20;
/// Several chunks of the client's.
const CHUNKED_POST: u64 = 100_000;
/// Several chunks of the origin's.
const CHUNKED_RESPONSE: u64 = 50_000;
/// More than any buffer on the way holds, so that the client still sends when the answer comes.
const UPLOAD: u64 = 20_000_000;

/// From the answer to the close, milliseconds. A close with unread bytes sends a reset, which without this pause can
/// overtake the answer. Long enough for a machine with ten times the work it can do: after 100 ms one of 12 cells beside
/// compilers (load 18 on two CPUs) had a 502.
const LINGER_MS: u64 = 1_000;

/// The pause in the middle of a slow response, milliseconds.
const PAUSE_MS: u64 = 300;

/// A client that sends the body of its request only after a 100 Continue.
fn expecting(method: &str) -> ClientSpec {
    let head = format!("{method} / HTTP/1.1\r\nHost: {{host}}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
    spec::script(vec![
        spec::send(&head),
        Step::ReadInterim,
        Step::SendPattern(spec::BODY),
        Step::ReadHead,
        Step::ReadBody,
    ])
}

fn continued_and_posted(seen: &Observation) -> Vec<Check> {
    check::tls_answer_and(seen, [check::interim(seen, 100), check::posted(seen, spec::BODY)])
}

/// An origin whose first response has this status and no body; the second is whole.
fn bodiless_then_whole(status: &str) -> TrialSpec {
    let response = spec::send(&format!("HTTP/1.1 {status}\r\nETag: \"1\"\r\n\r\n"));
    let steps = [vec![Step::ReadHead, response], spec::answer_and(&[Step::Hang])].concat();
    TrialSpec { client: spec::two_gets(), ..spec::get_from_script(steps) }
}

/// The first answer has `status` and no body, and the second came whole on the same connection.
fn bodiless_first(seen: &Observation, status: u16) -> Vec<Check> {
    vec![
        check::statuses(seen, &[status, 200]),
        check::no_error(seen),
        check::bodies(seen, &[0, spec::BODY]),
        check::served(seen, 2, Some(1)),
    ]
}

/// An origin whose response has no length and ends with the connection, by `end`.
fn delimited_by(end: Step) -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    spec::get_from_script(vec![Step::ReadHead, head, Step::SendPattern(spec::BODY), end, Step::Hang])
}

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "http-post-1m",
        title: "a POST of 1 MiB reaches the TLS origin whole, and its answer comes back",
        why: "writes of many TLS records: partial writes and retries of SSL_write are where a BIO fails",
        link: "https://github.com/apache/trafficserver/issues/11465",
        spec: || TrialSpec { client: spec::requests(vec![spec::post(LARGE_POST)]), ..spec::https_get() },
        judge: |seen| {
            check::answers_and(
                seen,
                1,
                [check::served(seen, 1, None), check::posted(seen, LARGE_POST), check::over_tls(seen)],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "http-response-10m",
        title: "a response of 10 MiB comes back whole from the TLS origin",
        why: "reads of many TLS records under flow control; a truncated body can look like a clean 200",
        link: "https://github.com/openssl/openssl/issues/18866",
        spec: || {
            let origin = OriginSpec { speak: Speak::Http { body_len: LARGE_RESPONSE }, ..spec::https_get().origin };
            TrialSpec { origin, ..spec::https_get() }
        },
        judge: |seen| {
            check::and(check::answers(seen, 1, LARGE_RESPONSE), [check::served(seen, 1, None), check::over_tls(seen)])
        },
        ..SUBJECT
    },
    Trial {
        id: "http-post-chunked",
        title: "a chunked POST reaches the TLS origin whole",
        why: "bodies without a length take another path through ATS",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-7.1",
        spec: || {
            let post = RequestSpec { chunked: true, ..spec::post(CHUNKED_POST) };
            TrialSpec { client: spec::requests(vec![post]), ..spec::https_get() }
        },
        judge: |seen| check::tls_answer_and(seen, [check::posted(seen, CHUNKED_POST)]),
        ..SUBJECT
    },
    Trial {
        id: "http-response-chunked",
        title: "a chunked response comes back whole",
        why: "the usual framing of generated pages; chunk parsing was made stricter in 9.2.10 and 9.2.12",
        link: "https://github.com/apache/trafficserver/pull/12150",
        spec: || {
            let head = spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let steps =
                vec![Step::ReadHead, head, Step::SendChunks(CHUNKED_RESPONSE), spec::send("0\r\n\r\n"), Step::Hang];
            spec::get_from_script(steps)
        },
        judge: |seen| check::answers(seen, 1, CHUNKED_RESPONSE),
        ..SUBJECT
    },
    Trial {
        id: "http-response-trailers",
        title: "a chunked response with trailers comes back whole",
        why: "gRPC and checksums use trailers: ATS may drop them, not choke on them",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-6.5",
        spec: || {
            let head = spec::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
            let end = spec::send("0\r\nX-Sum: 42\r\n\r\n");
            let steps = vec![Step::ReadHead, head, Step::SendChunks(spec::BODY), end, Step::Hang];
            spec::get_from_script(steps)
        },
        judge: check::one_answer,
        ..SUBJECT
    },
    Trial {
        id: "http-expect-100",
        title: "a POST that waits for 100 Continue reaches the origin",
        why: "without the interim response clients wait a second, or forever",
        link: "https://github.com/apache/trafficserver/issues/7346",
        limitations: &[Limitation { issue: "ATS-7346", ats: &[">=8.0,<9.2"] }],
        spec: || TrialSpec { client: expecting("POST"), ..spec::https_get() },
        judge: continued_and_posted,
        ..SUBJECT
    },
    Trial {
        id: "http-expect-get",
        title: "a GET with a body reaches the origin when ATS sends 100 Continue itself",
        why: "search APIs take queries as the body of a GET, and their clients wait for the 100: ATS sent it and then \
              forgot the body",
        link: "https://github.com/apache/trafficserver/pull/12075",
        limitations: &[Limitation { issue: "ATS-12075", ats: &[">=8.0,<9.2.9", ">=10.0,<10.1"] }],
        spec: || TrialSpec {
            client: expecting("GET"),
            records: vec![spec::int("http.send_100_continue_response", 1)],
            ..spec::https_get()
        },
        judge: continued_and_posted,
        ..SUBJECT
    },
    Trial {
        id: "http-early-413",
        title: "an origin's 413 in the middle of an upload reaches the client whole",
        why: "an origin that refuses a large upload then closes without reading the rest: before 9.2 ATS read the \
              answer only after the upload, and turned it into a 502",
        link: "https://github.com/apache/trafficserver/issues/4006",
        limitations: &[Limitation { issue: "ATS-4006", ats: &[">=8.0,<9.2"] }],
        spec: || {
            let head = format!(
                "HTTP/1.1 413 Content Too Large\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                spec::BODY
            );
            let steps = vec![Step::ReadHead, spec::send(&head), Step::SendPattern(spec::BODY), Step::Pause(LINGER_MS)];
            TrialSpec {
                origin: spec::scripted(vec![steps]),
                client: spec::requests(vec![spec::post(UPLOAD)]),
                deadline_ms: 20_000,
                ..spec::https_get()
            }
        },
        judge: |seen| {
            vec![
                check::statuses(seen, &[413]),
                check::no_error(seen),
                check::bodies(seen, &[spec::BODY]),
                check::served(seen, 1, Some(1)),
            ]
        },
        ..SUBJECT
    },
    Trial {
        id: "http-head",
        title: "the response to a HEAD has no body, and the connection goes on",
        why: "its Content-Length announces a body that does not follow",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2",
        spec: || {
            let head = RequestSpec { method: "HEAD".into(), ..RequestSpec::default() };
            TrialSpec { client: spec::requests(vec![head, spec::get()]), ..spec::https_get() }
        },
        judge: |seen| bodiless_first(seen, 200),
        ..SUBJECT
    },
    Trial {
        id: "http-204",
        title: "a 204 comes back without a body, and the connection goes on",
        why: "a response that never has a body",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5",
        spec: || bodiless_then_whole("204 No Content"),
        judge: |seen| bodiless_first(seen, 204),
        ..SUBJECT
    },
    Trial {
        id: "http-304",
        title: "a 304 comes back without a body, and the connection goes on",
        why: "its Content-Length, if any, is that of another response",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5",
        spec: || bodiless_then_whole("304 Not Modified"),
        judge: |seen| bodiless_first(seen, 304),
        ..SUBJECT
    },
    Trial {
        id: "http-early-hints",
        title: "the response after a 103 Early Hints comes back whole",
        why: "an interim response that the client did not request",
        link: "https://www.rfc-editor.org/rfc/rfc8297",
        spec: || {
            let hints = spec::send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
            let mut steps = spec::answer_and(&[Step::Hang]);
            steps.insert(2, hints);
            spec::get_from_script(steps)
        },
        judge: check::one_answer,
        ..SUBJECT
    },
    Trial {
        id: "http-slow-response",
        title: "a response that pauses in its middle comes back whole",
        why: "reads that return nothing: where event loops and TLS buffers disagree",
        link: "https://docs.openssl.org/3.0/man3/SSL_read/",
        spec: || {
            let head = spec::send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
            let steps =
                vec![Step::ReadHead, head, spec::first_half(), Step::Pause(PAUSE_MS), spec::second_half(), Step::Hang];
            spec::get_from_script(steps)
        },
        judge: check::one_answer,
        ..SUBJECT
    },
    Trial {
        id: "http-close-delimited",
        title: "a response that ends with the connection comes back whole",
        why: "the framing of HTTP/1.0 origins",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        spec: || delimited_by(Step::Close),
        judge: check::one_answer,
        ..SUBJECT
    },
    Trial {
        id: "http-no-close-notify",
        title: "a response that ends with a bare FIN comes back whole",
        why: "without close_notify OpenSSL 3 reports an error where 1.1.1 reported the end",
        link: "https://github.com/openssl/openssl/issues/18866",
        spec: || delimited_by(Step::Fin),
        judge: check::one_answer,
        ..SUBJECT
    },
];
