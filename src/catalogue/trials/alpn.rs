//! Protocols agreed on in the handshake.

use super::{Need, SUBJECT, Trial, check, spec};
use crate::model::{OriginTls, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "alpn-http11-origin",
        title: "ATS speaks HTTP/1.1 to an origin that offers nothing else by ALPN",
        why: "origins that insist on ALPN; ATS before 10 sends none",
        link: "https://www.rfc-editor.org/rfc/rfc7301",
        spec: || spec::https_get_from(OriginTls { alpn: vec!["http/1.1".into()], ..OriginTls::default() }),
        judge: |seen| {
            check::tls_answer_and(
                seen,
                [
                    check::negotiated(
                        seen,
                        "ALPN http/1.1 or none at the origin",
                        |tls| ["", "http/1.1"].contains(&tls.alpn.as_str()),
                        |tls| if tls.alpn.is_empty() { "no ALPN".into() } else { format!("ALPN {}", tls.alpn) },
                    ),
                    check::requested_by(seen, "HTTP/1.1"),
                ],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "alpn-h2-origin",
        title: "ATS speaks HTTP/2 to an origin that supports it",
        why: "new in ATS 10",
        link: "https://github.com/apache/trafficserver/pull/12190",
        needs: &[Need::Ats(">=10", "ATS speaks HTTP/2 to origins from 10.0 on")],
        spec: || {
            let tls = OriginTls { alpn: vec!["h2".into(), "http/1.1".into()], ..OriginTls::default() };
            TrialSpec {
                records: vec![spec::string("ssl.client.alpn_protocols", "h2,http/1.1")],
                ..spec::https_get_from(tls)
            }
        },
        judge: |seen| {
            check::tls_answer_and(seen, [check::over_alpn(seen, "h2"), check::requested_by(seen, "HTTP/2.0")])
        },
        ..SUBJECT
    },
    Trial {
        id: "alpn-h2-fallback",
        title: "ATS offers HTTP/2 and falls back to HTTP/1.1",
        why: "the usual mix of origins after HTTP/2 is turned on",
        link: "https://github.com/apache/trafficserver/pull/12190",
        needs: &[Need::Ats(">=10", "ATS speaks HTTP/2 to origins from 10.0 on")],
        spec: || {
            let tls = OriginTls { alpn: vec!["http/1.1".into()], ..OriginTls::default() };
            TrialSpec {
                records: vec![spec::string("ssl.client.alpn_protocols", "h2,http/1.1")],
                ..spec::https_get_from(tls)
            }
        },
        judge: |seen| {
            check::tls_answer_and(seen, [check::over_alpn(seen, "http/1.1"), check::requested_by(seen, "HTTP/1.1")])
        },
        ..SUBJECT
    },
];
