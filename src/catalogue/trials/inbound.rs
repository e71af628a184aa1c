//! Clients that speak TLS to ATS.

use super::{Limitation, SUBJECT, Trial, check, spec};
use crate::model::{Act, ClientSpec, Front, TrialSpec};

/// Bytes: several flow control windows of HTTP/2.
const POST_LEN: u64 = 300_000;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "inbound-tls",
        title: "a TLS client reaches the TLS origin through ATS",
        why: "both sides of ATS at once, with one libssl",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/ssl_multicert.config.en.html",
        spec: || TrialSpec { client: spec::get_over(Front::Tls), ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "ats")]),
        ..SUBJECT
    },
    Trial {
        id: "inbound-h2",
        title: "an HTTP/2 client reaches the TLS origin through ATS",
        why: "what browsers do",
        link: "https://www.rfc-editor.org/rfc/rfc9113",
        spec: || TrialSpec { client: spec::get_over(Front::H2), ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "ats"), check::answered_by(seen, "HTTP/2.0")]),
        ..SUBJECT
    },
    Trial {
        id: "inbound-h2-post",
        title: "a POST of an HTTP/2 client reaches the TLS origin whole",
        why: "flow control of HTTP/2 on one side, TLS writes on the other",
        link: "https://www.rfc-editor.org/rfc/rfc9113#section-5.2",
        spec: || {
            let act = Act::Requests(vec![spec::post(POST_LEN)]);
            TrialSpec { client: ClientSpec { front: Front::H2, act }, ..spec::https_get() }
        },
        judge: |seen| {
            check::tls_answer_and(
                seen,
                [check::shown(seen, "ats"), check::posted(seen, POST_LEN), check::answered_by(seen, "HTTP/2.0")],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "inbound-key-passphrase",
        title: "ATS loads a private key whose passphrase a program prints",
        why: "ssl_key_dialog in ssl_multicert.config: 9.2 lost it and prompted on a terminal that does not exist",
        link: "https://github.com/apache/trafficserver/issues/11197",
        limitations: &[Limitation { issue: "ATS-11197", ats: &[">=9.2,<9.2.5"] }],
        spec: || TrialSpec { client: spec::get_over(Front::Tls), locked_key: true, ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "ats")]),
        ..SUBJECT
    },
];
